"""Callback addresses in a client's order: read in the forms of JSON-LD, refused where the egress guard forbids them."""

from ferry.api.management.body import BodyReader, as_items, members, plain
from ferry.api.management.orders import CheckAddress, check_url
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.events import ADDRESS_LIMIT, read_callback, shown_callback
from ferry.domain.process import Json, JsonObject
from ferry.telemetry import redacted

NAME = "callbackAddresses"


def read_callbacks(reader: BodyReader, check: CheckAddress, own_secrets: frozenset[str]) -> tuple[CallbackAddress, ...]:
    """The callback addresses of an order; faults go to the reader. `check` is the egress guard.

    `own_secrets` are names in small letters of secrets that leave the vault for nobody.
    """
    given = reader.objects(NAME)
    if len(given) > ADDRESS_LIMIT:
        reader.fault(NAME, f"has {len(given)} addresses, at most {ADDRESS_LIMIT} are told")
        return ()
    found: list[CallbackAddress] = []
    for number, raw in enumerate(given):
        path = f"{NAME}[{number}]"
        address = reader.collect(lambda raw=raw, path=path: read_callback(_plain(raw), path))
        if address is None:
            continue
        if redacted(address.uri) != address.uri:
            reader.fault(f"{path}.uri", "holds a secret; store it in the vault and name it in authCodeId")
            continue
        if (address.auth_code_id or "").lower() in own_secrets:
            reader.fault(f"{path}.authCodeId", "is the name of this participant's signing key, which is never sent")
            continue
        check_url(reader, f"{path}.uri", address.uri, check)
        found.append(address)
    return tuple(found)


def shown_callbacks(addresses: tuple[CallbackAddress, ...]) -> list[Json]:
    """The callback addresses of a process as the management API shows them."""
    return [{"@type": "CallbackAddress", **shown_callback(address)} for address in addresses]


def _plain(raw: JsonObject) -> dict[str, Json]:
    """Short names and bare values; `events` stays a list."""
    return {
        name: [plain(item) for item in as_items(value)] if name == "events" else plain(value)
        for name, value in members(raw).items()
    }
