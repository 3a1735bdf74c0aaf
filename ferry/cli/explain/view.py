"""Shows an explanation to people: what happened first, then why, then what to do."""

from ferry.cli.explain.clock import clock
from ferry.cli.explain.explanation import Explanation
from ferry.cli.explain.steps import StepStatus
from ferry.cli.output import Output

# The marks are words as well, for whoever hears them.
_MARKS = {
    StepStatus.DONE: "done",
    StepStatus.IMPLIED: "done*",
    StepStatus.NOW: "NOW",
    StepStatus.FAILED: "FAILED",
    StepStatus.OPEN: "",
    StepStatus.UNSEEN: "?",
    StepStatus.NEVER: "-",
}
_LEGEND = {
    StepStatus.IMPLIED: "done*: done or not needed, nobody noted when",
    StepStatus.UNSEEN: "?: the other side knows",
    StepStatus.NEVER: "-: will not come any more",
}


def show(told: Explanation, output: Output) -> None:
    """The whole story."""
    output.line(told.headline, style="bold")
    output.line("")
    _show_timeline(told, output)
    if told.steps:
        output.line("")
        _show_steps(told, output)
    output.line("")
    if told.waits_for:
        output.line(f"It waits for {told.waits_for}.")
    _show_error(told, output)
    for remark in told.remarks:
        output.line(f"{remark[0].upper()}{remark[1:]}.")
    if told.next_commands:
        output.line("Next:")
        for command in told.next_commands:
            output.line(f"  {command}", style="bold")


def _show_timeline(told: Explanation, output: Output) -> None:
    if not told.timeline:
        output.line("Nothing was noted yet.")
        return
    first = told.timeline[0].line.at
    rows = [
        (
            clock(it.line.at),
            f"+{(it.line.at - first).total_seconds():.3f}",
            it.side,
            it.line.state,
            str(it.line.step or ""),
            it.line.what,
        )
        for it in told.timeline
    ]
    output.table(("time (UTC)", "seconds", "side", "state", "step", "what"), rows)


def _show_steps(told: Explanation, output: Output) -> None:
    rows = [
        (str(step.number), step.who, _MARKS[step.status], clock(step.at) if step.at else "", step.title)
        for step in told.steps
    ]
    output.table(("step", "who", "", "time (UTC)", "what"), rows)
    legend = [text for status, text in _LEGEND.items() if any(step.status is status for step in told.steps)]
    if legend:
        output.line("; ".join(legend))


def _show_error(told: Explanation, output: Output) -> None:
    error, cause = told.error, told.cause
    if error is None or cause is None:
        return
    step = f" at step {error.step}" if error.step else ""
    output.line(f"It failed{step} with {error.code}: {cause.meaning}.", style="red")
    output.line(f"It says: {error.message}")
    again = "Trying again may help" if error.retryable else "Trying again alone does not help"
    output.line(f"{again}: {cause.remedy}.")
