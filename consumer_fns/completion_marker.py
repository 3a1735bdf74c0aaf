"""The blob trigger on `.complete` (step 13): fed by Event Grid, so it also hears of containers made a moment ago.

The host does not match the path against events; the subscription's suffix filter does. What it brings is a claim.
"""

# The decorators of azure.functions take untyped keyword arguments.
# pyright: reportUnknownMemberType=false

from typing import List  # noqa: UP035 - the worker takes func.Out[List[str]], and not func.Out[list[str]]

import azure.functions as func

from ferry.services import connector, settings
from shared_fns.http import QUEUES, emit, outputs, with_outputs


def register_completion_marker(blueprint: func.Blueprint) -> None:
    """Add the trigger on the destination account."""

    def completion_marker(
        blob: func.InputStream,
        consumer_tasks: func.Out[List[str]],  # noqa: UP006 - see the import
        provider_tasks: func.Out[List[str]],  # noqa: UP006
        dataplane_tasks: func.Out[List[str]],  # noqa: UP006
    ) -> None:
        emit(connector().blob(blob.name or "", blob.read()), outputs(consumer_tasks, provider_tasks, dataplane_tasks))

    trigger = blueprint.blob_trigger(
        arg_name="blob",
        path="ferry/{name}.complete",
        connection=settings().destination_connection,
        source=func.BlobSource.EVENT_GRID,
    )
    trigger(with_outputs(blueprint, completion_marker, *QUEUES))
