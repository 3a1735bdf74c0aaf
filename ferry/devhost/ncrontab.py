"""Timer schedules: six-field NCRONTAB expressions and time spans.

Fields are second, minute, hour, day of the month, month, day of the week (0 and 7 are Sunday); each takes `*`, numbers,
names of months and days, ranges, lists and steps. A day must satisfy both of its fields, as in NCrontab.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ferry.devhost.errors import ScheduleError, SettingsError
from ferry.devhost.settings import parse_time_span

_MONTHS = {
    name: index
    for index, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: index for index, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_MAX_YEARS = 8
_PART = re.compile(r"(?P<low>\*|\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\d+))?$")


class Schedule(Protocol):
    """When a timer is due."""

    def next_after(self, moment: datetime) -> datetime | None:
        """First occurrence strictly after a naive local time; None when there is none in the coming years."""
        ...


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]


_FIELDS = (
    _Field("second", 0, 59, {}),
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """The allowed values of each field, sorted."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime | None:
        """First occurrence strictly after a naive local time."""
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        time_of_day = self._time_from(start.hour, start.minute, start.second)
        day = start.date()
        if time_of_day is None or not self._is_day(day.year, day.month, day.day):
            time_of_day = (self.hours[0], self.minutes[0], self.seconds[0])
            for _ in range(366 * _MAX_YEARS):
                day += timedelta(days=1)
                if self._is_day(day.year, day.month, day.day):
                    break
            else:
                return None
        hour, minute, second = time_of_day
        return datetime(day.year, day.month, day.day, hour, minute, second)

    def _is_day(self, year: int, month: int, day: int) -> bool:
        weekday = (calendar.weekday(year, month, day) + 1) % 7
        return month in self.months and day in self.days and weekday in self.weekdays

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        if hour in self.hours:
            if minute in self.minutes:
                later = _at_least(self.seconds, second)
                if later is not None:
                    return hour, minute, later
            later = _at_least(self.minutes, minute + 1)
            if later is not None:
                return hour, later, self.seconds[0]
        later = _at_least(self.hours, hour + 1)
        return None if later is None else (later, self.minutes[0], self.seconds[0])


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """A constant time between occurrences."""

    interval_seconds: float

    def next_after(self, moment: datetime) -> datetime | None:
        """The given time plus the interval."""
        return moment + timedelta(seconds=self.interval_seconds)


def parse_schedule(text: str) -> Schedule:
    """Read an NCRONTAB expression (five fields have no seconds) or a time span; raises ScheduleError."""
    fields = text.split()
    if len(fields) == 1 and ":" in text:
        try:
            seconds = parse_time_span(text)
        except SettingsError as error:
            raise ScheduleError(str(error)) from error
        if seconds <= 0:
            raise ScheduleError(f"The time span '{text}' must be above 0")
        return IntervalSchedule(seconds)
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise ScheduleError(
            f"'{text}' has {len(fields)} fields; a schedule has six: second minute hour day month day-of-week"
        )
    second, minute, hour, day, month, weekday = (
        _values(part, field, text) for part, field in zip(fields, _FIELDS, strict=True)
    )
    return CronSchedule(
        seconds=tuple(sorted(second)),
        minutes=tuple(sorted(minute)),
        hours=tuple(sorted(hour)),
        days=frozenset(day),
        months=frozenset(month),
        weekdays=frozenset(value % 7 for value in weekday),
    )


def minimum_interval_seconds(schedule: Schedule, moment: datetime) -> float:
    """Shortest time between the next few occurrences; infinite when there is at most one."""
    shortest = float("inf")
    current = schedule.next_after(moment)
    for _ in range(5):
        following = schedule.next_after(current) if current else None
        if current is None or following is None:
            break
        shortest = min(shortest, (following - current).total_seconds())
        current = following
    return shortest


def _values(part: str, field: _Field, text: str) -> set[int]:
    values: set[int] = set()
    for item in part.split(","):
        values |= _range(item, field, text)
    return values


def _range(item: str, field: _Field, text: str) -> set[int]:
    match = _PART.match(item)
    if match is None:
        raise ScheduleError(f"'{item}' is not a value of the field '{field.name}' in '{text}'")
    step = int(match["step"] or 1)
    if step == 0:
        raise ScheduleError(f"The step of '{item}' in '{text}' is 0")
    if match["low"] == "*":
        low, high = field.low, 6 if field.name == "day of week" else field.high
        if match["high"]:
            raise ScheduleError(f"'{item}' is not a range of the field '{field.name}' in '{text}'")
    else:
        low = _number(match["low"], field, text)
        last = field.high if match["step"] else low
        high = _number(match["high"], field, text) if match["high"] else last
    if low > high:
        raise ScheduleError(f"The range '{item}' in '{text}' ends before it begins")
    return set(range(low, high + 1, step))


def _number(word: str, field: _Field, text: str) -> int:
    value = int(word) if word.isdigit() else field.names.get(word.lower()[:3], -1) if word.isalpha() else -1
    if not field.low <= value <= field.high:
        raise ScheduleError(f"'{word}' is not a value of the field '{field.name}' in '{text}'")
    return value


def _at_least(values: tuple[int, ...], bound: int) -> int | None:
    index = bisect_left(values, bound)
    return values[index] if index < len(values) else None
