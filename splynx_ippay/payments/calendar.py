"""Banking days. Owns the holidays of the Federal Reserve, by rule, not by list."""

from __future__ import annotations

from datetime import date, timedelta

_SATURDAY, _SUNDAY, _MONDAY, _THURSDAY = 5, 6, 0, 3


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def holidays(year: int) -> frozenset[date]:
    """The days the Federal Reserve Banks are closed (Federal Reserve, standard holiday schedule).

    A holiday on a Sunday is kept on Monday; one on a Saturday is not moved: the banks are open on the Friday.
    """
    last_may = date(year, 5, 31)
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    moving = [
        _nth(year, 1, _MONDAY, 3), _nth(year, 2, _MONDAY, 3), last_may - timedelta(days=last_may.weekday()),
        _nth(year, 9, _MONDAY, 1), _nth(year, 10, _MONDAY, 2), _nth(year, 11, _THURSDAY, 4),
    ]
    kept = [day + timedelta(days=1) if day.weekday() == _SUNDAY else day for day in fixed]
    return frozenset(kept + moving)


def is_banking_day(day: date) -> bool:
    """Whether the ACH network settles on this day."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


def add_banking_days(day: date, count: int) -> date:
    """The day ``count`` banking days later."""
    while count > 0:
        day += timedelta(days=1)
        if is_banking_day(day):
            count -= 1
    return day


def banking_days_between(start: date, end: date) -> int:
    """How many banking days lie after ``start``, up to and including ``end``."""
    days = (start + timedelta(days=offset) for offset in range(1, (end - start).days + 1))
    return sum(is_banking_day(day) for day in days)
