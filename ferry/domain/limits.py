"""How long things may take, in seconds; in a module of its own because the settings read it while the app starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a process may stay in a state, and other times that decisions need, in seconds."""

    state_seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    default_state_seconds: float = 3600.0
    sas_seconds: float = 3600.0
    retention_seconds: float = 30 * 86400.0
    notify_seconds: float = 600.0
    clean_up_seconds: float = 86400.0
    effect_seconds: float = 60.0
    first_look_seconds: float = 2.0
    last_look_seconds: float = 30.0

    def of_state(self, state: str) -> float:
        """How long a process may stay in that state."""
        return self.state_seconds.get(state, self.default_state_seconds)
