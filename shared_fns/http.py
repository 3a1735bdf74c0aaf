"""From an HTTP trigger to the connector and back: every HTTP function is made here, from a table of endpoints."""

# The decorators of azure.functions take untyped keyword arguments.
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterable, Mapping
from typing import List  # noqa: UP035 - the worker takes func.Out[List[str]], and not func.Out[list[str]]

import azure.functions as func

from ferry.services import Endpoint, QueueName, connector, queue_name, settings

type Emitted = Mapping[QueueName, list[str]]

PARAMETER_OF_QUEUE: dict[QueueName, str] = {
    QueueName.CONSUMER: "consumer_tasks",
    QueueName.PROVIDER: "provider_tasks",
    QueueName.DATA_PLANE: "dataplane_tasks",
}


def register(blueprint: func.Blueprint, endpoints: Iterable[Endpoint], *, managed: bool = False) -> None:
    """Add a function for each endpoint. `managed`: the settings say who is let in."""
    keyed = managed and settings().management_auth == "function-key"
    level = func.AuthLevel.FUNCTION if keyed else func.AuthLevel.ANONYMOUS
    for endpoint in endpoints:
        routed = blueprint.route(route=endpoint.route, methods=[endpoint.method], auth_level=level)
        routed(with_outputs(blueprint, http_function(endpoint.name)))


def http_function(name: str) -> Callable[..., func.HttpResponse]:
    """The function behind an endpoint: parse, call, map, return."""

    def run(
        req: func.HttpRequest,
        consumer_tasks: func.Out[List[str]],  # noqa: UP006 - see the import
        provider_tasks: func.Out[List[str]],  # noqa: UP006
        dataplane_tasks: func.Out[List[str]],  # noqa: UP006
    ) -> func.HttpResponse:
        answer = connector().http(
            name,
            method=req.method or "",
            url=req.url,
            headers=req.headers,
            route=req.route_params,
            query=req.params,
            body=req.get_body(),
        )
        emit(answer.emitted, consumer_tasks, provider_tasks, dataplane_tasks)
        return func.HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))

    run.__name__ = name
    return run


def with_outputs(blueprint: func.Blueprint, function: Callable[..., object]) -> Callable[..., object]:
    """The function with an output binding for each queue: what leaves by one wakes its listener at once."""
    bound = function
    for queue, parameter in PARAMETER_OF_QUEUE.items():
        name = queue_name(settings().name_prefix, queue)
        output = blueprint.queue_output(arg_name=parameter, queue_name=name, connection=settings().storage_connection)
        bound = output(bound)
    return bound


def emit(emitted: Emitted, *outputs: func.Out[List[str]]) -> None:  # noqa: UP006
    """Set the outputs that have something to say, in the order of PARAMETER_OF_QUEUE."""
    for queue, output in zip(PARAMETER_OF_QUEUE, outputs, strict=True):
        if emitted.get(queue):
            output.set(emitted[queue])
