"""How the stand-in behaves: latency, bandwidth, limits, faults; and the command line that says so."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

FAULTS = ("500", "503", "reset-before", "reset-after", "reset-within", "cut")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One stand-in. Durations in seconds, rates per second; 0 is no limit.

    `bytes_rate` is that of a single request, `requests_rate` that of an account. `fault_share` of all requests meet
    one of `faults`: an answer of 500 or 503 without a code, a connection that is reset before or after the work was
    done or within the answer, or an answer that is cut short. `copies`: whether the service can read the source.
    """

    blobs: int = 0
    sizes: tuple[int, ...] = (0,)
    has_md5: bool = False
    changes_after: int = 0
    latency_seconds: float = 0.0
    bytes_rate: float = 0.0
    requests_rate: float = 0.0
    limit_status: int = 503
    retry_after_seconds: int = 0
    fault_share: float = 0.0
    fault_seed: int = 1
    faults: tuple[str, ...] = FAULTS
    copies: bool = True
    is_tls: bool = False

    def to_arguments(self) -> list[str]:
        """The command line that makes the same again."""
        arguments: list[str] = []
        for it in fields(self):
            value: Any = getattr(self, it.name)
            text = ",".join(map(str, value)) if it.name in _READERS else str(value)
            arguments.append(f"--{it.name.replace('_', '-')}={text}")
        return arguments


def parsed(arguments: Sequence[str]) -> Behaviour:
    """What a command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.standin", description=__doc__)
    default = Behaviour()
    for it in fields(Behaviour):
        value: Any = getattr(default, it.name)
        plain = {bool: _truth, int: int, float: float}
        read = _READERS[it.name] if it.name in _READERS else plain[type(value)]
        parser.add_argument(f"--{it.name.replace('_', '-')}", type=read, default=value)
    return Behaviour(**vars(parser.parse_args(arguments)))


def _truth(text: str) -> bool:
    return text.lower() in ("true", "yes", "1")


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(it) for it in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_READERS: dict[str, Callable[[str], Any]] = {"sizes": _sizes, "faults": _words}
