"""What any participant answers: processes, negotiations and agreements of either role, version, health, the janitor."""

import azure.functions as func

from ferry.services import Surface, endpoints, settings
from shared_fns.health import register_health
from shared_fns.http import register
from shared_fns.janitor import register_janitor


def blueprint() -> func.Blueprint:
    """The shared functions."""
    made = func.Blueprint()
    if settings().roles & {"consumer", "provider"}:
        register(made, endpoints(Surface.SHARED_MANAGEMENT), managed=True)
    register_health(made)
    register_janitor(made)
    return made
