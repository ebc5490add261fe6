"""Banking days of the US and the gateway's two time zones. No state."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")
EASTERN = ZoneInfo("America/New_York")


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _holidays(year: int) -> set[date]:
    """The Federal Reserve's holidays; one on a Sunday is kept on Monday, one on a Saturday is not moved."""
    last_monday_of_may = date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday())
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    moving = [_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), last_monday_of_may, _nth(year, 9, 0, 1), _nth(year, 10, 0, 2),
              _nth(year, 11, 3, 4)]  # fmt: skip
    return {day + timedelta(days=1) if day.weekday() == 6 else day for day in fixed} | set(moving)


def is_banking_day(day: date) -> bool:
    """Neither a week-end nor a holiday of the Federal Reserve."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def midnight(day: date) -> datetime:
    """Midnight US Central of that day, in UTC."""
    return datetime.combine(day, time(), CENTRAL).astimezone(UTC)


def after_banking_days(moment: datetime, days: int) -> datetime:
    """Midnight US Central of the n-th banking day after the moment's day; the moment itself for 0."""
    if days <= 0:
        return moment
    day = moment.astimezone(CENTRAL).date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_banking_day(day)
    return midnight(day)


def next_day(moment: datetime) -> datetime:
    """Midnight US Central that follows."""
    return midnight(moment.astimezone(CENTRAL).date() + timedelta(days=1))


def central_text(moment: datetime) -> str:
    """As the reports write ``Date``: US Central with daylight saving, no zone shown."""
    return moment.astimezone(CENTRAL).strftime("%Y-%m-%d %H:%M:%S")


def utc_text(moment: datetime) -> str:
    """As the reports write ``SettlementDate``: UTC, no zone shown (midnight Central reads 05:00 or 06:00)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def read_central(text: str) -> datetime:
    """A report window's time, US Central; raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=CENTRAL).astimezone(UTC)
