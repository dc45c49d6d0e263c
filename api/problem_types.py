"""Every kind of problem: its status, its title, and what the reader can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from routing.vocabulary import Text


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: its name in `/problems/<name>`, its status, its title and what to do."""

    name: str
    status: int
    title: Text
    advice: Text


def _table(*rows: tuple[str, int, str, str, str, str]) -> dict[str, ProblemType]:
    return {
        name: ProblemType(name, status, Text(nl=title_nl, en=title_en), Text(nl=advice_nl, en=advice_en))
        for name, status, title_nl, title_en, advice_nl, advice_en in rows
    }


TYPES: Mapping[str, ProblemType] = _table(
    (
        "malformed-json",
        400,
        "De inhoud is geen geldige JSON",
        "The body is not valid JSON",
        "Stuur één JSON-object in UTF-8: elke sleutel één keer, geen NaN of Infinity. Er is niets besloten of bewaard.",
        "Send one JSON object in UTF-8: every key once, no NaN or Infinity. Nothing was decided or stored.",
    ),
    (
        "bad-request",
        400,
        "Het verzoek kan niet worden gelezen",
        "The request cannot be read",
        "Controleer de regel en de koppen van het HTTP-verzoek.",
        "Check the line and the headers of the HTTP request.",
    ),
    (
        "unauthorized",
        401,
        "Geen geldige sleutel",
        "No valid key",
        "Stuur `Authorization: Bearer <sleutel>`, van `wegwijs keys create`; in een browser: meld u opnieuw aan.",
        "Send `Authorization: Bearer <key>`, made with `wegwijs keys create`; at a browser: sign in again.",
    ),
    (
        "sign-in-refused",
        403,
        "U bent niet aangemeld",
        "You are not signed in",
        "Controleer naam en wachtwoord, of begin opnieuw. Een beheerder geeft een code met `wegwijs users passwd`.",
        "Check the name and the password, or begin again. An operator gives a code with `wegwijs users passwd`.",
    ),
    (
        "cross-site-request",
        403,
        "Dit verzoek komt niet van een eigen pagina",
        "This request is not from a page of ours",
        "Stuur als `Wegwijs-CSRF` mee wat `GET /v1/session` als `csrf` geeft, vanaf het adres in WEGWIJS_PUBLIC_URL.",
        "Send as `Wegwijs-CSRF` what `GET /v1/session` gives as `csrf`, from the address in WEGWIJS_PUBLIC_URL.",
    ),
    (
        "forbidden",
        403,
        "Deze sleutel mag dit niet",
        "This key may not do this",
        "Gebruik een sleutel met een van de rollen die bij dit adres staan in de API-beschrijving.",
        "Use a key with one of the roles that the API reference gives for this address.",
    ),
    (
        "not-found",
        404,
        "Dit bestaat niet",
        "This does not exist",
        "Controleer het adres en het kenmerk; de wegwijzer op `/` noemt alle adressen.",
        "Check the address and the id; the pointer at `/` lists every address.",
    ),
    (
        "method-not-allowed",
        405,
        "Deze methode kan hier niet",
        "This method is not possible here",
        "Gebruik een van de methoden in de kop `Allow`.",
        "Use one of the methods in the `Allow` header.",
    ),
    (
        "request-timeout",
        408,
        "Het verzoek kwam niet af",
        "The request did not come to its end",
        "Stuur het verzoek opnieuw, in één keer. Er is niets besloten of bewaard.",
        "Send the request again, in one go. Nothing was decided or stored.",
    ),
    (
        "in-flight",
        409,
        "Hetzelfde verzoek wordt nu uitgevoerd",
        "The same request is being carried out now",
        "Stuur het na `Retry-After` opnieuw, met dezelfde `Idempotency-Key`: u krijgt wat er dan van is vastgelegd.",
        "Send it again after `Retry-After`, with the same `Idempotency-Key`: you get what was recorded of it by then.",
    ),
    (
        "erased",
        410,
        "Dit is gewist",
        "This was erased",
        "Wat over de patiënt was vastgelegd, is met opzet gewist. Dat het er was en is gewist, staat in het logboek.",
        "What was recorded about the patient was erased on purpose. That it was there, and was erased, is in the log.",
    ),
    (
        "precondition-failed",
        412,
        "Het is intussen veranderd",
        "It has changed in the meantime",
        "Lees opnieuw, bekijk wat er anders is en stuur uw wijziging met de nieuwe ETag. Er is niets veranderd.",
        "Read it again, look at what is different and send your change with the new ETag. Nothing was changed.",
    ),
    (
        "prefetch-missing",
        412,
        "Gegevens die nodig zijn, kwamen niet mee",
        "Data that is needed did not come along",
        "Stuur mee wat `prefetch` van deze dienst vraagt (`GET /cds-services`). Er is niets besloten of bewaard.",
        "Send along what `prefetch` of this service asks for (`GET /cds-services`). Nothing was decided or stored.",
    ),
    (
        "body-too-large",
        413,
        "De inhoud is te groot",
        "The body is too large",
        "Stuur één casus per verzoek; de grens is WEGWIJS_BODY_LIMIT (van een feed WEGWIJS_FEED_LIMIT).",
        "Send one case a request; the limit is WEGWIJS_BODY_LIMIT (of a feed WEGWIJS_FEED_LIMIT).",
    ),
    (
        "unsupported-media-type",
        415,
        "Dit soort inhoud wordt niet gelezen",
        "This kind of body is not read",
        "Stuur JSON met `Content-Type: application/json`, in UTF-8, niet gecomprimeerd; een feed zoals zijn formaat.",
        "Send JSON with `Content-Type: application/json`, in UTF-8, not compressed; a feed with that of its format.",
    ),
    (
        "invalid-input",
        422,
        "Een of meer velden kunnen niet worden aangenomen",
        "One or more fields cannot be accepted",
        "Verbeter de velden onder `errors`; `allowed` zegt wat wel kan. Er is niets geraden, besloten of bewaard.",
        "Correct the fields under `errors`; `allowed` says what can be. Nothing was guessed, decided or stored.",
    ),
    (
        "idempotency-key-reused",
        422,
        "Deze sleutel hoort bij een ander verzoek",
        "This key belongs to another request",
        "Geef elk nieuw verzoek een nieuwe `Idempotency-Key`; gebruik hem alleen weer om hetzelfde te herhalen.",
        "Give every new request a new `Idempotency-Key`; use it again only to repeat the very same.",
    ),
    (
        "broken-feed",
        422,
        "De feed kan niet tot het einde worden gelezen",
        "The feed cannot be read to its end",
        "Verbeter de feed bij `broken` en stuur hem opnieuw; wat daarvoor is aangenomen, blijft staan.",
        "Correct the feed at `broken` and send it again; what was taken before that stays.",
    ),
    (
        "precondition-required",
        428,
        "Zeg erbij wat u hebt gelezen",
        "Say what you have read",
        "Lees eerst en stuur de ETag mee als `If-Match`; een nieuwe plek vraagt om `If-None-Match: *`.",
        "Read first and send the ETag as `If-Match`; a new place needs `If-None-Match: *`.",
    ),
    (
        "too-many-requests",
        429,
        "Deze sleutel vraagt te veel",
        "This key asks too much",
        "Wacht zo lang als `Retry-After` zegt. Beslissen (`POST /v1/decisions`) wordt hierom nooit geweigerd.",
        "Wait as long as `Retry-After` says. Deciding (`POST /v1/decisions`) is never refused for this.",
    ),
    (
        "too-many-attempts",
        429,
        "Aanmelden mislukte te vaak",
        "Signing in went wrong too often",
        "Wacht zo lang als `Retry-After` zegt en probeer het dan opnieuw; langer dan vijf minuten duurt het nooit.",
        "Wait as long as `Retry-After` says, then try again; it is never longer than five minutes.",
    ),
    (
        "internal-error",
        500,
        "Er ging bij ons iets mis",
        "Something went wrong on our side",
        "Beslis zonder Wegwijs volgens uw protocol en meld `instance` aan de beheerder.",
        "Decide without Wegwijs by your protocol and report `instance` to the operator.",
    ),
    (
        "damaged-record",
        500,
        "De vastlegging is beschadigd",
        "The record is damaged",
        "Meld dit aan de beheerder: een vastgelegde beslissing past niet meer bij haar vingerafdruk.",
        "Report this to the operator: a recorded decision does not fit its digest any more.",
    ),
    (
        "other-software",
        501,
        "Vastgelegd door een andere versie",
        "Recorded by another version",
        "Herhaal deze beslissing met de versie van Wegwijs die bij haar is vastgelegd (`provenance.software`).",
        "Replay this decision with the version of Wegwijs that is recorded with it (`provenance.software`).",
    ),
    (
        "store-unavailable",
        503,
        "De opslag antwoordt niet",
        "The store does not answer",
        "Wat niet kan worden vastgelegd, wordt niet beantwoord. Probeer het opnieuw na `Retry-After`.",
        "What cannot be recorded is not answered. Try again after `Retry-After`.",
    ),
    (
        "no-rules-decide",
        503,
        "Er zijn nu geen regels die mogen beslissen",
        "No rules may decide now",
        "Beslis volgens uw eigen protocol en bel de beheerder: die herstelt published.yaml of laat regels publiceren.",
        "Decide by your own protocol and call the operator, who mends published.yaml or has rules published.",
    ),
    (
        "issuer-unavailable",
        503,
        "Of dit token klopt, is nu niet te zeggen",
        "Whether this token is right cannot be told now",
        "De uitgever van het token geeft zijn sleutels niet. Probeer het na `Retry-After`, of gebruik een API-sleutel.",
        "The issuer of the token does not give its keys. Try again after `Retry-After`, or use an API key.",
    ),
    (
        "too-many-streams",
        503,
        "Er luisteren al genoeg anderen mee",
        "Enough others are listening already",
        "Probeer het opnieuw na `Retry-After`, met `Last-Event-ID`: u mist niets.",
        "Try again after `Retry-After`, with `Last-Event-ID`: you miss nothing.",
    ),
)


def problem_address(name: str) -> str:
    """Where the page about this kind of problem is, which is also its `type`."""
    return f"/problems/{name}"
