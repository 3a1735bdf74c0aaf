"""Defects that are put into Ferry on purpose, one for each demand: without what it asks for, it must not pass."""

# What is patched in takes whatever the original takes, and the insides of modules are what has to be patched.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownVariableType=false, reportPrivateUsage=false

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest

from ferry.api import pull
from ferry.api.http import ApiAnswer
from ferry.api.signaling import SignalingApi
from ferry.api.signaling_plane import PlaneApi
from ferry.control_plane import (
    announced_flows,
    flow_decisions,
    plane_flow_decisions,
    prepared_flows,
    pull_decisions,
    transfer_decisions,
)
from ferry.control_plane.flows import FlowService
from ferry.control_plane.plane_flows import PlaneFlowService
from ferry.domain.decision import FlowReport
from ferry.domain.process import IntentKind
from ferry.effects.flows import FlowController, FlowNotifier
from ferry.effects.plane_flows import PlaneAddresses, PlaneFlowEffects
from ferry.protocol import signaling_flows
from ferry.protocol.pull_tokens import PullGrant, RefreshProof

type Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Defect:
    """What is taken away, and the demand that has to notice."""

    demand: str
    what: str
    patch: Patch

    def __str__(self) -> str:
        return f"{self.demand} {self.what}"


def _gives(owner: object, name: str, result: Any) -> Patch:
    """Whatever is asked of it, it gives this."""
    return lambda to: to.setattr(owner, name, lambda *_, **__: result)


def _ignores(owner: object, name: str) -> Patch:
    """It gives back the process that it was given, as it was."""
    return lambda to: to.setattr(owner, name, lambda process, *_, **__: process)


def _nothing_done(owner: object, name: str) -> Patch:
    return _gives(owner, name, {})


def _without(kind: IntentKind) -> Patch:
    """A consumer's plane is not told of that."""

    def patch(to: pytest.MonkeyPatch) -> None:
        usual = prepared_flows._order_of

        def order_of(before: Any, after: Any) -> IntentKind | None:
            order = usual(before, after)
            return None if order is kind else order

        to.setattr(prepared_flows, "_order_of", order_of)

    return patch


def _told_once(to: pytest.MonkeyPatch) -> None:
    """News that are refused are not told again."""
    usual = PlaneFlowEffects.tell

    def tell(self: PlaneFlowEffects, flow: Any, intent: Any) -> Any:
        return usual(self, flow, intent) if intent.attempt == 0 and not intent.detail.get("told") else {}

    to.setattr(PlaneFlowEffects, "tell", tell)


def _access_not_given_again(to: pytest.MonkeyPatch) -> None:
    usual = PlaneFlowEffects.grant
    given: set[str] = set()

    def grant(self: PlaneFlowEffects, flow: Any, intent: Any) -> Any:
        if flow.id in given:
            return {}
        given.add(flow.id)
        return usual(self, flow, intent)

    to.setattr(PlaneFlowEffects, "grant", grant)


def _no_endpoint(to: pytest.MonkeyPatch) -> None:
    usual = signaling_flows.destination_message

    def message(*given: Any) -> Any:
        told = dict(usual(*given))
        del told["endpoint"]
        return told

    to.setattr(signaling_flows, "destination_message", message)


def _news_without_address(to: pytest.MonkeyPatch) -> None:
    usual = PlaneAddresses.of
    to.setattr(PlaneAddresses, "of", lambda self, flow: None if not flow.is_answered else usual(self, flow))


def _complete_is_terminate(to: pytest.MonkeyPatch) -> None:
    def complete(self: FlowService, flow_id: str) -> None:
        self.terminate(flow_id, "complete")

    to.setattr(FlowService, "complete", complete)


def _copies_unannounced(to: pytest.MonkeyPatch) -> None:
    to.setattr(announced_flows, "begin", lambda flow, moment: flow_decisions.begin(flow, moment, answered=False))


def _resumed_without_a_state(to: pytest.MonkeyPatch) -> None:
    usual = PlaneApi._ordering

    def ordering(self: PlaneApi, kind: Any) -> Any:
        order = usual(self, kind)
        return lambda request, flow: replace(order(request, flow), body={})

    to.setattr(PlaneApi, "_ordering", ordering)


def _any_proof(to: pytest.MonkeyPatch) -> None:
    """Who refreshes is believed without a look at the audience."""

    def check(self: RefreshProof, authorization: str | None, **_: Any) -> Any:
        del self
        return jwt.decode((authorization or "").removeprefix("Bearer "), options={"verify_signature": False})

    to.setattr(RefreshProof, "check", check)


def _request_not_held(to: pytest.MonkeyPatch) -> None:
    usual = prepared_flows.reported

    def reported(process: Any, report: FlowReport, moment: Any, *, has_address: bool = False) -> Any:
        del has_address
        return usual(process, replace(report, state="PREPARED"), moment, has_address=True)

    to.setattr(prepared_flows, "reported", reported)


def _flow_never_resumed(to: pytest.MonkeyPatch) -> None:
    to.setattr(FlowService, "resume", lambda self, flow_id: None)


def _suspension_ignored(to: pytest.MonkeyPatch) -> None:
    to.setattr(FlowService, "suspend", lambda self, flow_id, reason: self.get(flow_id))


_plane, _push = plane_flow_decisions, FlowService

DEFECTS: tuple[Defect, ...] = (
    Defect("DP_C_PULL:01-01", "the start is not noted", _ignores(_plane, "_started")),
    Defect("DP_C_PULL:01-02", "nothing ever ends", _ignores(_plane, "_ended")),
    Defect("DP_C_PULL:02-01", "the answer to resume is empty", _resumed_without_a_state),
    Defect("DP_C_PULL:02-02", "a suspension is not noted", _ignores(_plane, "_suspended")),
    Defect("DP_C_PULL:03-01", "the end of a copy is lost", _gives(PlaneFlowService, "report", None)),
    Defect("DP_C_PULL:04-01", "no news are told", _ignores(_plane, "_telling")),
    Defect("DP_P_PULL:01-01", "no address is given", _gives(PlaneAddresses, "of", None)),
    Defect("DP_P_PULL:01-02", "access is not taken back", _nothing_done(PlaneFlowEffects, "revoke")),
    Defect("DP_P_PULL:02-01", "access is not given again", _access_not_given_again),
    Defect("DP_P_PULL:02-02", "access outlives a suspension", _nothing_done(PlaneFlowEffects, "revoke")),
    Defect("DP_P_PULL:04-01", "news are told once", _told_once),
    Defect("DP_C_PUSH:01-01", "the address has no endpoint", _no_endpoint),
    Defect("DP_C_PUSH:01-02", "nothing ever ends", _ignores(_plane, "_ended")),
    Defect("DP_C_PUSH:02-01", "a resumption is not noted", _ignores(_plane, "_resumed")),
    Defect("DP_C_PUSH:02-02", "a suspension is not noted", _ignores(_plane, "_suspended")),
    Defect("DP_C_PUSH:03-01", "the SAS goes on writing", _nothing_done(PlaneFlowEffects, "revoke")),
    Defect("DP_C_PUSH:04-01", "the news bring no address", _news_without_address),
    Defect("DP_P_PUSH:01-01", "completed means terminated", _complete_is_terminate),
    Defect("DP_P_PUSH:01-02", "an end is ignored", _gives(_push, "terminate", None)),
    Defect("DP_P_PUSH:02-01", "a flow is never resumed", _flow_never_resumed),
    Defect("DP_P_PUSH:02-02", "a suspension is ignored", _suspension_ignored),
    Defect("DP_P_PUSH:03-01", "the end is not told", _nothing_done(FlowNotifier, "notify")),
    Defect("DP_P_PUSH:04-01", "it starts without saying so", _copies_unannounced),
    Defect("DP_C_HTTP_PULL:01-01", "the address is refused", _ignores(_plane, "_started")),
    Defect("DP_C_HTTP_PULL:02-01", "any address is taken", _gives(signaling_flows, "_check_renewable", None)),
    Defect("DP_P_HTTP_PULL:01-01", "ranges are ignored", _gives(pull, "_range_in", None)),
    Defect("DP_P_HTTP_PULL:02-01", "any refresh token is good", _gives(PullGrant, "is_refreshed_by", True)),
    Defect("DP_P_HTTP_PULL:02-02", "a proof for anybody is good", _any_proof),
    Defect("CP_C:01-01", "the plane is not told the end", _without(IntentKind.COMPLETE_DATA_FLOW)),
    Defect("CP_C:01-02", "the plane is not told of a termination", _without(IntentKind.TERMINATE_DATA_FLOW)),
    Defect("CP_C:02-01", "the plane is not told to go on", _without(IntentKind.RESUME_DATA_FLOW)),
    Defect("CP_C:02-02", "the plane is not told to stand still", _without(IntentKind.SUSPEND_DATA_FLOW)),
    Defect("CP_C:03-01", "the request leaves at once", _request_not_held),
    Defect("CP_P:01-01", "the plane is not told the end", _ignores(pull_decisions, "ended_at_plane")),
    Defect("CP_P:01-02", "the plane is not told of a termination", _ignores(transfer_decisions, "with_flow_ended")),
    Defect("CP_P:02-01", "the plane is not told to go on", _nothing_done(FlowController, "resume")),
    Defect("CP_P:02-02", "the plane is not told to stand still", _nothing_done(FlowController, "suspend")),
    Defect("CP_P:03-01", "the plane's news are not heard", _gives(SignalingApi, "_told", ApiAnswer(200))),
)
