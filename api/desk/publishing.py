"""Publishing rules with two people: one proposes, another agrees, and an operator gets the lines that follow."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from api.auth import world
from api.desk.page import page, to
from api.desk.words import t
from routing import publishing as use
from routing.errors import BadInput

pages = Blueprint("publishing", __name__)


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
    return to("publishing.overview")


@pages.post("/rules/publishing/withdraw")
def withdraw() -> Response:
    """Withdraw a proposal that is open."""
    try:
        use.withdraw(world(), request.form.get("proposal", ""), g.asker)
    except BadInput as error:
        return _page(422, why=_why(error))
    return to("publishing.overview")


def _page(status: int = 200, why: str | None = None, note: str = "") -> Response:
    found = use.newest_first(use.standings(world()))
    return page(
        "publishing.html",
        status,
        found=found,
        history=use.history(world()),
        entries={each.name: use.entry_of(each.proposal) for each in found if each.state == "agreed" and each.proposal},
        own={each.name: use.is_own(each.proposal, g.asker) for each in found if each.proposal},
        why=why,
        note=note,
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
        "note": t(
            f"Schrijf waarvoor deze versie is, in 1 tot {use.NOTE_MOST} tekens.",
            f"Write what this version is for, in 1 to {use.NOTE_MOST} characters.",
        ),
        "no_person": t("Dit kan alleen wie zelf is aangemeld.", "Only people who signed in themselves can do this."),
    }
    code = error.faults[0].code
    return said.get(code, t("Dit kan niet.", "This cannot be done."))
