"""What makes one wonder about how publishing is set on a server: said when it starts, by commands and at the desk."""

from __future__ import annotations

from collections.abc import Iterator

from routing.publishing_files import can_be_added_to
from routing.settings import Settings
from routing.vocabulary import Text


def doubts(settings: Settings) -> Iterator[Text]:
    """What makes one wonder about how publishing is set."""
    if settings.desk_publishes and settings.rulesets is not None and not can_be_added_to(settings.rulesets):
        yield Text(
            nl="Deze server moet zelf publiceren, en mag niet schrijven in de map met regels. Laat de beheerder "
            "daarnaar kijken; tot dan kan hier niemand publiceren.",
            en="WEGWIJS_DESK_PUBLISHES is on, and this user may not write in the folder of rulesets: until that is "
            "mended nobody can publish at the desk.",
        )
    if settings.desk_publishes and not settings.only_published:
        yield Text(
            nl="Publiceren verandert op deze server niet wat beslist: ook wat niemand publiceerde, beslist vanaf zijn "
            "ingangsdatum.",
            en="WEGWIJS_DESK_PUBLISHES is on without WEGWIJS_ONLY_PUBLISHED: publishing changes nothing of what "
            "decides, and what nobody published decides from its date too.",
        )
