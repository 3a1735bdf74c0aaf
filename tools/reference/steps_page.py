"""docs/reference/steps.md: the 18 steps of a transfer."""

from ferry.cli.explain.steps import STEPS
from ferry.control_plane.transfer_decisions import STEP_OF_STATE
from tools.reference.markdown import code, page, table

_INTRO = """A push has 18 steps, from the client's order to the last trace of it. The number stands in each line of
a process's `history` and in its `error`; `ferry transfer explain ID` and the dashboard show which are done. A pull
has none of the steps that prepare, copy and check.

A failure names the step where it was noticed; a deadline that passes is charged to the step that the state waits
for."""


def steps_page() -> str:
    """The page."""
    waiting: dict[int, list[str]] = {}
    for state, step in STEP_OF_STATE.items():
        waiting.setdefault(step, []).append(code(state.value))
    rows = [(str(step), who, what, ", ".join(waiting.get(step, ()))) for step, (who, what) in STEPS.items()]
    return page("The 18 steps", _INTRO, table(("step", "who", "what", "deadlines of these states name it"), rows))
