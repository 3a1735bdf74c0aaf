"""Management API of contract definitions: which assets are offered under which policies.

As in EDC, the policies that one names need not exist yet: until they do, it offers nothing.
"""

from dataclasses import dataclass, replace

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, free_properties, load_body
from ferry.api.management.query import read_criteria, read_query
from ferry.api.management.search import search_definitions
from ferry.api.management.shapes import id_response, shown_contract_definition
from ferry.domain.contracts import ContractDefinition
from ferry.domain.decision import Ids
from ferry.domain.faults import NotFound
from ferry.ports.clock import Clock
from ferry.ports.stores import Definitions

KIND = "ContractDefinition"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDefinitionsApi:
    """`/management/v3/contractdefinitions`."""

    contract_definitions: Definitions[ContractDefinition]
    clock: Clock
    ids: Ids

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: 409 where the id is taken."""
        definition = self._read(request)
        self.contract_definitions.create(definition.id, definition)
        return ApiAnswer(200, id_response(definition.id, definition.created_at))

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}."""
        return ApiAnswer(200, shown_contract_definition(self._get(request.route.get("id", ""))))

    def update(self, request: ApiRequest) -> ApiAnswer:
        """PUT, with the id in the body: all of it is replaced."""
        definition = self._read(request, must_name=True)
        created_at = self._get(definition.id).created_at
        self.contract_definitions.update(definition.id, replace(definition, created_at=created_at))
        return ApiAnswer(204)

    def delete(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}. Agreements that came of it stay."""
        wanted_id = request.route.get("id", "")
        self._get(wanted_id)
        self.contract_definitions.delete(wanted_id)
        return ApiAnswer(204)

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        found = search_definitions(self.contract_definitions, read_query(request), shown_contract_definition)
        return ApiAnswer(200, [shown_contract_definition(definition) for definition in found])

    def _get(self, definition_id: str) -> ContractDefinition:
        definition = self.contract_definitions.get(definition_id)
        if definition is None:
            raise NotFound(KIND, definition_id)
        return definition

    def _read(self, request: ApiRequest, *, must_name: bool = False) -> ContractDefinition:
        reader = BodyReader(load_body(request))
        definition = ContractDefinition(
            id=reader.text("@id") if must_name else reader.identifier(fresh=self.ids.fresh),
            created_at=self.clock.now(),
            access_policy_id=reader.text("accessPolicyId"),
            contract_policy_id=reader.text("contractPolicyId"),
            assets_selector=read_criteria(reader, "assetsSelector"),
            private_properties=free_properties(reader.object("privateProperties")),
        )
        reader.finish()
        return definition
