"""The janitor's timer: the net under all looks, and the only thing that runs at rest."""

from typing import List  # noqa: UP035 - the worker takes func.Out[List[str]], and not func.Out[list[str]]

import azure.functions as func

from ferry.services import connector, settings
from shared_fns.http import QUEUES, emit, outputs, with_outputs


def register_janitor(blueprint: func.Blueprint) -> None:
    """Add the timer."""

    def janitor(
        timer: func.TimerRequest,
        consumer_tasks: func.Out[List[str]],  # noqa: UP006 - see the import
        provider_tasks: func.Out[List[str]],  # noqa: UP006
        dataplane_tasks: func.Out[List[str]],  # noqa: UP006
    ) -> None:
        del timer
        emit(connector().timer(), outputs(consumer_tasks, provider_tasks, dataplane_tasks))

    schedule = settings().janitor_schedule
    # Also at the start: a host that starts may follow one that has died, and what is overdue need not wait any longer.
    trigger = blueprint.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=True, use_monitor=False)
    trigger(with_outputs(blueprint, janitor, *QUEUES))
