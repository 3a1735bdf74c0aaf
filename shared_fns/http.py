"""From an HTTP trigger to the connector and back: every HTTP function is made here, from a table of endpoints."""

# The decorators of azure.functions take untyped keyword arguments.
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterable, Mapping
from typing import List  # noqa: UP035 - the worker takes func.Out[List[str]], and not func.Out[list[str]]

import azure.functions as func

from ferry.services import Endpoint, QueueName, Surface, connector, queue_name, settings

type Emitted = Mapping[QueueName, list[str]]

PARAMETER_OF_QUEUE: dict[QueueName, str] = {
    QueueName.CONSUMER: "consumer_tasks",
    QueueName.PROVIDER: "provider_tasks",
    QueueName.DATA_PLANE: "dataplane_tasks",
}


# In the order of the parameters of a function that may start work of any kind.
QUEUES = tuple(PARAMETER_OF_QUEUE)


def outputs(*given: func.Out[List[str]]) -> Mapping[QueueName, func.Out[List[str]]]:  # noqa: UP006
    """The outputs of such a function by queue."""
    return dict(zip(QUEUES, given, strict=True))


def register(blueprint: func.Blueprint, endpoints: Iterable[Endpoint], *, managed: bool = False) -> None:
    """Add a function for each endpoint. `managed`: the settings say who is let in."""
    keyed = managed and settings().management_auth == "function-key"
    level = func.AuthLevel.FUNCTION if keyed else func.AuthLevel.ANONYMOUS
    for endpoint in endpoints:
        routed = blueprint.route(route=endpoint.route, methods=[endpoint.method], auth_level=level)
        if not endpoint.starts_work:
            routed(plain_function(endpoint.name))
        elif endpoint.surface is Surface.DATA_PLANE:
            routed(with_outputs(blueprint, flow_function(endpoint.name), QueueName.DATA_PLANE))
        else:
            routed(with_outputs(blueprint, http_function(endpoint.name), QueueName.CONSUMER, QueueName.PROVIDER))


def http_function(name: str) -> Callable[..., func.HttpResponse]:
    """The function behind an endpoint about processes with peers: parse, call, map, return."""

    def run(
        req: func.HttpRequest,
        consumer_tasks: func.Out[List[str]],  # noqa: UP006 - see the import
        provider_tasks: func.Out[List[str]],  # noqa: UP006
    ) -> func.HttpResponse:
        response, emitted = _answered(name, req)
        emit(emitted, {QueueName.CONSUMER: consumer_tasks, QueueName.PROVIDER: provider_tasks})
        return response

    run.__name__ = name
    return run


def flow_function(name: str) -> Callable[..., func.HttpResponse]:
    """The function behind an endpoint of the data plane."""

    def run(req: func.HttpRequest, dataplane_tasks: func.Out[List[str]]) -> func.HttpResponse:  # noqa: UP006
        response, emitted = _answered(name, req)
        emit(emitted, {QueueName.DATA_PLANE: dataplane_tasks})
        return response

    run.__name__ = name
    return run


def plain_function(name: str) -> Callable[..., func.HttpResponse]:
    """The function behind an endpoint that starts no work: every binding slows the app's start."""

    def run(req: func.HttpRequest) -> func.HttpResponse:
        response, emitted = _answered(name, req)
        emit(emitted, {})
        return response

    run.__name__ = name
    return run


def _answered(name: str, req: func.HttpRequest) -> tuple[func.HttpResponse, Emitted]:
    answer = connector().http(
        name,
        method=req.method or "",
        url=req.url,
        headers=req.headers,
        route=req.route_params,
        query=req.params,
        body=req.get_body(),
    )
    return func.HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers)), answer.emitted


def with_outputs(
    blueprint: func.Blueprint, function: Callable[..., object], *queues: QueueName
) -> Callable[..., object]:
    """The function with an output binding for each of these queues: what leaves by one wakes its listener at once."""
    bound = function
    for queue in queues:
        name, parameter = queue_name(settings().name_prefix, queue), PARAMETER_OF_QUEUE[queue]
        output = blueprint.queue_output(arg_name=parameter, queue_name=name, connection=settings().storage_connection)
        bound = output(bound)
    return bound


def emit(emitted: Emitted, bound: Mapping[QueueName, func.Out[List[str]]]) -> None:  # noqa: UP006
    """Set the outputs that have something to say. Raises LookupError where a function has none for what it started."""
    for queue, messages in emitted.items():
        if messages and queue not in bound:
            raise LookupError(
                f"the function has no output to the queue of {queue.value}; the janitor will look instead"
            )
        if messages:
            bound[queue].set(messages)
