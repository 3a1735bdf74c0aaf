"""Whom events are told; in a module of its own because the settings read it while the app starts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallbackAddress:
    """Where events go whose names begin with one of `events`; `auth_code_id` is the alias of the header's value."""

    uri: str
    events: tuple[str, ...] = ()
    transactional: bool = False
    auth_key: str | None = None
    auth_code_id: str | None = None

    def wants(self, event: str, *, by_name: bool = False) -> bool:
        """Whether an event of that name is to be told there; `by_name`: only where its last word was asked for, too."""
        least = event.rindex(".") + 2 if by_name else 0
        prefixes = (prefix.removesuffix("*") for prefix in self.events)
        return any(event.startswith(prefix) and len(prefix) >= least for prefix in prefixes)
