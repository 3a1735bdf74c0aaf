"""Errors of the local Functions host, each saying what to change."""

from __future__ import annotations


class DevhostError(Exception):
    """Base of everything that the local host reports to its user."""


class SettingsError(DevhostError):
    """A setting, host.json or local.settings.json cannot be used as it stands."""


class AppLoadError(DevhostError):
    """The app could not be imported or indexed; `stack_trace` is the app's own."""

    def __init__(self, message: str, *, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


class UnsupportedBindingError(DevhostError):
    """The app uses a trigger or binding that the local host does not run."""


class RouteError(DevhostError):
    """A route template cannot be used."""


class ScheduleError(DevhostError):
    """A timer schedule is not a six-field NCRONTAB expression or a time span."""


class WebhookError(DevhostError):
    """A webhook request is malformed; `status` is the HTTP answer."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
