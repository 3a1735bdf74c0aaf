"""How a provider asks for a data address that lasts longer, and what it is told: an extension of ours to the protocol.

It is offered by the property `renewal` of the first data address. (Design: secrets and trust.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ferry.domain.data_address import DestinationAddress, read_destination
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.protocol.envelope import WrittenMessage, written
from ferry.protocol.reader import read
from ferry.protocol.schema import check
from ferry.protocol.transfer_messages import data_address, peer_address

REQUEST, ANSWER = "TransferAddressRequest", "TransferAddress"


@dataclass(frozen=True, slots=True)
class ToldAddress:
    """Where a push goes, the bare SAS, and until when that is valid."""

    address: DestinationAddress
    sas: Secret
    expires_at: datetime


def address_request(transfer: TransferProcess) -> WrittenMessage:
    """The provider's request."""
    return written(REQUEST, _pids(transfer))


def read_address_request(body: Json, consumer_pid: str) -> str:
    """The provider's pid in a request about that transfer. Raises InvalidInput with every fault."""
    message = _read(REQUEST, body)
    if message["consumerPid"] != consumer_pid:
        raise InvalidInput.at("consumerPid", "is not the one in the path")
    return str(message["providerPid"])


def address_answer(transfer: TransferProcess, sas: Secret) -> WrittenMessage:
    """The consumer's answer, with the SAS in clear text. Raises ValueError for a pull."""
    if transfer.destination is None:
        raise ValueError(f"transfer {transfer.id} is a pull: its provider has the address")
    return written(ANSWER, {**_pids(transfer), "dataAddress": data_address(transfer.destination, sas)})


def read_address_answer(body: Json) -> ToldAddress:
    """What the consumer tells. Raises InvalidInput with every fault, which never shows the SAS."""
    message = _read(ANSWER, body)
    address = message["dataAddress"]
    known = peer_address(address if isinstance(address, Mapping) else {"endpointType": ""})
    if known.secret is None or known.secret_expires_at is None:
        raise InvalidInput.at("dataAddress", "needs a 'secret' with a SAS, and when that ends")
    return ToldAddress(read_destination(known.properties, "dataAddress"), known.secret, known.secret_expires_at)


def _read(wanted: str, body: Json) -> JsonObject:
    message = read(body)
    if message.get("@type") != wanted:
        raise InvalidInput.at("@type", f"must be {wanted}")
    check(wanted, message)
    return message


def _pids(transfer: TransferProcess) -> WrittenMessage:
    return {"providerPid": transfer.provider_pid, "consumerPid": transfer.consumer_pid}
