"""What anybody may ask of the app itself: whether it lives, whether it is ready, which versions of its APIs there are.

Beside Ferry's own two routes stand those that EDC's runtimes have, in EDC's shapes, so that probes need no change. The
table imports nothing of the connector: the triggers read it while the app starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

type Told = dict[str, object]


class Question(StrEnum):
    """What a route of this table asks."""

    LIVE = "live"
    READY = "ready"
    CHECK = "check"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class HealthRoute:
    """A GET that needs no key: the name of its function, its path below the host's prefix, what it asks.

    `asks_storage`: whether the answer is about storage and vault as well; else the app answers for itself alone.
    """

    name: str
    path: str
    question: Question
    asks_storage: bool = False


HEALTH_ROUTES: tuple[HealthRoute, ...] = (
    HealthRoute("health_live", "health/live", Question.LIVE),
    HealthRoute("health_ready", "health/ready", Question.READY, asks_storage=True),
    HealthRoute("check_health", "check/health", Question.CHECK, asks_storage=True),
    HealthRoute("check_readiness", "check/readiness", Question.CHECK, asks_storage=True),
    HealthRoute("check_startup", "check/startup", Question.CHECK, asks_storage=True),
    HealthRoute("check_liveness", "check/liveness", Question.CHECK),
    HealthRoute("version", "v1/version", Question.VERSION),
)

_CHANGED = "2026-06-30T00:00:00Z"


def health_answer(
    route: HealthRoute, *, faults: Sequence[str], participant_id: str, roles: Sequence[str]
) -> tuple[int, Told]:
    """Status and body; `faults` name what does not answer, "storage: why"."""
    status = 503 if faults else 200
    match route.question:
        case Question.LIVE:
            return 200, {"status": "live", "participantId": participant_id, "roles": list(roles)}
        case Question.READY:
            return status, {"status": "not ready" if faults else "ready", "faults": list(faults)}
        case Question.CHECK:
            return status, _checked(faults, ("app", "storage", "vault") if route.asks_storage else ("app",))
        case Question.VERSION:
            return 200, _versions()


def _checked(faults: Sequence[str], components: Sequence[str]) -> Told:
    """EDC's HealthStatus: one result for each component that was asked."""
    parted = [fault.partition(": ") for fault in faults]
    by_component = {component: reason for component, _, reason in parted}
    results = [
        {
            "component": component,
            "isHealthy": component not in by_component,
            "failure": {"messages": [by_component[component]]} if component in by_component else None,
        }
        for component in components
    ]
    return {"componentResults": results, "isSystemHealthy": not faults}


def _versions() -> Told:
    """EDC's list of APIs with their versions."""
    return {
        "management": [_version("3.1.0", "/v3", "deprecated"), _version("4.1.0", "/v4", "stable")],
        "protocol": [_version("2025-1", "/2025-1", "stable")],
        "version": [_version("1.0.0", "/v1", "stable")],
        "observability": [_version("1.0.0", "", "stable")],
    }


def _version(version: str, path: str, maturity: str) -> Told:
    return {"version": version, "urlPath": path, "lastUpdated": _CHANGED, "maturity": maturity}
