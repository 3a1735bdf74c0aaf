"""What EDC connectors said to each other, in the order in which they said it, as files of this folder hold it.

Hosts are replaced by names, signatures of SAS by a word. (Design: written strictly, read tolerantly.)
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ferry.domain.process import Json, JsonObject
from ferry.protocol.reader import read

FOLDER = Path(__file__).parent / "recorded"

EDC_012_DSP_08 = "edc-0.12-dsp-0.8"
EDC_012_DSP_2024 = "edc-0.12-dsp-2024-1"
EDC_015 = "edc-0.15-dsp-2025-1"
EDC_018 = "edc-0.18-dsp-2025-1"
EDC_018_FOREIGN_PLANE = "edc-0.18-foreign-plane"

# One story in every version of the protocol: catalog, two contracts, three transfers that end well, one that fails.
ONE_STORY = (EDC_012_DSP_08, EDC_012_DSP_2024, EDC_015)
ALL = (*ONE_STORY, EDC_018, EDC_018_FOREIGN_PLANE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request between connectors and its answer; `to` is the participant that was asked."""

    to: str
    method: str
    path: str
    authorization: str | None
    request: JsonObject | None
    status: int
    response: JsonObject | None

    def bodies(self) -> Iterator[JsonObject]:
        """The request's body and the answer's, as far as there are any."""
        yield from (body for body in (self.request, self.response) if body is not None)


@cache
def exchanges(name: str) -> tuple[Exchange, ...]:
    """A recording, in order."""
    lines = (FOLDER / f"{name}.jsonl").read_text().splitlines()
    return tuple(Exchange(**json.loads(line)) for line in lines)


def first_of_each_type(name: str) -> dict[str, JsonObject]:
    """The first body of each `@type` in a recording, by the short name of the type."""
    found: dict[str, JsonObject] = {}
    for exchange in exchanges(name):
        for body in exchange.bodies():
            found.setdefault(type_of(body), body)
    return found


def type_of(body: JsonObject) -> str:
    """The short name of a body's type; a version response and a refusal before any message state none."""
    said: Json = read(body).get("@type")
    return str(said) if said is not None else "VersionResponse" if "protocolVersions" in body else "Error"


def signaling_message(name: str) -> JsonObject:
    """What a control plane of EDC 0.18 and a data plane said: `start` or `status`."""
    messages: dict[str, JsonObject] = json.loads((FOLDER / "signaling-edc-0.18.json").read_text())
    return messages[name]
