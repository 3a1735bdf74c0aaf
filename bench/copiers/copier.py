"""A copy that is to be made, and what every copier has to say about how it makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ALL = FERRY, AZCOPY, RCLONE = "Ferry", "AzCopy", "rclone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One container into another, both with a SAS. `streams`: the bytes pass through the client.

    `trust` are environment variables that make clients trust the service's certificate.
    """

    source_url: str
    destination_url: str
    streams: bool = False
    trust: Mapping[str, str] = field(default_factory=dict[str, str])


class Start(NamedTuple):
    """How a program is started."""

    command: list[str]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Copier:
    """A program that copies; `start` is given a folder for what it keeps."""

    name: str
    version: str
    start: Callable[[Task, Path], Start]
