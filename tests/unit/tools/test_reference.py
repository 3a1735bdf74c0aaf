"""What docs/reference and the dashboard say of the code is what the code is, and their links lead somewhere."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from ferry.control_plane import flow_decisions
from ferry.control_plane.rules import FlowRules
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, Done, Failed, Look, Task
from ferry.domain.faults import FaultCode
from ferry.domain.message_kind import Role
from ferry.domain.process import IntentKind
from ferry.domain.states import NegotiationState
from ferry.settings.table import SETTINGS
from tests.unit.control_plane.processes import FINAL_FAULT, NOW, moment
from tests.world.participants import make_pair, negotiated
from tools.doc_commands.blocks import ROOT, pages
from tools.reference.pages import FOLDER, stale
from tools.reference.transitions import FLOW_EDGES, negotiation_edges

A_YEAR_SECONDS = 365 * 86400.0
_LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_every_written_page_is_as_the_code_has_it() -> None:
    names = [str(path.relative_to(ROOT)) for path in stale()]

    assert names == [], "run python -m tools.reference --write"


def test_every_code_and_setting_has_its_place() -> None:
    errors = (FOLDER / "errors.md").read_text()
    settings = (FOLDER / "settings.md").read_text()

    assert {code for code in FaultCode if f'<a id="{code}"></a>' not in errors} == set()
    assert {it.name for it in SETTINGS if f"| `{it.name}` |" not in settings} == set()


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target, anchor in _LINK.findall(_FENCED.sub("", page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in _anchors(path)):
            broken.append(f"{target}#{anchor}")

    assert broken == []


def _anchors(path: Path) -> set[str]:
    text = _FENCED.sub("", path.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]+>", "", it).lower()).strip().replace(" ", "-") for it in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


# --- where states lead ------------------------------------------------------------------------------------------


def test_negotiation_goes_only_where_the_table_leads() -> None:
    pair = make_pair(blobs={"a.txt": b"a"})
    ours = negotiated(pair)
    theirs = pair.provider.core.negotiations.get(ours.correlation_id or "")

    for process in (ours, theirs):
        states = [NegotiationState(line.state) for line in process.history]
        steps = [(before, after) for before, after in pairwise(states) if before != after]
        edges = negotiation_edges(process.role)
        assert len(steps) >= 3
        assert [step for step in steps if step[1] not in edges[step[0]]] == []


def test_negotiation_reaches_every_state_from_its_beginning() -> None:
    reached = {after for role in Role for following in negotiation_edges(role).values() for after in following}

    assert reached == set(NegotiationState)


def test_flow_goes_where_the_table_leads_and_nowhere_else() -> None:
    found = {
        (flow.state, after.state)
        for flow in (_running(), _after(_running(), Command(CommandKind.SUSPEND)))
        for after in (_after(flow, Look(), A_YEAR_SECONDS), *(_after(flow, task) for task in _tasks(flow)))
        if after.state is not flow.state
    }

    assert found == {(before, after) for before, following in FLOW_EDGES.items() for after in following}


def _running() -> DataFlow:
    flow = DataFlow(
        id="flow-1",
        created_at=NOW,
        state_at=NOW,
        state=next(iter(FLOW_EDGES)),
        agreement_id="agreement-1",
        participant_id="consumer",
        consumer_pid="consumer-pid",
        source=SourceAddress("providerdata", "source", None, ""),
    )
    return flow_decisions.take(flow_decisions.begin(flow, moment(), answered=False), moment())


def _tasks(flow: DataFlow) -> list[Task]:
    """Every order, the end of the copy, and its failure."""
    orders = (CommandKind.SUSPEND, CommandKind.RESUME, CommandKind.COMPLETE, CommandKind.TERMINATE)
    tasks: list[Task] = [Command(kind) for kind in orders]
    copy = next((it for it in flow.intents if it.kind is IntentKind.COPY), None)
    if copy is not None:
        done = Done(copy.id, IntentKind.COPY, {"attempt": copy.attempt, "finished": True, "summary": {}})
        tasks += [done, Failed(copy.id, FINAL_FAULT)]
    return tasks


def _after(flow: DataFlow, task: Task, seconds: float = 0.0) -> DataFlow:
    return FlowRules().decide(flow, task, moment(seconds)).process
