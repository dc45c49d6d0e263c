"""Publishing rules with two people: one proposes, another agrees, and it is published, by the server or an operator."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk.page import page, to
from api.desk.words import moment, t, text
from routing import publishing as use
from routing import publishing_words as words
from routing.errors import BadInput, EngineFault, NotRecorded, NotWritten, StoreUnavailable
from routing.publishing_doubts import doubts

pages = Blueprint("publishing", __name__)

log = logging.getLogger("wegwijs.publishing")


@pages.get("/rules/publishing")
def overview() -> Response:
    """How far each ruleset is, and all that was ever proposed."""
    return _page()


@pages.post("/rules/publishing/propose")
def propose() -> Response:
    """Propose to publish a ruleset that is installed here."""
    given = request.form
    try:
        use.propose(world(), given.get("ruleset", ""), given.get("digest", ""), given.get("note", ""), g.asker)
    except BadInput as error:
        return _page(422, why=_why(error), note=given.get("note", ""))
    return to("publishing.overview")


@pages.post("/rules/publishing/agree")
def agree() -> Response:
    """Agree to a proposal of somebody else."""
    given = request.form
    if given.get("looked") != "yes":
        why = t(
            "Zet eerst het vinkje: alleen wie de versie heeft bekeken, kan akkoord gaan.",
            "Tick the box first: only who looked at the version can agree.",
        )
        return _page(422, why=why)
    try:
        use.agree(world(), given.get("proposal", ""), given.get("digest", ""), g.asker)
    except BadInput as error:
        return _page(422, why=_why(error))
    except NotRecorded as error:
        log.error("%s; it is to be recorded at the desk", error)  # noqa: TRY400  where in the code says nothing
        return _unrecorded(text(words.unrecorded(error, moment(error.effective_from))))
    except NotWritten as error:
        log.error("nothing was published: %s", error)  # noqa: TRY400
        return _page(503, why=_not_written())
    except EngineFault:
        return _page(422, why=_not_taken())
    return to("publishing.overview")


@pages.post("/rules/publishing/record")
def record() -> Response:
    """Record the agreement of two people that stands in the file alone."""
    try:
        use.record(world(), request.form.get("proposal", ""), g.asker)
    except BadInput as error:
        return _page(422, why=_why(error))
    return to("publishing.overview")


@pages.post("/rules/publishing/withdraw")
def withdraw() -> Response:
    """Withdraw a proposal that is open."""
    try:
        use.withdraw(world(), request.form.get("proposal", ""), g.asker)
    except BadInput as error:
        return _page(422, why=_why(error))
    return to("publishing.overview")


def _unrecorded(said: str) -> Response:
    """The page about publishing, with the button for it; while the store is away still one that says what was done."""
    try:
        return _page(503, why=said)
    except StoreUnavailable:
        return page("unrecorded.html", 503, said=said)


def _page(status: int = 200, why: str | None = None, note: str = "") -> Response:
    found = use.newest_first(use.standings(world()))
    settings = world().settings
    begins = {each.name: moment(each.ruleset.effective_from) for each in found}
    return page(
        "publishing.html",
        status,
        found=found,
        history=use.history(world()),
        entries={each.name: use.entry_of(each.proposal) for each in found if each.state == "agreed" and each.proposal},
        own={each.name: use.is_own(each.proposal, g.asker) for each in found if each.proposal},
        way=text(words.way(settings)),
        doubts=[text(each) for each in doubts(settings)],
        desk_publishes=settings.desk_publishes,
        only_published=settings.only_published,
        on_agreeing={each.name: text(words.on_agreeing(each.begins, settings, begins[each.name])) for each in found},
        from_when={each.name: text(words.from_when(each.begins, begins[each.name])) for each in found},
        by={each.name: _by(each) for each in found},
        faults=use.file_faults(world()),
        checks={each.name: words.checks(each.folder) for each in found},
        why=why,
        note=note,
    )


def _by(found: use.Standing) -> str | None:
    """By whom it was published at the desk."""
    if found.publication is None or found.publication.agreed_at is None:
        return None
    said = words.published_by(found, moment(found.publication.agreed_at))
    return text(said) if said is not None else None


def _not_written() -> str:
    return t(
        "De server kan niet schrijven in published.yaml: de map is alleen te lezen, vol, of even bezet. Er is niets "
        "gepubliceerd en uw akkoord is niet vastgelegd. Laat de beheerder kijken en ga daarna opnieuw akkoord.",
        "The server cannot write published.yaml: its folder can only be read, is full, or is busy. Nothing was "
        "published and your agreement was not recorded. Have the operator look, and agree again afterwards.",
    )


def _not_taken() -> str:
    return t(
        "De regelmachine kan deze regels niet aan. Er is niets gepubliceerd; doe eerst `wegwijs rules check`.",
        "The rule engine cannot take these rules. Nothing was published; have their authors run `wegwijs rules check`.",
    )


def _why(error: BadInput) -> str:
    said = {
        "same_person": t(
            "U hebt dit zelf voorgesteld. Iemand anders moet akkoord gaan, met een eigen account.",
            "You proposed this yourself. Somebody else must agree, with an account of their own.",
        ),
        "files_changed": t(
            "De bestanden zijn niet meer die u zag. Bekijk de versie opnieuw; er is niets veranderd.",
            "The files are not those that you saw any more. Look at the version again; nothing was changed.",
        ),
        "already_ended": t(
            "Dit voorstel is al afgehandeld door iemand anders. Er is niets veranderd.",
            "This proposal was settled by somebody else already. Nothing was changed.",
        ),
        "already_proposed": t(
            "Er staat al een voorstel open voor deze versie. Ga akkoord, of trek het eerst in.",
            "A proposal for this version is open already. Agree to it, or withdraw it first.",
        ),
        "already_published": t(
            "Deze versie is al gepubliceerd. Maak een nieuwe versie.",
            "This version was published already. Make a new version.",
        ),
        "unrecorded": t(
            "Deze versie is al gepubliceerd door twee personen; alleen het vastleggen ontbreekt. Gebruik daarvoor de "
            "knop bij de versie.",
            "This version was published by two people already; only the record of it is missing. Use the button at the "
            "version for that.",
        ),
        "not_published": t(
            "In published.yaml staat niet dat twee personen dit voorstel publiceerden. Er is niets veranderd.",
            "published.yaml does not say that two people published this proposal. Nothing was changed.",
        ),
        "unusable": t(
            "published.yaml is nu niet te gebruiken. Er is niets veranderd, en tot het is hersteld kan niemand "
            "publiceren. Wat er mis is, staat hieronder; laat de beheerder het herstellen.",
            "published.yaml cannot be used now. Nothing was changed, and until it is mended nobody can publish. What "
            "is wrong with it stands below; have the operator mend it.",
        ),
        "not_green": t(
            "Deze versie is niet klaar om te publiceren; bij de versie staat waarom. Er is niets gepubliceerd en uw "
            "akkoord is niet vastgelegd.",
            "This version is not ready to be published; at the version stands why. Nothing was published and your "
            "agreement was not recorded.",
        ),
        "unreadable": t(
            "Aan published.yaml kan niets worden toegevoegd: `published` moet het laatste deel ervan zijn. Er is niets "
            "gepubliceerd; laat de beheerder kijken.",
            "Nothing can be added to published.yaml: `published` must be its last part. Nothing was published; have "
            "the operator look.",
        ),
        "note": t(
            f"Schrijf waarvoor deze versie is, in 1 tot {use.NOTE_MOST} tekens.",
            f"Write what this version is for, in 1 to {use.NOTE_MOST} characters.",
        ),
        "no_person": t("Dit kan alleen wie zelf is aangemeld.", "Only people who signed in themselves can do this."),
    }
    code = error.faults[0].code
    return said.get(code, t("Dit kan niet.", "This cannot be done."))
