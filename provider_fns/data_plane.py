"""The data plane's functions (steps 8-12): with its control plane in one app, or in an app of its own."""

import azure.functions as func

from ferry.services import QueueName, Surface, endpoints
from shared_fns.http import register
from shared_fns.tasks import register_tasks


def blueprint() -> func.Blueprint:
    """The functions of the data plane's role."""
    made = func.Blueprint()
    register(made, endpoints(Surface.DATA_PLANE))
    register_tasks(made, QueueName.DATA_PLANE)
    return made
