"""Health and version of this process, as its triggers answer them."""

import json

from ferry.api.health import HEALTH_ROUTES, health_answer
from ferry.services import connector, settings


def health_http(name: str) -> tuple[int, bytes]:
    """Status and body of the route of that name; only what is asked about storage composes the connector."""
    route = next(it for it in HEALTH_ROUTES if it.name == name)
    status, told = health_answer(
        route,
        faults=connector().faults() if route.asks_storage else (),
        participant_id=settings().participant_id,
        roles=sorted(settings().roles),
    )
    return status, json.dumps(told).encode()
