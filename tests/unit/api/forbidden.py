"""An egress guard of one rule."""

from collections.abc import Callable

from ferry.domain.faults import EffectFailed, FaultCode


def forbidding(host: str) -> Callable[[str], None]:
    """A guard that forbids every URL with that host in it."""

    def check(url: str) -> None:
        if host in url:
            raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, f"{host} may not be called")

    return check
