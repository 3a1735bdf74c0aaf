"""The consumer's functions (steps 1-5 and 13-18)."""

import azure.functions as func

from consumer_fns.completion_marker import register_completion_marker
from ferry.services import QueueName, Surface, endpoints, settings
from shared_fns.http import register
from shared_fns.tasks import register_tasks


def blueprint() -> func.Blueprint:
    """The functions of the consumer's role."""
    made = func.Blueprint()
    register(made, endpoints(Surface.CONSUMER_MANAGEMENT), managed=True)
    register(made, endpoints(Surface.CONSUMER_DSP))
    register_tasks(made, QueueName.CONSUMER)
    if settings().destination_connection:
        register_completion_marker(made)
    return made
