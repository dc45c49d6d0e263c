"""What went wrong and what to do, as a person at the desk needs it: no words of the API, such as headers and fields."""

from __future__ import annotations

from collections.abc import Mapping

from api.problem_types import TYPES
from routing.vocabulary import Text

_WORDS: Mapping[str, tuple[Text, Text]] = {
    "forbidden": (
        Text(nl="Deze pagina is voor een andere rol", en="This page is for another role"),
        Text(
            nl="Uw account mag dit niet zien of doen. Hebt u het nodig, vraag dan de beheerder om de rol.",
            en="Your account may not see or do this. If you need it, ask the operator for the role.",
        ),
    ),
    "not-found": (
        TYPES["not-found"].title,
        Text(
            nl="Controleer het adres of het nummer, of zoek vanaf het begin.",
            en="Check the address or the number, or search from the start.",
        ),
    ),
    "store-unavailable": (
        Text(nl="Er kon niets worden vastgelegd", en="Nothing could be recorded"),
        Text(
            nl="De opslag antwoordt niet; er is niets besloten. Probeer het over een paar tellen weer. Lukt het niet, "
            "ga dan verder zoals uw eigen afspraken zeggen.",
            en="The store does not answer; nothing was decided. Try again in a few seconds. If that fails, go on as "
            "your own agreements say.",
        ),
    ),
    "cross-site-request": (
        TYPES["cross-site-request"].title,
        Text(
            nl="Ga terug, ververs de pagina en probeer het opnieuw. Er is niets besloten of bewaard.",
            en="Go back, refresh the page and try again. Nothing was decided or stored.",
        ),
    ),
    "in-flight": (
        Text(nl="Dit wordt al uitgevoerd", en="This is being done already"),
        Text(
            nl="Wacht een paar tellen en ververs de pagina: dan staat er wat ervan werd.",
            en="Wait a few seconds and refresh the page: then it says what became of it.",
        ),
    ),
    "internal-error": (
        TYPES["internal-error"].title,
        Text(
            nl="Beslis zonder Wegwijs volgens uw protocol, en geef de beheerder het nummer van dit verzoek.",
            en="Decide without Wegwijs by your protocol, and give the operator the number of this request.",
        ),
    ),
    "invalid-input": (
        Text(nl="Zo kan dit niet worden gevraagd", en="This cannot be asked like this"),
        Text(
            nl="Ga terug, verbeter wat hieronder staat en probeer het opnieuw. Er is niets besloten of bewaard.",
            en="Go back, correct what stands below and try again. Nothing was decided or stored.",
        ),
    ),
    "other-software": (
        TYPES["other-software"].title,
        Text(
            nl="Alleen de versie van Wegwijs die deze beslissing vastlegde, leest haar. Vraag de beheerder.",
            en="Only the version of Wegwijs that recorded this decision can read it. Ask the operator.",
        ),
    ),
    "sign-in-refused": (
        TYPES["sign-in-refused"].title,
        Text(
            nl="Controleer naam en wachtwoord, of begin opnieuw. Lukt het niet, vraag de beheerder dan om een code.",
            en="Check the name and the password, or begin again. If that fails, ask the operator for a code.",
        ),
    ),
    "too-many-attempts": (
        TYPES["too-many-attempts"].title,
        Text(
            nl="Wacht en probeer het dan opnieuw; langer dan vijf minuten duurt het nooit.",
            en="Wait and then try again; it is never longer than five minutes.",
        ),
    ),
    "too-many-requests": (
        Text(nl="Er wordt te veel tegelijk gevraagd", en="Too much is asked at the same time"),
        Text(
            nl="Wacht een minuut en probeer het opnieuw. Om een advies vragen kan altijd.",
            en="Wait a minute and try again. Asking for advice is never refused for this.",
        ),
    ),
}
"""Problem -> what it is and what to do, where the words of the API are not those of a person at the desk."""

_REPORT = Text(
    nl="Geef de beheerder het nummer van dit verzoek, en probeer het later opnieuw.",
    en="Give the operator the number of this request, and try again later.",
)
"""What to do about an error of ours for who decides nothing, such as an auditor."""

_OTHERWISE = Text(
    nl="Ga terug en probeer het opnieuw. Lukt het niet, geef de beheerder dan het nummer van dit verzoek.",
    en="Go back and try again. If that fails, give the operator the number of this request.",
)


def at_the_desk(name: str, *, decides: bool) -> tuple[Text, Text]:
    """What the problem `name` is, and what to do about it for somebody who `decides` about patients, or does not."""
    kind = TYPES[name]
    if name == "internal-error" and not decides:
        return kind.title, _REPORT
    if name in _WORDS:
        return _WORDS[name]
    return kind.title, _OTHERWISE if "`" in f"{kind.advice.nl}{kind.advice.en}" else kind.advice
