"""What the checks of a capsule mean, in words for whoever has to rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.vocabulary import Text


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked; `ok` is None where it could not be."""

    id: str
    ok: bool | None
    text: Text


def say(checks: list[Check], check: str, ok: bool | None, **words: Any) -> None:
    """Add a check with what it means; `words` fill its braces."""
    nl, en = _WORDS[check, ok]
    checks.append(Check(check, ok, Text(nl.format(**words), en.format(**words))))


_WORDS: Mapping[tuple[str, bool | None], tuple[str, str]] = {
    ("signature", True): (
        "De handtekening onder het logboek {origin} met {size} regels klopt.",
        "The signature under the log {origin} with {size} entries holds.",
    ),
    ("signature", False): (
        "De handtekening onder het logboek klopt niet: dit bewijst niets.",
        "The signature under the log does not hold: this proves nothing.",
    ),
    ("key", True): (
        "Getekend met {key}, een sleutel die u vertrouwt of die door zo'n sleutel is aangekondigd.",
        "Signed with {key}, a key that you trust or that was announced by one.",
    ),
    ("key", False): (
        "Getekend met {key}, en dat is geen sleutel die u vertrouwt.",
        "Signed with {key}, which is not a key that you trust.",
    ),
    ("key", None): (
        (
            "Getekend met {key}. Of dat de sleutel van dit logboek is, staat niet in dit bestand: vergelijk hem met "
            "wat de beheerder bekend heeft gemaakt (`--key`)."
        ),
        (
            "Signed with {key}. Whether that is the key of this log cannot be told from this file: hold it against "
            "what the operator made known (`--key`)."
        ),
    ),
    ("entry", True): (
        "De regel van beslissing {id} van {at} is te lezen.",
        "The entry of decision {id} of {at} can be read.",
    ),
    ("entry", False): (
        "De regel van de beslissing is niet te lezen, of is van een onbekende soort.",
        "The entry of the decision cannot be read, or is of an unknown kind.",
    ),
    ("inclusion", True): (
        "De regel staat onveranderd in het logboek, op plaats {position} van {size}.",
        "The entry stands unaltered in the log, at position {position} of {size}.",
    ),
    ("inclusion", False): (
        "De regel staat niet zo in het logboek: iets is veranderd, weggelaten of toegevoegd.",
        "The entry does not stand like this in the log: something was changed, left out or added.",
    ),
    ("inclusion", None): (
        "Of de regel in het logboek staat, is zonder handtekening niet te zeggen.",
        "Whether the entry stands in the log cannot be said without a signature.",
    ),
    ("record", True): (
        "Alle {fields} velden die worden getoond, zijn die waarmee de regel is gemaakt.",
        "All {fields} fields that are told are those of which the entry was made.",
    ),
    ("record", False): (
        "De getoonde velden zijn niet die waarmee de regel is gemaakt ({why}).",
        "The fields that are told are not those of which the entry was made ({why}).",
    ),
    ("record", None): (
        "De velden zijn zonder regel niet te controleren.",
        "The fields cannot be checked without an entry.",
    ),
    ("withheld", None): (
        "{fields} velden worden niet getoond; dat ze er waren, staat vast.",
        "{fields} fields are withheld; that they were there is certain.",
    ),
    ("erased", None): (
        "Wat over de patiënt was vastgelegd, zit er niet bij: het is gewist.",
        "What was recorded about the patient is not in it: it was erased.",
    ),
    ("erasure", True): (
        "Dat het met opzet is gewist, staat zelf in het logboek.",
        "That it was erased on purpose stands in the log itself.",
    ),
    ("erasure", False): (
        "Er is niets vastgelegd over het wissen: de gegevens ontbreken zonder uitleg.",
        "Nothing was recorded of an erasure: the data is missing without an explanation.",
    ),
    ("rules", True): (
        "De regels ({name} {version}) en de woordenlijst zijn die van toen.",
        "The rules ({name} {version}) and the vocabulary are those of then.",
    ),
    ("rules", False): (
        "De regels of de woordenlijst zijn niet die van toen ({name} {version}).",
        "The rules or the vocabulary are not those of then ({name} {version}).",
    ),
    ("readable", None): (
        "De regels ({name} {version}) zijn die van toen, maar deze versie van Wegwijs kan ze niet lezen.",
        "The rules ({name} {version}) are those of then, but this version of Wegwijs cannot read them.",
    ),
    ("places", True): (
        "Wat van {known} plekken bekend was, is onveranderd; van {others} andere staat alleen het kenmerk erin.",
        "What was known of {known} places is unaltered; of {others} others only the digest is in it.",
    ),
    ("places", False): (
        "Wat van de plekken wordt gezegd, is niet wat toen bekend was.",
        "What is said of the places is not what was known then.",
    ),
    ("places", None): (
        "Wat van de plekken bekend was, is niet te controleren.",
        "What was known of the places cannot be checked.",
    ),
    ("same", True): (
        "De regel en de getoonde velden zeggen hetzelfde: kenmerk, moment, vrager, regels, plekken.",
        "The entry and the fields that are told say the same: id, moment, asker, rules, places.",
    ),
    ("same", False): (
        "De regel zegt iets anders dan de getoonde velden: kenmerk, moment, vrager, regels of plekken.",
        "The entry says something else than the fields that are told: id, moment, asker, rules or places.",
    ),
    ("form", None): (
        "De velden hebben een vorm die deze versie van Wegwijs niet kent; een nieuwere kent haar misschien.",
        "The fields have a form that this version of Wegwijs does not know; a newer one may.",
    ),
    ("evaluators", True): (
        "Beide evaluatoren noemen opnieuw dezelfde {count} regels.",
        "Both evaluators name the same {count} rules again.",
    ),
    ("evaluators", False): (
        "De evaluatoren noemen nu andere regels dan toen.",
        "The evaluators name other rules now than then.",
    ),
    ("evaluators", None): (
        "De regels zijn niet opnieuw toegepast.",
        "The rules were not applied again.",
    ),
    ("travel", True): (
        "De reistijden in de velden zijn die welke er nu weer uitkomen.",
        "The times of travel in the fields are those that come out again now.",
    ),
    ("travel", False): (
        "De reistijden in de velden zijn niet die welke er nu uitkomen.",
        "The times of travel in the fields are not those that come out now.",
    ),
    ("travel", None): (
        "De reistijden zijn hier niet na te rekenen.",
        "The times of travel cannot be worked out here.",
    ),
    ("reach", True): (
        "Geen plek waarvan alleen het kenmerk erin staat, lag volgens de velden binnen bereik.",
        "No place of which only the digest is in it was within reach, by the fields that are told.",
    ),
    ("reach", False): (
        "Een plek die had kunnen meetellen, wordt niet getoond: de uitkomst is niet na te gaan.",
        "A place that could have counted is not told: the answer cannot be checked.",
    ),
    ("replay", True): (
        "Opnieuw beslissen geeft dezelfde uitkomst, tot op de laatste byte.",
        "Deciding again gives the same answer, to the last byte.",
    ),
    ("replay", False): (
        "Opnieuw beslissen geeft iets anders ({count} verschillen).",
        "Deciding again gives something else ({count} differences).",
    ),
    ("replay", None): (
        "Er is niet opnieuw beslist: dat vergt alle velden, regels en plekken, in een vorm die hier bekend is.",
        "It was not decided again: that needs all fields, rules and places, in a form that is known here.",
    ),
    ("decidable", False): (
        "Met deze velden, regels en plekken valt niets te beslissen: zo zijn ze nooit vastgelegd.",
        "With these fields, rules and places nothing can be decided: they were never recorded like this.",
    ),
    ("others", True): (
        (
            "{count} keer is vastgelegd wat ervan werd; elke regel staat in het logboek. Of er meer zijn, bewijst dit "
            "bestand niet."
        ),
        (
            "What became of it was recorded {count} times; each entry stands in the log. Whether there are more is not "
            "proven by this file."
        ),
    ),
    ("others", None): (
        "Wat ervan werd, zit er niet bij; of dat is vastgelegd, bewijst dit bestand niet.",
        "What became of it is not in it; whether that was recorded is not proven by this file.",
    ),
    ("others", False): (
        "Wat ervan werd, staat niet zo in het logboek, of hoort bij een andere beslissing.",
        "What became of it does not stand like this in the log, or belongs to another decision.",
    ),
}
