"""The engine: load, decide, commit, then act; each result comes back as a task.

`decide` is pure. The engine writes index rows, commits the document under its ETag, and only then performs the intents
that the committed document holds. A crash anywhere leaves an intent that is repeated under the same names. Notices to
callbacks are sent from the queue alone, when nothing of the process itself is due.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ferry.control_plane import index, look_schedule, notices
from ferry.control_plane.at_work import AtWork
from ferry.control_plane.engine_rules import Rules
from ferry.control_plane.engine_run import Handled, Run, log_news, tell_failure, told_of
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.decision import Claim, Done, Failed, Ids, Limits, Look, Moment, Poisoned, Task
from ferry.domain.faults import AlreadyExists, CommitConflict, EffectFailed, Fault, FaultCode, NotFound
from ferry.domain.process import LEASED, LONG_RUNNING, Intent, IntentKind, JsonObject, Process, ScheduledLook
from ferry.ports.clock import Clock
from ferry.ports.stores import IndexRow, ProcessStore, Record
from ferry.ports.work import LookMessage, TaskQueue
from ferry.telemetry import concerning
from ferry.telemetry.spans import Named, span

COMMIT_TRIES = 12
REARM_SECONDS = 20.0

type Performer[P: Process] = Callable[[P, Intent], JsonObject]


@dataclass(kw_only=True)
class Engine[P: Process]:
    """Moves the processes of one type. `callbacks` are told of every process, beside those that it brings itself."""

    kind: str
    store: ProcessStore[P]
    queue: TaskQueue
    rules: Rules[P]
    performers: Mapping[IntentKind, Performer[P]]
    clock: Clock
    ids: Ids
    limits: Limits
    callbacks: tuple[CallbackAddress, ...] = ()
    janitor_seconds: float = 300.0
    patience_seconds: float = 1.0
    at_work: AtWork = field(default_factory=AtWork)

    def begin(self, process: P, *, budget_seconds: float = 0.0, held: Intent | None = None) -> Handled[P]:
        """Commit a new process and go on with it for as long as the budget lasts. Raises AlreadyExists.

        `held` is an intent of it whose lease the caller holds from the start: it is performed at once.
        """
        concerning(process.id, process.trace_parent)
        run = Run(None, notices.announced(self.kind, None, process, self.callbacks, self.moment()))
        self._commit(run)
        if held is not None:
            self._apply(run, self._perform(run.working, held))
            self._commit(run)
        return self._go_on(run, budget_seconds)

    def amend(self, process_id: str, change: Callable[[P], P | None]) -> bool:
        """Commit a change that is no task, such as a checkpoint. False where `change` finds it out of place (None)."""
        for _ in range(COMMIT_TRIES):
            run = self._load(process_id)
            changed = change(run.working)
            if changed is None:
                return False
            stamped = replace(changed, revision=changed.revision + 1, operation_id=self.ids.fresh())
            try:
                self._write(run.record, stamped, ())
            except CommitConflict:
                continue
            return True
        return False

    def handle(
        self,
        process_id: str,
        task: Task,
        *,
        budget_seconds: float = 0.0,
        admits: Callable[[P], bool] | None = None,
        known: Record[P] | None = None,
    ) -> Handled[P]:
        """Apply a task, commit, and go on with what is due for as long as the budget lasts.

        Raises NotFound, also where `admits` says that the process is not the caller's. `known` is the record that the
        caller has just committed: it spares reading it again.
        """
        run = self._load(process_id) if known is None else Run(known, known.document)
        if admits is not None and not admits(run.working):
            raise NotFound(self.kind, process_id)
        if isinstance(task, Look) and look_schedule.is_stale(run.working, task.epoch):
            return Handled(run.working)
        refused = self._apply(run, task)
        if isinstance(task, Claim) and not run.is_dirty:
            # It is known already, and whoever has committed it is at it: a check at the same time would cost twice.
            return Handled(run.working)
        if run.is_dirty or (isinstance(task, Look) and self._look_is_lost(run.working)):
            refused = self._commit(run) or refused
        if isinstance(task, Poisoned):
            self._send_look(run.working, run.working.look.epoch if run.working.look else None, REARM_SECONDS)
            return Handled(run.working)
        handled = self._go_on(run, budget_seconds, tells=isinstance(task, Look))
        return replace(handled, refused=refused)

    def load(self, process_id: str) -> P:
        """The process as it stands. Raises NotFound."""
        return self._load(process_id).working

    def found(self, process: P) -> Handled[P]:
        """A process that was there already, with a look where something of it is due: who began it may have died."""
        return Handled(process, looks=(self._look(process, None),) if self._due(process) else ())

    def moment(self) -> Moment:
        """What a decision made now is given."""
        return Moment(self.clock.now(), self.ids, self.limits)

    # --- one pass -----------------------------------------------------------------------------------------------

    def _load(self, process_id: str) -> Run[P]:
        record = self.store.load(process_id)
        if record is None:
            raise NotFound(self.kind, process_id)
        concerning(process_id, record.document.trace_parent)
        return Run(record, record.document)

    def _apply(self, run: Run[P], task: Task) -> str | None:
        moment = self.moment()
        run.tasks.append(task)
        before = notices.without_expired(run.working, moment.now)
        told = notices.told(before, task, moment)
        if told is not None:
            run.working = told
            return None
        decision = self.rules.decide(before, task, moment)
        run.working = notices.announced(self.kind, before, decision.process, self.callbacks, moment, task=task)
        return decision.refused

    def _go_on(self, run: Run[P], budget_seconds: float, *, tells: bool = False) -> Handled[P]:
        """Perform what is due, commit what it led to, until nothing is due or the time is over.

        `tells`: notices, too. Who waits for an answer does not wait for a callback, which may be itself.
        """
        until = self.clock.now() + timedelta(seconds=budget_seconds)
        while budget_seconds > 0 and self.clock.now() < until:
            due = self._due(run.working, tells=tells)
            if due:
                self._perform_all(run, due)
            elif not self._wait_for_retry(run.working, until):
                break
        return replace(self.found(run.working), record=run.record)

    def _perform_all(self, run: Run[P], due: tuple[Intent, ...]) -> None:
        """Perform these committed intents in turn; commit before a long one, and as soon as a new one appears."""
        for intent in due:
            if run.awaits(intent) is None:
                continue
            if run.is_dirty and intent.kind in LONG_RUNNING:
                self._commit(run)
            if intent.kind in LEASED and not self._take(run, intent):
                continue
            current = run.awaits(intent)
            if current is None:
                continue
            with self.at_work.performing(run.working.id, current) as is_mine:
                if is_mine:
                    self._apply(run, self._perform(run.working, current))
            if run.announces:
                break
        if run.is_dirty:
            self._commit(run)

    def _take(self, run: Run[P], intent: Intent) -> bool:
        """Take the lease of an intent; False where somebody else may have been quicker."""
        run.working = self.rules.take(run.working, intent, self.moment())
        self._commit(run)
        return not run.is_overtaken

    def _perform(self, process: P, intent: Intent) -> Task:
        with span(Named(intent.kind.value, attributes=told_of(self.kind, process, intent))) as recorded:
            try:
                return Done(intent.id, intent.kind, self.performers[intent.kind](process, intent))
            except EffectFailed as failure:
                fault = failure.fault
            except (CommitConflict, AlreadyExists, NotFound) as error:
                fault = Fault(FaultCode.UNEXPECTED, str(error), retryable=True)
            tell_failure(recorded, self.kind, intent, fault)
            return Failed(intent.id, fault)

    def _due(self, process: P, *, tells: bool = True) -> tuple[Intent, ...]:
        """What may be performed now; a notice only where nothing else may."""
        now = self.clock.now()
        able = (i for i in process.due_intents(now) if i.kind in self.performers)
        due = tuple(i for i in able if not self.at_work.is_at(process.id, i))
        if due or not tells:
            return due
        return tuple(i for i in process.open_notices if i.is_due(now) and i.kind in self.performers)

    def _wait_for_retry(self, process: P, until: datetime) -> bool:
        """Wait where something becomes due within a moment: cheaper than another trip through the queue."""
        times = [i.not_before for i in process.intents if i.not_before is not None and i.kind not in LEASED]
        now = self.clock.now()
        soonest = min(times, default=None)
        if soonest is None or soonest >= until or (soonest - now).total_seconds() > self.patience_seconds:
            return False
        self.clock.sleep(max(0.0, (soonest - now).total_seconds()))
        return True

    # --- commits ------------------------------------------------------------------------------------------------

    def _commit(self, run: Run[P]) -> str | None:
        """Commit the copy in hand; after a conflict re-read and decide the same tasks anew. Returns a new refusal."""
        refused: str | None = None
        run.is_overtaken = False
        for _ in range(COMMIT_TRIES):
            before = run.record.document if run.record else None
            stamped, look = self._stamp(before, run.working)
            stamped, rows = index.announced(before, stamped, now=self.clock.now(), janitor_seconds=self.janitor_seconds)
            try:
                record = self._write(run.record, stamped, rows)
            except CommitConflict:
                refused = self._decide_anew(run, stamped.id)
                if not run.is_dirty:
                    return refused
                continue
            run.record, run.working, run.tasks = record, record.document, []
            self._after_commit(before, record.document, look)
            return refused
        raise EffectFailed.because(
            FaultCode.STORAGE_UNAVAILABLE,
            f"{self.kind} {run.working.id}: {COMMIT_TRIES} commits in a row were overtaken; it will be looked at again",
            retryable=True,
        )

    def _write(self, record: Record[P] | None, process: P, rows: Sequence[IndexRow]) -> Record[P]:
        """Index rows first, then the document."""
        if rows:
            self.store.announce(rows)
            if gone := index.superseded(record.document if record else None, process):
                self.store.withdraw(gone)
        return self.store.insert(process) if record is None else self.store.replace(record, process)

    def _after_commit(self, before: P | None, after: P, look: ScheduledLook | None) -> None:
        log_news(self.kind, before, after)
        index.relist(self.store, before, after)
        if look is not None:
            self._send_look(after, look.epoch, (look.at - self.clock.now()).total_seconds())

    def _decide_anew(self, run: Run[P], process_id: str) -> str | None:
        fresh = self._load(process_id)
        run.record, run.working, run.is_overtaken = fresh.record, fresh.working, True
        tasks, run.tasks = run.tasks, []
        refused: str | None = None
        for task in tasks:
            refused = self._apply(run, task) or refused
        return refused

    def _stamp(self, before: P | None, after: P) -> tuple[P, ScheduledLook | None]:
        """The document with a new operation id, and with the look that it needs where none is under way."""
        look = self._wanted_look(after)
        stamped = replace(
            after,
            revision=(before.revision if before else 0) + 1,
            operation_id=self.ids.fresh(),
            look=look or after.look,
        )
        return stamped, look

    def _wanted_look(self, process: P) -> ScheduledLook | None:
        moment = self.moment()
        return look_schedule.wanted_look(process, self.rules.next_look_at(process, moment), moment.now)

    def _look_is_lost(self, process: P) -> bool:
        return not process.is_settled and self._wanted_look(process) is not None

    def _send_look(self, process: P, epoch: int | None, delay_seconds: float) -> None:
        self.queue.send(self._look(process, epoch), delay_seconds=max(0.0, delay_seconds))

    def _look(self, process: P, epoch: int | None) -> LookMessage:
        return LookMessage(self.rules.lane(process), process.id, epoch, process.trace_parent)
