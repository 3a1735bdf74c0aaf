"""The provider's functions (steps 6-7 and 12)."""

import azure.functions as func

from ferry.services import QueueName, Surface, endpoints
from shared_fns.http import register
from shared_fns.tasks import register_tasks


def blueprint() -> func.Blueprint:
    """The functions of the provider's role."""
    made = func.Blueprint()
    register(made, endpoints(Surface.PROVIDER_MANAGEMENT), managed=True)
    register(made, endpoints(Surface.PROVIDER_DSP))
    register_tasks(made, QueueName.PROVIDER)
    return made
