"""The wire to the addresses of a command: its user has named the hosts, so those are allowed, and no others."""

from urllib.parse import urlsplit

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import EgressGuard
from ferry.cli.blobs.addresses import FileAddress, StorageAddress
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireLost, WireRefused
from ferry.telemetry import redacted

_ANY_NETWORK = ("0.0.0.0/0", "::/0")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_EXIT_CODES: dict[str, ExitCode] = {
    FaultCode.SAS_REFUSED: ExitCode.REFUSED,
    FaultCode.SOURCE_KEY_MISSING: ExitCode.REFUSED,
    FaultCode.DESTINATION_EXISTS: ExitCode.REFUSED,
    FaultCode.DESTINATION_IMMUTABLE: ExitCode.REFUSED,
    FaultCode.DESTINATION_FULL: ExitCode.REFUSED,
    FaultCode.NAME_REFUSED: ExitCode.REFUSED,
    FaultCode.BLOB_TYPE_UNSUPPORTED: ExitCode.REFUSED,
    FaultCode.SOURCE_BLOB_ARCHIVED: ExitCode.REFUSED,
    FaultCode.ADDRESS_FORBIDDEN: ExitCode.USAGE,
    FaultCode.SOURCE_BLOB_MISSING: ExitCode.NOT_FOUND,
    FaultCode.DESTINATION_GONE: ExitCode.NOT_FOUND,
    FaultCode.CONTAINER_MISSING: ExitCode.NOT_FOUND,
    FaultCode.PEER_UNREACHABLE: ExitCode.NOT_REACHABLE,
}


def command_sides(*addresses: StorageAddress | FileAddress) -> WireSides:
    """Sides for these addresses; close them in the loop that has used them."""
    hosts = [_host_and_port(address) for address in addresses]
    guard = EgressGuard(hosts, allow_loopback=True, allowed_networks=_ANY_NETWORK)
    return WireSides(guard, BlobClients(guard=guard), SystemClock())


def failure_at(where: str, error: Exception) -> CommandFailed:
    """What a side has answered, in words, without a signature."""
    match error:
        case WireRefused() if error.answer.status in (401, 403):
            return CommandFailed(
                f"{where} refuses the SAS ({error})",
                next_step="make a new one; look at its letters, its end, the clock, and the account's firewall",
                exit_code=ExitCode.REFUSED,
            )
        case WireRefused() if error.answer.status == 404:
            return CommandFailed(
                f"{where} does not exist ({error})",
                next_step="look at the account's and the container's name",
                exit_code=ExitCode.NOT_FOUND,
            )
        case WireRefused():
            return CommandFailed(
                f"{where} answers with an error ({error})", next_step="try again, or read the service's documentation"
            )
        case WireLost():
            return CommandFailed(
                redacted(f"{where} does not answer: {error}"),
                next_step="look at the address and the network, and try again",
                exit_code=ExitCode.NOT_REACHABLE,
            )
        case EffectFailed():
            return _of_fault(error)
        case _:
            raise error


def _of_fault(error: EffectFailed) -> CommandFailed:
    fault = error.fault
    again = "try again: what is there already is not copied once more" if fault.retryable else "mend what it says first"
    code = _EXIT_CODES.get(fault.code, ExitCode.NOT_REACHABLE if fault.retryable else ExitCode.FAILED)
    return CommandFailed(redacted(f"{fault.code}: {fault.message}"), next_step=again, exit_code=code)


def _host_and_port(address: StorageAddress | FileAddress) -> str:
    parts = urlsplit(address.endpoint if isinstance(address, StorageAddress) else address.shown)
    host = parts.hostname or ""
    return f"{host}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"
