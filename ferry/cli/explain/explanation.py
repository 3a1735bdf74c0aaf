"""The story of one transfer from what the API shows of it: time line, steps, cause, what is waited for, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ferry.cli.explain.clock import duration
from ferry.cli.explain.steps import CONSUMER, PROVIDER, SideLine, Standing, Step, steps_of
from ferry.cli.management import ProcessError, TransferView
from ferry.cli.report import iso
from ferry.domain.cause import Cause
from ferry.domain.causes import cause_of

_WAITS_FOR: dict[tuple[str, str], str] = {
    (CONSUMER, "PREPARATION_REQUESTED"): "its own vault and storage: key, container, SAS",
    (CONSUMER, "REQUESTING"): "the provider's answer to the request",
    (CONSUMER, "REQUESTED"): "the provider to start, or to deliver",
    (CONSUMER, "STARTED"): "the provider to copy everything and to write the marker",
    (CONSUMER, "COMPLETING"): "its own check of what has arrived",
    (CONSUMER, "DEPROVISIONING"): "storage and vault, to take away container and secret",
    (PROVIDER, "INITIAL"): "its own vault, to store the SAS",
    (PROVIDER, "STARTING"): "its data plane to start",
    (PROVIDER, "STARTED"): "its data plane to copy everything",
    (PROVIDER, "COMPLETING"): "the consumer's answer to the completion message",
    (PROVIDER, "DEPROVISIONING"): "its vault, to drop the SAS",
}
_WAITS_FOR_EITHER = {
    "SUSPENDING": "the other side's answer to the suspension",
    "SUSPENDED": "somebody to resume it, on either side",
    "RESUMING": "the other side's answer to the resumption",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that is told. `steps` is empty for a pull, which has none of the 18; `next_commands` are whole lines."""

    view: TransferView
    side: str
    headline: str
    timeline: Sequence[SideLine]
    steps: Sequence[Step]
    error: ProcessError | None
    cause: Cause | None
    waits_for: str | None
    remarks: Sequence[str] = field(default=())
    next_commands: Sequence[str] = field(default=())

    def to_json(self) -> dict[str, object]:
        """For `--output json`."""
        error = self.error
        return {
            "id": self.view.id,
            "side": self.side,
            "state": self.view.state,
            "headline": self.headline,
            "waitsFor": self.waits_for,
            "deadlineAt": self.view.raw.get("deadlineAt"),
            "error": None
            if error is None or self.cause is None
            else {
                "code": error.code,
                "message": error.message,
                "step": error.step,
                "retryable": error.retryable,
                "meaning": self.cause.meaning,
                "remedy": self.cause.remedy,
            },
            "steps": [
                {
                    "step": step.number,
                    "who": step.who,
                    "title": step.title,
                    "status": step.status.value,
                    "at": iso(step.at) if step.at else None,
                }
                for step in self.steps
            ],
            "timeline": [
                {"at": iso(it.line.at), "side": it.side, "state": it.line.state, "step": it.line.step}
                | {"what": it.line.what}
                for it in self.timeline
            ],
            "remarks": list(self.remarks),
            "next": list(self.next_commands),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Tells about transfers at `now`. `profile_option`: what names the same participant again (` --profile x`)."""

    now: datetime
    profile_option: str = ""

    def explain(self, ours: TransferView, theirs: TransferView | None = None) -> Explanation:
        """The story; `theirs` is the other participant's side of the same transfer, where it was asked."""
        side, other = side_of(ours), _other(side_of(ours))
        views = [(side, ours)] + ([(other, theirs)] if theirs else [])
        # Of two lines at the same moment the earlier step comes first, and each side's own order is kept.
        timeline = sorted(
            (SideLine(of, line) for of, view in views for line in view.history), key=lambda it: it.line.at
        )
        error = ours.error or (theirs.error if theirs else None)
        standing = Standing(state=self._state_of_consumer(views), error=error, sides=frozenset(of for of, _ in views))
        is_pull = "-PULL" in str(ours.raw.get("transferType", "")).upper()
        return Explanation(
            view=ours,
            side=side,
            headline=self._headline(ours, side),
            timeline=timeline,
            steps=[] if is_pull else steps_of(timeline, standing),
            error=error,
            cause=cause_of(error.code) if error else None,
            waits_for=_waits_for(ours, side),
            remarks=tuple(self._remarks(ours, theirs, side)),
            next_commands=tuple(self._next(ours, side, error)),
        )

    def _state_of_consumer(self, views: Sequence[tuple[str, TransferView]]) -> str:
        """The consumer's state tells how far a transfer has come; the provider's, where it alone is known."""
        return next((view.state for side, view in views if side == CONSUMER), views[0][1].state)

    def _headline(self, view: TransferView, side: str) -> str:
        raw = view.raw
        since = datetime.fromtimestamp(raw.get("stateTimestamp", 0) / 1000, self.now.tzinfo)
        ago = f"for {duration((self.now - since).total_seconds())}"
        direction = "from" if side == CONSUMER else "to"
        about = f"asset {raw.get('assetId')} {direction} {raw.get('counterPartyId')}"
        return f"Transfer {view.id} ({side}) is {view.state} {ago}: {about}, agreement {raw.get('contractId')}"

    def _remarks(self, ours: TransferView, theirs: TransferView | None, side: str) -> Sequence[str]:
        found: list[str] = []
        deadline = ours.raw.get("deadlineAt")
        if deadline:
            left = (datetime.fromisoformat(deadline) - self.now).total_seconds()
            found.append(
                f"if nothing happens it ends by itself in {duration(left)}"
                if left > 0
                else f"its deadline passed {duration(-left)} ago: the janitor ends it with its next round; if it does "
                "not, the app's timer does not run"
            )
        if ours.correlation_id is None:
            found.append(f"the {_other(side)} has not answered yet: its id of this transfer is not known")
        elif theirs is None:
            found.append(f"the {_other(side)}'s own lines are not shown; add --peer-profile NAME to see both sides")
        if ours.delivered:
            told = f"{ours.delivered.get('blobs')} blobs, {ours.delivered.get('bytes')} bytes"
            found.append(f"delivered: {told}" + (f", verified by {ours.verification}" if ours.verification else ""))
        if ours.raw.get("secretPurgeAt"):
            found.append(f"the vault will purge the secret at {ours.raw['secretPurgeAt']}")
        return found

    def _next(self, view: TransferView, side: str, error: ProcessError | None) -> Sequence[str]:
        def command(verb: str) -> str:
            return f"ferry transfer {verb}{self.profile_option}"

        again = f"{command('start')} {view.raw.get('contractId')}"
        match view.state:
            case "DEPROVISIONED":
                return () if error is None or side == PROVIDER else (again,)
            case "TERMINATED" if side == PROVIDER:
                return ()
            case "TERMINATED":
                return (again, f"{command('deprovision')} {view.id}")
            case "COMPLETED":
                return (f"{command('deprovision')} {view.id}",) if side == CONSUMER else ()
            case "SUSPENDED":
                return (f"{command('resume')} {view.id}", f"{command('terminate')} {view.id}")
            case _:
                return (f"{command('watch')} {view.id}",)


def side_of(view: TransferView) -> str:
    """Which side of the transfer a view is of."""
    return PROVIDER if view.raw.get("type") == "PROVIDER" else CONSUMER


def _other(side: str) -> str:
    return PROVIDER if side == CONSUMER else CONSUMER


def _waits_for(view: TransferView, side: str) -> str | None:
    return _WAITS_FOR.get((side, view.state)) or _WAITS_FOR_EITHER.get(view.state)
