"""Addresses of containers, folders, blobs and files, as they are given on the command line, SAS included.

An address is a URL, `-` (the next line of standard input), `env:NAME` (a variable) or `@FILE` (a file's first line);
all but the first keep the SAS from other users of the machine and from the shell's history.
"""

import ipaddress
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO
from urllib.parse import parse_qs, quote, unquote, urlsplit

from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.profiles import is_loopback_host
from ferry.domain.secret import Secret

_AZURE_HOST = re.compile(r"[a-z0-9-]+(\.z[0-9]+)?\.blob\..+")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """A container (`path` empty), a folder in it (`path` ends with a slash) or a blob, and the SAS for it.

    `endpoint` has no slash at the end, `sas` no question mark, `path` is not encoded.
    """

    endpoint: str
    container: str
    path: str
    sas: Secret

    @property
    def is_blob(self) -> bool:
        """Whether it names a single blob."""
        return bool(self.path) and not self.path.endswith("/")

    @property
    def folder(self) -> str:
        """What the names of its blobs begin with."""
        return "" if self.is_blob else self.path

    @property
    def shown(self) -> str:
        """The address without its SAS."""
        behind = f"/{self.path}" if self.path else ""
        return f"{self.endpoint}/{self.container}{behind}"

    @property
    def container_address(self) -> Secret:
        """The address of the container alone, with the SAS."""
        return Secret(f"{self.endpoint}/{quote(self.container)}?{self.sas.reveal()}")

    @property
    def blob_address(self) -> Secret:
        """The address of the blob, with the SAS."""
        return Secret(f"{self.endpoint}/{quote(self.container)}/{quote(self.path)}?{self.sas.reveal()}")

    @property
    def permissions(self) -> frozenset[str]:
        """The letters of its SAS; empty where a stored access policy has them."""
        return frozenset(self._field("sp"))

    def may(self, letters: str) -> bool:
        """Whether the SAS says that it allows all of these; one on a policy says nothing, and may be tried."""
        return not self.permissions or self.permissions >= set(letters)

    def _field(self, name: str) -> str:
        return parse_qs(self.sas.reveal()).get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A file at any other HTTP(S) address."""

    url: Secret

    @property
    def name(self) -> str:
        """Its last segment."""
        return unquote(urlsplit(self.url.reveal()).path.rstrip("/").rpartition("/")[2]) or "download"

    @property
    def shown(self) -> str:
        """The address without its query, which may be a secret."""
        return self.url.reveal().partition("?")[0]


class AddressReader:
    """Reads the addresses of one command, in their order. `notes` says what the user should know."""

    def __init__(self, environment: Mapping[str, str] = os.environ, lines: TextIO | None = None) -> None:
        self._environment = environment
        self._lines = lines
        self.notes: list[str] = []

    def storage(self, given: str, what: str) -> StorageAddress:
        """An address that must be one of a container, folder or blob, with its SAS. Raises CommandFailed."""
        found = self.any(given, what)
        if isinstance(found, FileAddress):
            raise _fault(what, "is no address of a storage container with its SAS (…?sv=…&sig=…)")
        return found

    def any(self, given: str, what: str) -> StorageAddress | FileAddress:
        """An address of either kind. Raises CommandFailed, which shows nothing of a SAS."""
        url = self._text(given, what)
        if not _VISIBLE.fullmatch(url):
            raise _fault(what, "holds spaces or letters that no URL has; percent-encode them")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else _HTTPS_PORT)
        except ValueError:
            raise _fault(what, "is no URL") from None
        if parts.scheme not in ("https", "http") or not host or parts.username or parts.fragment:
            raise _fault(what, "must look like https://account.blob.core.windows.net/container?SAS")
        if parts.scheme == "http" and not is_loopback_host(host):
            raise _fault(what, "must be https: over http its SAS could be read on the way (http is for this machine)")
        if not _is_storage(host, parts.query):
            return FileAddress(Secret(url))
        segments = [segment for segment in parts.path.split("/") if segment]
        in_path = 0 if _has_account_in_host(host, port) else 1
        if len(segments) < in_path + 1 or "sig" not in parse_qs(parts.query):
            raise _fault(what, "must name a container and bring its SAS (…/container?sv=…&sig=…)")
        endpoint = "/".join([f"{parts.scheme}://{parts.netloc}", *segments[:in_path]])
        behind = parts.path.split("/", in_path + 2)[in_path + 2 :]
        return StorageAddress(
            endpoint, unquote(segments[in_path]), unquote(behind[0]) if behind else "", Secret(parts.query)
        )

    def _text(self, given: str, what: str) -> str:
        if given == "-":
            line = (self._lines or sys.stdin).readline().strip()
            if not line:
                raise _fault(what, "was to come from standard input, where there is no line for it")
            return line
        if given.startswith("env:"):
            variable = given.removeprefix("env:")
            value = self._environment.get(variable, "").strip()
            if not value:
                raise _fault(what, f"was to come from the variable {variable}, which is not set")
            return value
        if given.startswith("@"):
            return self._line_of(given.removeprefix("@"), what)
        if "sig=" in given:
            self.notes.append(
                f"{what} came with its SAS on the command line, where others on this machine can read it; "
                "use env:NAME, @FILE or - instead"
            )
        return given

    def _line_of(self, path: str, what: str) -> str:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path as it was typed
                line = file.readline().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _fault(what, f"was to come from a file that cannot be read: {error}") from None
        if not line:
            raise _fault(what, f"was to come from {path}, whose first line is empty")
        return line


def _is_storage(host: str, query: str) -> bool:
    fields = parse_qs(query)
    return bool(_AZURE_HOST.fullmatch(host)) or {"sig", "sv"} <= fields.keys()


def _has_account_in_host(host: str, port: int) -> bool:
    """Emulators have the account in the path; their hosts are addresses, bare names, or have a port of their own."""
    if _AZURE_HOST.fullmatch(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and not host.endswith(".localhost") and port == _HTTPS_PORT
    return False


def _fault(what: str, why: str) -> CommandFailed:
    return CommandFailed(f"{what} {why}", next_step="correct it and try again", exit_code=ExitCode.USAGE)
