"""What any participant answers: processes, negotiations and agreements of either role, version, keys, health, timer."""

import azure.functions as func

from ferry.services import Surface, endpoints, settings
from shared_fns.docs import register_docs
from shared_fns.health import register_health
from shared_fns.http import register
from shared_fns.janitor import register_janitor


def blueprint() -> func.Blueprint:
    """The shared functions."""
    made = func.Blueprint()
    if settings().roles & {"consumer", "provider"}:
        register(made, endpoints(Surface.SHARED_MANAGEMENT), managed=True)
        register(made, endpoints(Surface.SHARED_DSP))
        register(made, endpoints(Surface.CONTROL))
        register(made, endpoints(Surface.PUBLIC))
    register_health(made)
    register_docs(made)
    register_janitor(made)
    return made
