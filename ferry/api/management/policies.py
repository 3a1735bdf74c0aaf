"""Management API of policy definitions. What could not be evaluated when a consumer asks is refused here."""

from dataclasses import dataclass, replace

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, free_properties, load_body
from ferry.api.management.errors import InUse
from ferry.api.management.odrl import read_evaluable_policy
from ferry.api.management.policy_plan import evaluation_plan, validation_result
from ferry.api.management.query import read_query
from ferry.api.management.search import search_definitions
from ferry.api.management.shapes import id_response, shown_policy_definition
from ferry.domain.contracts import ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.decision import Ids
from ferry.domain.faults import NotFound
from ferry.domain.policy import PolicyScope
from ferry.ports.clock import Clock
from ferry.ports.stores import Definitions

KIND = "PolicyDefinition"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesApi:
    """`/management/v3/policydefinitions`."""

    policies: Definitions[PolicyDefinition]
    contract_definitions: Definitions[ContractDefinition]
    clock: Clock
    ids: Ids

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: 409 where the id is taken."""
        definition = self._read(request)
        self.policies.create(definition.id, definition)
        return ApiAnswer(200, id_response(definition.id, definition.created_at))

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}."""
        return ApiAnswer(200, shown_policy_definition(self._get(request.route.get("id", ""))))

    def update(self, request: ApiRequest) -> ApiAnswer:
        """PUT /{id}: all of it is replaced."""
        wanted_id = request.route.get("id", "")
        definition = self._read(request, wanted_id)
        self.policies.update(wanted_id, replace(definition, created_at=self._get(wanted_id).created_at))
        return ApiAnswer(204)

    def delete(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}: 409 while a contract definition names it."""
        definition = self._get(request.route.get("id", ""))
        for operand in ("access_policy_id", "contract_policy_id"):
            if self.contract_definitions.query((Criterion(operand, "=", definition.id),), limit=1):
                raise InUse(KIND, definition.id, "contract definition")
        self.policies.delete(definition.id)
        return ApiAnswer(204)

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        found = search_definitions(self.policies, read_query(request), shown_policy_definition)
        return ApiAnswer(200, [shown_policy_definition(definition) for definition in found])

    def validate(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/validate: what could not be evaluated, in a policy that an older version has let in."""
        return ApiAnswer(200, validation_result(self._get(request.route.get("id", "")).policy))

    def evaluation_plan(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/evaluationplan: what is evaluated in a scope, and what is not."""
        definition = self._get(request.route.get("id", ""))
        reader = BodyReader(load_body(request))
        stated = reader.text("policyScope")
        scope = next((it for it in PolicyScope if it.value == stated), None)
        if stated and scope is None:
            known = ", ".join(it.value for it in PolicyScope)
            reader.fault("policyScope", f"must be one of {known}", stated)
        reader.finish()
        return ApiAnswer(200, evaluation_plan(definition.policy, scope or PolicyScope.CATALOG))

    def _get(self, policy_id: str) -> PolicyDefinition:
        definition = self.policies.get(policy_id)
        if definition is None:
            raise NotFound(KIND, policy_id)
        return definition

    def _read(self, request: ApiRequest, wanted_id: str = "") -> PolicyDefinition:
        reader = BodyReader(load_body(request))
        policy_id = reader.identifier(fresh=lambda: wanted_id or self.ids.fresh())
        if wanted_id and policy_id != wanted_id:
            reader.fault("@id", f"must be the id in the path, {wanted_id!r}, or be left out", policy_id)
        raw = reader.object("policy", required=True)
        policy = (reader.collect(lambda: read_evaluable_policy(raw)) if raw else None) or {}
        private = free_properties(reader.object("privateProperties"))
        reader.finish()
        return PolicyDefinition(policy_id, self.clock.now(), policy, private)
