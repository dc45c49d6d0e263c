"""How publishing goes on this server, in words: what happens when a second person agrees, from when rules decide, and
which checks are left to people. The page at the desk and the commands say the same.
"""

from __future__ import annotations

from pathlib import Path

from routing.errors import NotRecorded
from routing.publishing import Begins, Standing
from routing.settings import Settings
from routing.vocabulary import Text

WHO_PUBLISHES = {
    True: Text(
        nl="Deze server publiceert zelf: gaat een tweede persoon akkoord, dan zet hij de versie in published.yaml, "
        "naast de map met regels.",
        en="This server publishes by itself: when a second person agrees it adds the version to published.yaml, beside "
        "the folder of the rules.",
    ),
    False: Text(
        nl="Deze pagina zet niets in werking. Zijn twee personen akkoord, dan staan hier de regels die de beheerder in "
        "published.yaml zet; pas daarmee is een versie gepubliceerd.",
        en="This page puts nothing into force. When two people agreed it gives the lines that the operator puts into "
        "published.yaml; only by that a version is published.",
    ),
}
"""By whether the desk publishes."""

WHAT_DECIDES = {
    True: Text(
        nl="Alleen wat in published.yaml staat, met precies deze bestanden, beslist, vanaf zijn ingangsdatum.",
        en="Only what stands in published.yaml, with exactly these files, decides, from its date on.",
    ),
    False: Text(
        nl="Elke versie op deze server beslist vanaf haar ingangsdatum, ook een die niemand publiceerde.",
        en="Every version on this server decides from its date on, also one that nobody published.",
    ),
}
"""By whether only published rules decide."""


def way(settings: Settings) -> Text:
    """Which of the ways of publishing this server has."""
    who, what = WHO_PUBLISHES[settings.desk_publishes], WHAT_DECIDES[settings.only_published]
    return Text(nl=f"{who.nl} {what.nl}", en=f"{who.en} {what.en}")


def on_agreeing(begins: Begins, settings: Settings, moment: str) -> Text:
    """What follows if a second person agrees to a version that begins to count at `moment`."""
    if settings.desk_publishes:
        first = Text(nl="Bij akkoord is deze versie gepubliceerd.", en="By agreeing this version is published.")
    else:
        first = Text(
            nl="Bij akkoord staan hieronder de regels voor de beheerder, die de versie daarmee publiceert.",
            en="By agreeing the lines for the operator are given below, who publishes the version with them.",
        )
    then = _from_when(begins, moment) if settings.only_published else _anyway(begins, moment)
    return Text(nl=f"{first.nl} {then.nl}", en=f"{first.en} {then.en}")


def from_when(begins: Begins, moment: str) -> Text:
    """From when a version decides that is published and begins to count at `moment`."""
    if begins == "at_once":
        return Text(
            nl="Deze regels beslissen zodra de server ze leest.", en="These rules decide once the server reads them."
        )
    return _from_when(begins, moment)


def _from_when(begins: Begins, moment: str) -> Text:
    return {
        "decides": Text(nl="Deze regels beslissen nu.", en="These rules decide now."),
        "later": Text(nl=f"Vanaf {moment} beslissen deze regels.", en=f"From {moment} these rules decide."),
        "at_once": Text(
            nl=f"Deze regels beslissen dan meteen: {moment} is al voorbij.",
            en=f"These rules decide at once then: {moment} has passed already.",
        ),
        "never": _NEVER,
    }[begins]


def _anyway(begins: Begins, moment: str) -> Text:
    if begins == "never":
        return _NEVER
    if begins == "later":
        return Text(
            nl=f"Vanaf {moment} beslissen deze regels, ook zonder akkoord.",
            en=f"From {moment} these rules decide, also if nobody agrees.",
        )
    return Text(nl="Deze regels beslissen nu al, ook zonder akkoord.", en="These rules decide already, also unagreed.")


_NEVER = Text(
    nl="Zij beslist hier niet: een versie met een latere ingangsdatum beslist al, of deze regels zijn niet om te "
    "beslissen.",
    en="It does not decide here: a version with a later date decides already, or these rules are not for deciding.",
)


def published_by(found: Standing, moment: str) -> Text | None:
    """By whom a version was published at the desk, as the file says; `moment`: when. None if it was not."""
    if (said := found.publication) is None or said.agreed_by is None:
        return None
    return Text(
        nl=f"voorgesteld door {said.proposed_by}, akkoord en gepubliceerd door {said.agreed_by}, {moment}",
        en=f"proposed by {said.proposed_by}, agreed and published by {said.agreed_by}, {moment}",
    )


def checks(folder: Path) -> tuple[Text, str]:
    """What the server checks when a second person agrees and what it does not, and the command for what it does not."""
    said = Text(
        nl="Bij akkoord leest de server de bestanden opnieuw, laat de regelmachine ze aannemen, en kijkt of "
        "changes.md, bewijs en datum kloppen, en of van precies deze regels, woorden, plaatsen en werkvoorbeelden is "
        "bewaard dat elk werkvoorbeeld uitkomt en elke regel er een heeft. Hij draait ze dan niet zelf: dat duurt een "
        "minuut of langer en maakt intussen beslissingen trager. Wie de map maakte of beheert, draait en bewaart, met:",
        en="On agreeing the server reads the files again, has the rule engine take them, and looks whether changes.md, "
        "the proof and the date are right, and whether it is kept of exactly these rules, words, places and worked "
        "cases that each case comes out and every rule has one. It does not run them itself then: that takes a minute "
        "or more, and slows decisions meanwhile. Whoever made or keeps the folder runs them and keeps what came, with:",
    )
    return said, f"wegwijs rules test {folder} --write"


def unrecorded(lost: NotRecorded, moment: str) -> Text:
    """What to do where a version that begins to count at `moment` was published and the record of it was lost."""
    return Text(
        nl=f"published.yaml is geschreven: {lost.ruleset} is gepubliceerd, en deze regels beslissen vanaf {moment} "
        "(meteen, als dat voorbij is), tenzij een latere versie al beslist. Alleen dat twee personen akkoord gingen is "
        "niet vastgelegd, want de opslag deed het niet. Ga niet opnieuw akkoord: maak het vastleggen af op de pagina "
        "Publiceren, met de knop bij deze versie.",
        en=f"published.yaml was written: {lost.ruleset} is published, and these rules decide from {moment} (at once if "
        "that has passed), unless a later version decides already. Only that two people agreed is not recorded, as the "
        "store failed. Do not agree again: complete the record on the page Publishing, by the button at this version.",
    )
