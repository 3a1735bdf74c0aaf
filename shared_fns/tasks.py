"""The queue functions of a role: one for its looks, one for those that failed too often."""

# The decorators of azure.functions take untyped keyword arguments.
# pyright: reportUnknownMemberType=false

from typing import List  # noqa: UP035 - the worker takes func.Out[List[str]], and not func.Out[list[str]]

import azure.functions as func

from ferry.services import QueueName, connector, queue_name, settings
from shared_fns.http import QUEUES, emit, outputs, with_outputs


def register_tasks(blueprint: func.Blueprint, queue: QueueName) -> None:
    """Add the functions that work off a queue and its poison queue."""
    name = queue_name(settings().name_prefix, queue)
    connection = settings().storage_connection
    role = queue.value.replace("-", "_")

    def handle(
        message: func.QueueMessage,
        consumer_tasks: func.Out[List[str]],  # noqa: UP006 - see the import
        provider_tasks: func.Out[List[str]],  # noqa: UP006
        dataplane_tasks: func.Out[List[str]],  # noqa: UP006
    ) -> None:
        emit(connector().queue(message.get_body()), outputs(consumer_tasks, provider_tasks, dataplane_tasks))

    def handle_poison(message: func.QueueMessage) -> None:
        connector().poison(message.get_body())

    handle.__name__ = f"{role}"
    handle_poison.__name__ = f"{role}_poison"
    trigger = blueprint.queue_trigger(arg_name="message", queue_name=name, connection=connection)
    trigger(with_outputs(blueprint, handle, *QUEUES))
    poison = blueprint.queue_trigger(arg_name="message", queue_name=f"{name}-poison", connection=connection)
    poison(handle_poison)
