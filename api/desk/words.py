"""The words of a page: one of two languages, and moments as the clock on the wall says them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from flask import request

from routing.access_text import ROLE_NAMES
from routing.facilities.opening import TIME_ZONE
from routing.vocabulary import Language, Text

LANGUAGE = "wegwijs-language"
"""The cookie with the language that somebody chose. Without it pages are in Dutch: whoever works here speaks it."""


def language() -> Language:
    """The language of this page."""
    return "en" if request.cookies.get(LANGUAGE) == "en" else "nl"


def t(nl: str, en: str) -> str:
    """One of two texts, by the language of this page."""
    return en if language() == "en" else nl


def text(both: Mapping[str, str] | Text | None) -> str:
    """What is written in two languages, in that of this page."""
    if both is None:
        return ""
    found: str = both.wire()[language()] if isinstance(both, Text) else both[language()]
    return found


def _local(at: str | datetime) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(TIME_ZONE)


def clock(at: str | datetime) -> str:
    """A moment as the clock on the wall says it."""
    return _local(at).strftime("%H:%M")


def moment(at: str | datetime) -> str:
    """A moment with its day, as the clock and the calendar on the wall say it."""
    return _local(at).strftime("%d-%m-%Y %H:%M")


def clock_of_today(at: str | datetime, now: datetime) -> str:
    """A moment as the clock on the wall says it, with its day where that is not the day of `now`: who was last well
    yesterday at nine must not seem to have been so today."""
    return clock(at) if _local(at).date() == _local(now).date() else moment(at)


def second(at: str | datetime) -> str:
    """A moment to the second, as the clock and the calendar on the wall say it."""
    return _local(at).strftime("%d-%m-%Y %H:%M:%S")


def day(on: str | date) -> str:
    """A day, as the calendar on the wall says it."""
    return (date.fromisoformat(on) if isinstance(on, str) else on).strftime("%d-%m-%Y")


def role_word(role: str) -> str:
    """What a role is called."""
    return text(ROLE_NAMES[role]) if role in ROLE_NAMES else role


def decimal(written: str) -> str:
    """A number as it is written in the language of this page: with a comma in Dutch."""
    return written.replace(".", ",") if language() == "nl" else written
