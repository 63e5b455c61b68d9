"""Dates as metadata has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import isfinite

from shortlist.errors import InputError

# Seconds since 1970 reach this in the year 5138; a larger number is in milliseconds.
_MILLISECONDS = 1e11
_SECONDS_A_DAY = 86_400.0


def day_of(value: object) -> float | None:
    """Days since 1970-01-01 in UTC, or None where the value is no date.

    Reads dates, datetimes (UTC where they name no zone), ISO 8601 texts down to a year or a month alone, and seconds
    or milliseconds since 1970, also as text. A whole number from 1000 to 9999 is a year.
    """
    try:
        if isinstance(value, str):
            return _from_text(value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_number(float(value))
        return _from_date(value) if isinstance(value, date) else None
    except (ValueError, OverflowError):
        return None


def today_or(day: str | None) -> float:
    """The day that a text names, or else now; days since 1970-01-01 in UTC.

    Raises:
        InputError: the text is no date.
    """
    found = day_of(datetime.now(UTC) if day is None else day)
    if found is None:
        raise InputError(f"no date in ISO form: {day!r}")
    return found


def _from_text(text: str) -> float | None:
    try:
        return _from_number(float(text))
    except ValueError:
        pass
    if len(text) == len("2024-05"):
        text += "-01"
    return _from_date(datetime.fromisoformat(text))


def _from_number(number: float) -> float | None:
    if not isfinite(number):
        return None
    if number.is_integer() and 1000 <= number <= 9999:
        return _from_date(date(int(number), 1, 1))
    return (number / 1000 if abs(number) >= _MILLISECONDS else number) / _SECONDS_A_DAY


def _from_date(value: date) -> float:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return moment.timestamp() / _SECONDS_A_DAY
