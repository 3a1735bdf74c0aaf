"""Management API of secrets in the vault: they can be put in and taken out, never read.

EDC answers a GET with the value; here it says only that there is one. (Design: secrets and trust.)
"""

import re
from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, load_body, members, plain
from ferry.api.management.shapes import CONTEXT, id_response
from ferry.domain.faults import AlreadyExists, InputFault, InvalidInput, NotFound
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.vault import Vault

KIND = "Secret"
VALUE_LIMIT = 25_000

_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
# Under these lie the SAS of transfers, which come and go with them.
_OURS = ("ferry-sas-", "ferry-edr-")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsApi:
    """`/management/v3/secrets`. `own_secrets` are names, in small letters, that are for the app alone."""

    vault: Vault
    clock: Clock
    own_secrets: frozenset[str] = frozenset()

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: 409 where there is one of that name."""
        name, value = self._read(request)
        if self.vault.get(name) is not None:
            raise AlreadyExists(KIND, name)
        self.vault.store(name, value)
        return ApiAnswer(200, id_response(name, self.clock.now()))

    def update(self, request: ApiRequest) -> ApiAnswer:
        """PUT, with the name in the body: a new value."""
        name, value = self._read(request)
        self._expect(name)
        self.vault.store(name, value)
        return ApiAnswer(204)

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}: that it is there, without its value."""
        name = request.route.get("id", "")
        self._expect(name)
        return ApiAnswer(200, {"@type": KIND, "@id": name, "@context": CONTEXT})

    def delete(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}: deleted and purged."""
        name = request.route.get("id", "")
        self._expect(name)
        self.vault.delete(name)
        return ApiAnswer(204)

    def _expect(self, name: str) -> None:
        if self._name_fault(name) or self.vault.get(name) is None:
            raise NotFound(KIND, name)

    def _read(self, request: ApiRequest) -> tuple[str, Secret]:
        body = load_body(request)
        reader = BodyReader(body)
        name = reader.text("@id")
        fault = self._name_fault(name) if name else None
        if fault is not None:
            reader.faults.append(fault)
        value = plain(members(body).get("value"))
        if not isinstance(value, str) or not 1 <= len(value) <= VALUE_LIMIT:
            reader.fault("value", f"is required: a string of 1 to {VALUE_LIMIT} characters")
        reader.finish()
        if not isinstance(value, str):
            raise InvalidInput.at("value", "is required")
        return name, Secret(value)

    def _name_fault(self, name: str) -> InputFault | None:
        if not _NAME.fullmatch(name):
            return InputFault("@id", "a secret's name has 1 to 127 letters, digits and hyphens", name)
        if name.lower().startswith(_OURS):
            return InputFault("@id", f"names that begin with {' or '.join(_OURS)} belong to transfers", name)
        if name.lower() in self.own_secrets:
            return InputFault("@id", "is the name of this participant's signing key, which only the vault shows", name)
        return None
