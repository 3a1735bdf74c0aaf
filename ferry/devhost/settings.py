"""host.json and app settings, read as the real host reads them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from ferry.devhost.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

    type JsonObject = dict[str, object]

HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"
VISIBILITY_SETTING = "FERRY_DEVHOST_VISIBILITY_SECONDS"
BODY_LIMIT_SETTING = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
_MAX_VISIBILITY_SECONDS = 7 * 86400
_TOKEN = re.compile(r"%([^%]+)%")
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?$")


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """`extensions.queues` of host.json."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout_seconds: float = 0.0
    max_polling_interval_seconds: float = 60.0
    message_encoding: Literal["base64", "none"] = "base64"


@dataclass(frozen=True, slots=True)
class BlobOptions:
    """`extensions.blobs` of host.json."""

    max_degree_of_parallelism: int = 8
    poison_blob_threshold: int = 5


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """`extensions.http` of host.json; a limit of None means unbounded."""

    route_prefix: str = "api"
    max_outstanding_requests: int | None = None
    max_concurrent_requests: int | None = None
    body_limit_bytes: int = 104_857_600


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What host.json says about this host; `function_timeout_seconds` None means unbounded."""

    http: HttpOptions = field(default_factory=HttpOptions)
    queues: QueueOptions = field(default_factory=QueueOptions)
    blobs: BlobOptions = field(default_factory=BlobOptions)
    function_timeout_seconds: float | None = 1800.0


def parse_time_span(text: str) -> float:
    """Seconds of a .NET time span such as `00:00:15` or `1.02:00:00`."""
    match = _TIME_SPAN.match(text.strip())
    days, hours, minutes, seconds, fraction = match.groups() if match else (None, "24", "0", None, None)
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        raise SettingsError(f"'{text}' is not a time span; write hours:minutes:seconds, for example 00:00:15")
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0) + float(fraction or 0)


def apply_app_settings(file: Path, environ: MutableMapping[str, str]) -> list[str]:
    """Put `Values` of local.settings.json into the environment; what is there already wins. Returns the names set."""
    if not file.exists():
        return []
    values = _section(_read_json(file), "Values")
    applied: list[str] = []
    for name, value in values.items():
        if isinstance(value, (dict, list)):
            raise SettingsError(f"Setting '{name}' in {file} is not a plain value; write it as a string")
        if name not in environ:
            environ[name] = _setting_text(value)
            applied.append(name)
    return applied


def load_host_config(app_directory: Path, environ: Mapping[str, str] = os.environ) -> HostConfig:
    """Read host.json, with overrides by settings such as AzureFunctionsJobHost__extensions__queues__batchSize."""
    file = app_directory / "host.json"
    if not file.exists():
        raise SettingsError(f'There is no host.json in {app_directory}; a minimal one is {{"version": "2.0"}}')
    document = _read_json(file)
    if document.get("version") != "2.0":
        raise SettingsError(f'{file} must say "version": "2.0"')
    _apply_overrides(document, environ)
    extensions = _section(document, "extensions")
    return HostConfig(
        http=_http_options(_section(extensions, "http"), environ),
        queues=_queue_options(_section(extensions, "queues")),
        blobs=_blob_options(_section(extensions, "blobs")),
        function_timeout_seconds=_function_timeout(document.get("functionTimeout")),
    )


def resolve_tokens(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Replace every `%SETTING%` by the value of that app setting."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise SettingsError(f"'%{name}%' in '{text}' names a setting that is not there; set {name} and start again")
        return environ[name]

    return _TOKEN.sub(value, text)


def host_id(app_directory: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Id under which this host keeps its locks and internal queue: the setting, or machine and path."""
    configured = environ.get(HOST_ID_SETTING)
    if configured is not None:
        if not re.fullmatch(r"[a-z0-9](?:-?[a-z0-9])*", configured) or len(configured) > 32:
            raise SettingsError(
                f"{HOST_ID_SETTING} is '{configured}'; use at most 32 lower-case letters, digits and single hyphens"
            )
        return configured
    machine = re.sub(r"[^a-z0-9]", "", socket.gethostname().lower())[:16] or "local"
    digest = hashlib.sha256(str(app_directory.resolve()).encode()).hexdigest()
    return f"{machine}-{digest[: 31 - len(machine)]}"[:32]


def message_visibility_seconds(environ: Mapping[str, str] = os.environ) -> int:
    """How long a message is invisible while its function runs: ten minutes, unless a test says otherwise."""
    seconds = int(_positive(environ, VISIBILITY_SETTING, 600.0))
    if not 1 <= seconds <= _MAX_VISIBILITY_SECONDS:
        raise SettingsError(f"{VISIBILITY_SETTING} is {seconds}; it must be 1 to {_MAX_VISIBILITY_SECONDS}")
    return seconds


def is_disabled(function_name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the app setting AzureWebJobs.<name>.Disabled (or a spelling with underscores) switches it off."""
    names = (f"AzureWebJobs{mark}{function_name}{mark}Disabled" for mark in (".", "_", "__"))
    return any(environ.get(name, "").lower() in {"true", "1"} for name in names)


def _http_options(section: JsonObject, environ: Mapping[str, str]) -> HttpOptions:
    return HttpOptions(
        route_prefix=str(section.get("routePrefix", "api")).strip("/"),
        max_outstanding_requests=_limit(section, "maxOutstandingRequests"),
        max_concurrent_requests=_limit(section, "maxConcurrentRequests"),
        body_limit_bytes=int(_positive(environ, BODY_LIMIT_SETTING, 104_857_600)),
    )


def _queue_options(section: JsonObject) -> QueueOptions:
    batch_size = _integer(section, "batchSize", 16, range(1, 33))
    encoding = str(section.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise SettingsError(f"extensions.queues.messageEncoding is '{encoding}'; it can be base64 or none")
    default_threshold = max(batch_size // 2, 1) * (os.cpu_count() or 1)
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_integer(section, "newBatchThreshold", default_threshold, range(1_000_000)),
        max_dequeue_count=_integer(section, "maxDequeueCount", 5, range(1, 1_000_000)),
        visibility_timeout_seconds=parse_time_span(str(section.get("visibilityTimeout", "00:00:00"))),
        max_polling_interval_seconds=max(parse_time_span(str(section.get("maxPollingInterval", "00:01:00"))), 0.1),
        message_encoding="none" if encoding == "none" else "base64",
    )


def _blob_options(section: JsonObject) -> BlobOptions:
    default_parallelism = 8 * (os.cpu_count() or 1)
    return BlobOptions(
        max_degree_of_parallelism=_integer(section, "maxDegreeOfParallelism", default_parallelism, range(1, 1_000_000)),
        poison_blob_threshold=_integer(section, "poisonBlobThreshold", 5, range(1, 1_000_000)),
    )


def _function_timeout(value: object) -> float | None:
    if value is None:
        return 1800.0
    if str(value).strip() == "-1":
        return None
    return parse_time_span(str(value))


def _integer(section: JsonObject, name: str, default: int, allowed: range) -> int:
    value = section.get(name, default)
    try:
        number = int(cast("str", value))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name} in host.json is '{value}', not a number") from error
    if number not in allowed:
        raise SettingsError(f"{name} in host.json is {number}; it must be {allowed.start} to {allowed.stop - 1}")
    return number


def _limit(section: JsonObject, name: str) -> int | None:
    number = _integer(section, name, -1, range(-1, 1_000_000))
    return number if number > 0 else None


def _positive(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    try:
        number = float(text) if text else default
    except ValueError as error:
        raise SettingsError(f"{name} is '{text}', not a number") from error
    if number <= 0:
        raise SettingsError(f"{name} is {text}; it must be above 0")
    return number


def _apply_overrides(document: JsonObject, environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not name.lower().startswith(_OVERRIDE_PREFIX.lower()):
            continue
        *parents, leaf = name[len(_OVERRIDE_PREFIX) :].split("__")
        section = document
        for parent in parents:
            key = _same_key(section, parent)
            if not isinstance(section.get(key), dict):
                section[key] = {}
            section = cast("JsonObject", section[key])
        section[_same_key(section, leaf)] = value


def _same_key(section: JsonObject, name: str) -> str:
    return next((key for key in section if key.lower() == name.lower()), name)


def _section(document: JsonObject, name: str) -> JsonObject:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"'{name}' must be a JSON object")
    return cast("JsonObject", value)


def _read_json(file: Path) -> JsonObject:
    try:
        document: object = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"{file} is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{file} must hold a JSON object")
    return cast("JsonObject", document)


def _setting_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
