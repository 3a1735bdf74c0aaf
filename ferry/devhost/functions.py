"""The app's functions as typed definitions, made from the binding texts of the worker."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from ferry.devhost.errors import SettingsError, UnsupportedBindingError
from ferry.devhost.settings import is_disabled, resolve_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferry.devhost.worker import IndexedFunction

    type Binding = dict[str, object]

logger = logging.getLogger("ferry.devhost")

type AuthLevel = Literal["anonymous", "function", "admin"]
_AUTH_LEVELS: tuple[AuthLevel, ...] = ("anonymous", "function", "admin")


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """Route template without the prefix; `methods` None means all."""

    parameter: str
    route: str
    methods: frozenset[str] | None
    auth_level: AuthLevel


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """A queue of the account that the setting `connection` names."""

    parameter: str
    queue_name: str
    connection: str


@dataclass(frozen=True, slots=True)
class BlobTrigger:
    """Fed by Event Grid; the path is informative, the host does not enforce it."""

    parameter: str
    path: str
    connection: str


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """An NCRONTAB expression or a time span, in local time."""

    parameter: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True, slots=True)
class QueueOutput:
    """Messages that are sent after the function returned; `$return` is the returned value."""

    parameter: str
    queue_name: str
    connection: str


type Trigger = HttpTrigger | QueueTrigger | BlobTrigger | TimerTrigger


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A function that the host runs."""

    name: str
    function_id: str
    script_file: str
    trigger: Trigger
    outputs: tuple[QueueOutput, ...]
    bindings: tuple[Binding, ...]
    disabled: bool = False


def define_functions(
    indexed: Iterable[IndexedFunction], environ: Mapping[str, str] = os.environ
) -> list[FunctionDefinition]:
    """Definitions of all functions; raises UnsupportedBindingError or SettingsError naming the function."""
    return [_define(function, environ) for function in indexed]


def _define(function: IndexedFunction, environ: Mapping[str, str]) -> FunctionDefinition:
    if function.has_retry_policy:
        logger.warning("the local host ignores the retry policy of '%s'", function.name)
    bindings = tuple(cast("Binding", json.loads(text)) for text in function.raw_bindings)
    if any(_uses_sdk_type(binding) for binding in bindings):
        raise UnsupportedBindingError(
            f"Function '{function.name}' binds a parameter to an SDK client, which the local host does not run. "
            "Use a type of azure.functions, or Core Tools (func start)"
        )
    triggers = [binding for binding in bindings if str(binding["type"]).lower().endswith("trigger")]
    if len(triggers) != 1:
        raise UnsupportedBindingError(f"Function '{function.name}' has {len(triggers)} triggers; it must have one")
    others = [binding for binding in bindings if binding is not triggers[0]]
    try:
        trigger = _trigger(triggers[0], function.name, environ)
        outputs = tuple(output for binding in others if (output := _output(binding, function.name, environ)))
    except SettingsError as error:
        raise SettingsError(f"Function '{function.name}': {error}") from error
    return FunctionDefinition(
        name=function.name,
        function_id=function.function_id,
        script_file=function.script_file,
        trigger=trigger,
        outputs=outputs,
        bindings=bindings,
        disabled=is_disabled(function.name, environ),
    )


def _trigger(binding: Binding, function_name: str, environ: Mapping[str, str]) -> Trigger:
    kind = str(binding["type"]).lower()
    if kind == "httptrigger":
        return _http_trigger(binding, function_name, environ)
    if kind == "queuetrigger":
        return QueueTrigger(
            parameter=str(binding["name"]),
            queue_name=resolve_tokens(str(binding["queueName"]), environ).lower(),
            connection=_connection(binding, environ),
        )
    if kind == "blobtrigger":
        return _blob_trigger(binding, function_name, environ)
    if kind == "timertrigger":
        return TimerTrigger(
            parameter=str(binding["name"]),
            schedule=resolve_tokens(str(binding["schedule"]), environ),
            run_on_startup=_flag(binding, "runOnStartup", default=False),
            use_monitor=_flag(binding, "useMonitor", default=True),
        )
    raise UnsupportedBindingError(
        f"Function '{function_name}' has a {binding['type']}; the local host runs httpTrigger, queueTrigger, "
        "timerTrigger and blobTrigger with source EventGrid. Use Core Tools (func start) for others"
    )


def _http_trigger(binding: Binding, function_name: str, environ: Mapping[str, str]) -> HttpTrigger:
    level = str(binding.get("authLevel") or "function").lower()
    if level not in _AUTH_LEVELS:
        raise UnsupportedBindingError(f"Function '{function_name}' has authLevel '{level}'; use one of {_AUTH_LEVELS}")
    methods = binding.get("methods")
    return HttpTrigger(
        parameter=str(binding["name"]),
        route=resolve_tokens(str(binding.get("route") or function_name), environ).strip("/"),
        methods=frozenset(str(method).upper() for method in cast("list[object]", methods)) if methods else None,
        auth_level=level,
    )


def _blob_trigger(binding: Binding, function_name: str, environ: Mapping[str, str]) -> BlobTrigger:
    if str(binding.get("source", "")).lower() != "eventgrid":
        raise UnsupportedBindingError(
            f"Function '{function_name}' has a blob trigger that polls; the local host runs blob triggers with "
            "source=func.BlobSource.EVENT_GRID only, which is also the only kind that Flex Consumption runs"
        )
    return BlobTrigger(
        parameter=str(binding["name"]),
        path=resolve_tokens(str(binding["path"]), environ),
        connection=_connection(binding, environ),
    )


def _output(binding: Binding, function_name: str, environ: Mapping[str, str]) -> QueueOutput | None:
    kind, outward = str(binding["type"]).lower(), str(binding.get("direction", "")).upper() == "OUT"
    if outward and kind == "http":
        return None
    if outward and kind == "queue":
        return QueueOutput(
            parameter=str(binding["name"]),
            queue_name=resolve_tokens(str(binding["queueName"]), environ).lower(),
            connection=_connection(binding, environ),
        )
    raise UnsupportedBindingError(
        f"Function '{function_name}' has a binding of type {binding['type']} ({'output' if outward else 'input'}); the "
        "local host has HTTP and queue outputs only. Use the SDK in the function, or Core Tools (func start)"
    )


def _uses_sdk_type(binding: Binding) -> bool:
    properties = binding.get("properties")
    return isinstance(properties, dict) and bool(cast("Binding", properties).get("SupportsDeferredBinding"))


def _connection(binding: Binding, environ: Mapping[str, str]) -> str:
    return resolve_tokens(str(binding.get("connection") or "Storage"), environ)


def _flag(binding: Binding, name: str, *, default: bool) -> bool:
    value = binding.get(name)
    if value is None:
        return default
    return value if isinstance(value, bool) else str(value).lower() == "true"
