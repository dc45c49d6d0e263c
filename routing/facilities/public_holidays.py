"""The public holidays on which a huisarts is closed and the huisartsenpost is open all day."""

from __future__ import annotations

from datetime import date

from holidays import PUBLIC, country_holidays

DIFFERS_BY_REGION = ("Good Friday", "Liberation Day")
"""Days in the list of the law on which many practices work; a region that closes adds them to its own dates."""


def dutch_holidays(first_year: int, last_year: int) -> frozenset[date]:
    """The national public holidays of the years `first_year` to `last_year`, both included.

    1 January, Easter Sunday and Monday, King's day (moved to Saturday 26 April where the 27th is a Sunday), Ascension,
    Whit Sunday and Monday, 25 and 26 December. Good Friday and 5 May are left out, because practices differ by region
    and whoever is sent to a huisartsenpost that is not open stands before a closed door. Source: PyPI `holidays`.
    """
    found = country_holidays("NL", years=range(first_year, last_year + 1), categories=(PUBLIC,), language="en_US")
    return frozenset(day for day, name in found.items() if name not in DIFFERS_BY_REGION)
