"""What the triggers know of the connector: which endpoints there are, and one object that answers for all of them.

Importing this costs next to nothing: a cold start indexes the functions first, and the connector itself is composed
when the first of them runs.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from ferry.domain.looks import QueueName, queue_name
from ferry.settings import Settings, read_settings

if TYPE_CHECKING:
    from ferry.services.app import App

__all__ = [
    "Endpoint",
    "QueueName",
    "Surface",
    "WebPage",
    "connector",
    "endpoints",
    "health",
    "health_endpoints",
    "queue_name",
    "settings",
    "web_page",
]


class Surface(StrEnum):
    """Which part of the app an endpoint belongs to; each is registered with the role that it belongs to."""

    CONSUMER_DSP = "consumer-dsp"
    PROVIDER_DSP = "provider-dsp"
    SHARED_DSP = "shared-dsp"
    CONSUMER_MANAGEMENT = "consumer"
    PROVIDER_MANAGEMENT = "provider"
    SHARED_MANAGEMENT = "shared"
    DATA_PLANE = "data-plane"
    CONTROL = "control"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An HTTP endpoint: the function's name, method, and route below `/api`.

    `starts_work`: whether looks at processes may follow from it, so that its function is bound to the queues.
    """

    surface: Surface
    name: str
    method: str
    route: str
    starts_work: bool = True


@dataclass(frozen=True, slots=True)
class WebPage:
    """A file that is served as it is."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@cache
def settings() -> Settings:
    """The settings of this process. Raises SettingsError with every fault."""
    return read_settings(os.environ)


@cache
def connector() -> "App":
    """The connector of this process, composed at first use."""
    from ferry.services.app import live_app

    return live_app(settings(), os.environ)


def endpoints(surface: Surface) -> Iterable[Endpoint]:
    """The endpoints of one surface, as data: nothing behind them is imported."""
    from ferry.services import endpoint_table

    return endpoint_table.endpoints(surface)


def health_endpoints() -> dict[str, str]:
    """What anybody may ask of the app itself: the names of the functions, and their routes below `/api`."""
    from ferry.api.health import HEALTH_ROUTES

    return {route.name: route.path for route in HEALTH_ROUTES}


def health(name: str) -> tuple[int, bytes]:
    """The answer of the health endpoint of that name: status and body."""
    from ferry.services.probes import health_http

    return health_http(name)


def web_page(name: str, *, site: str = "docs", known_tag: str = "") -> WebPage:
    """A file of a site (`docs`, `dashboard`), or what is made for it; 304 where the caller has that version."""
    from ferry.services import web

    return web.page(name, settings(), site=site, known_tag=known_tag)
