"""An auditor judges a decision without trusting us: evidence, deciding again, proof; each look is noted once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from routing import case_file, erasure, inspection, log_proofs, outcomes, service
from routing.log.capsule import verify
from routing.log.capsule_form import read_capsule
from routing.log.note import read_vkey
from routing.rights import ROLES
from routing.service import World
from routing.store import database
from routing.store.tables import LOG_ENTRIES
from tests.desk.audited import EVIL, OPERATOR, asked_by, damaged, decide, noted_once
from tests.desk.conftest import Person, words_of
from tests.service.conftest import kept_record, replace_record

People = Callable[[str], Person]

STRANGER = "elsewhere/decisions+09c4d9a5+AQUBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@pytest.fixture(scope="module")
def decided(world: World) -> str:
    """A decision with an earlier one and an outcome."""
    asker = asked_by(world)
    first = decide(world, asker)
    second = decide(world, asker, supersedes=first, reference="ZCC-audit", assessed_at="2026-11-18T14:00:00+01:00")
    body = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": "meander-amersfoort"}
    outcomes.record_outcome(world, second, {**body, "comment": EVIL}, asker)
    return second


@pytest.fixture
def auditor(person: People) -> Person:
    return person("auditor")


def tampered(world: World, change: Callable[[dict[str, Any]], None]) -> str:
    """A decision of which the record, and its entry with it, were changed afterwards."""
    made = decide(world, asked_by(world))
    log_proofs.inclusion(world, made)
    record = kept_record(world, made)
    change(record)
    replace_record(world, record)
    return made


# -- where it begins --------------------------------------------------------------------------------------------------


def test_an_auditor_comes_from_an_id_to_the_evidence(auditor: Person, decided: str) -> None:
    page = auditor.get("/desk/audit")
    assert "Getekende regels" in page.text
    assert f"/desk/audit/{decided}" == auditor.get(f"/desk/audit?decision=+{decided.upper()}+").location
    wrong = auditor.get("/desk/audit?decision=Jan+Jansen")
    assert (wrong.status_code, "Dit is geen id" in wrong.text, "Jansen" in wrong.text) == (422, True, False)
    assert auditor.get("/desk/audit/01a202e0-0000-7000-8000-000000000000").status_code == 404
    assert auditor.get("/desk/audit/none").status_code == 404


def test_the_start_says_how_the_log_stands_and_which_keys_sign_it(auditor: Person, world: World, decided: str) -> None:
    log_proofs.inclusion(world, decided)
    page = words_of(auditor.get("/desk/audit").text)
    assert log_proofs.log_keys(world)["keys"][0]["vkey"] in page
    assert " ".join(log_proofs.checkpoint(world).split()) in page


# -- the evidence -----------------------------------------------------------------------------------------------------


def test_a_decision_is_shown_with_all_that_it_rests_on(auditor: Person, world: World, decided: str) -> None:
    record = kept_record(world, decided)
    with noted_once(world, "read", decision=decided):
        page = auditor.get(f"/desk/audit/{decided}")
    seen = words_of(page.text)
    for expected in (
        "ST-elevatie op het ECG", "112 /min", "67 jaar", "ZCC-audit", "Meldkamer Midden", "ambulance ter plaatse",
        record["ruleset"]["digest"], record["software"], "noemen dezelfde regels", "opdracht van een arts",
        "Meander Medisch Centrum", record["supersedes"],
    ):  # fmt: skip
        assert expected in seen
    assert all(rule in seen for rule in record["evaluators"]["fired"])


@pytest.mark.parametrize("role", ["auditor", "triagist"])
def test_an_error_of_ours_tells_only_who_decides_to_decide_without_wegwijs(
    person: People, decided: str, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("broken")

    who, path = person(role), f"/desk/audit/{decided}" if role == "auditor" else f"/desk/decisions/{decided}"
    monkeypatch.setattr(inspection, "inspected", broken)
    monkeypatch.setattr(case_file, "decision_file", broken)
    answer = who.get(path)
    assert (answer.status_code, "`" in answer.text) == (500, False)
    assert "de beheerder het nummer van dit verzoek" in words_of(answer.text)
    assert ("Beslis zonder Wegwijs" in answer.text) == (role == "triagist")


def test_what_was_not_known_of_places_is_said_to_be_unknown(auditor: Person, decided: str) -> None:
    page = words_of(auditor.get(f"/desk/audit/{decided}").text)
    assert "Niet bekend van" in page
    assert "onbekend, en niet “open”" in page


def test_where_the_evaluators_differ_each_is_shown_apart(auditor: Person, world: World) -> None:
    def differ(record: dict[str, Any]) -> None:
        record["evaluators"]["engine"].remove("stemi-to-pci")
        record["result"]["provenance"]["evaluators_agree"] = False

    page = words_of(auditor.get(f"/desk/audit/{tampered(world, differ)}").text)
    assert "noemen niet dezelfde regels" in page
    assert "stemi-to-pci ✗ nee ✓ ja" in page

    def fail(record: dict[str, Any]) -> None:
        record["evaluators"]["engine"] = None

    assert "? niet gevraagd ✓ ja" in words_of(auditor.get(f"/desk/audit/{tampered(world, fail)}").text)


def test_the_record_is_shown_whole_as_it_was_written(auditor: Person, world: World, decided: str) -> None:
    with noted_once(world, "read", decision=decided):
        page = words_of(auditor.get(f"/desk/audit/{decided}/record").text)
    record = kept_record(world, decided)
    for value in (record["vocabulary"], record["directory"]["facts"], *record["reasons"][0]["text"].values()):
        assert value in page


# -- why, and why not -------------------------------------------------------------------------------------------------


def test_why_a_rule_fired_and_why_another_did_not_is_shown_part_by_part(
    auditor: Person, world: World, decided: str
) -> None:
    with noted_once(world, "read", decision=decided):
        page = words_of(auditor.get(f"/desk/audit/{decided}/rules?q=stemi-onset-unknown").text)
    assert "stemi-onset-unknown : ✓ gold" in page
    assert "✓ waar ST-elevatie op het ECG (gezien: ja)" in page
    page = words_of(auditor.get(f"/desk/audit/{decided}/rules?q=stemi-very-late").text)
    assert "? kon gelden" in page
    assert "? onbekend" in page
    assert "Geen regel met deze woorden" in auditor.get(f"/desk/audit/{decided}/rules?q=xyzzy").text
    assert auditor.get(f"/desk/audit/{decided}/rules").location == f"/desk/audit/{decided}"


def test_what_was_searched_comes_back_as_text(auditor: Person, decided: str) -> None:
    page = auditor.get(f"/desk/audit/{decided}/rules", query_string={"q": f'"{EVIL}'}).text
    assert EVIL not in page


# -- deciding again ---------------------------------------------------------------------------------------------------


def test_a_decision_that_is_the_same_is_said_to_be_identical(auditor: Person, world: World, decided: str) -> None:
    with noted_once(world, "replay", decision=decided):
        page = auditor.post(f"/desk/audit/{decided}/replay")
    assert "Identiek, tot op de laatste byte." in page.text


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another value": (lambda it: it["result"]["urgency"].update(level="U5"), "result.urgency.level U5 U1"),
    "one too many": (lambda it: it["result"].update(extra=EVIL), f"result.extra {EVIL} staat er niet"),
    "one too few": (lambda it: it["result"]["dispatch"].pop("mmt"), "result.dispatch.mmt stond er niet false"),
    "a shorter list": (lambda it: it["result"]["needs"].pop(), "result.needs ["),
    "another type": (lambda it: it["result"]["dispatch"].update(mmt=0), "result.dispatch.mmt 0 false"),
    "another word": (lambda it: it["reasons"][0]["text"].update(nl="Anders."), "reasons.0.text.nl Anders."),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_kind_of_difference_is_shown_by_its_path_then_and_now(name: str, auditor: Person, world: World) -> None:
    change, expected = CHANGES[name]
    made = tampered(world, change)
    page = auditor.post(f"/desk/audit/{made}/replay").text
    assert "Niet hetzelfde: 1 verschil." in words_of(page)
    assert expected in words_of(page)
    assert EVIL not in page
    proof = words_of(auditor.post(f"/desk/audit/{made}/proof").text)
    assert "Bewijs klopt niet" in proof
    assert "✗ klopt niet De regel staat niet zo in het logboek" in proof


def test_a_value_too_long_to_read_is_cut_and_said_to_be(auditor: Person, world: World) -> None:
    made = tampered(world, lambda record: record["result"].update(extra="x" * 5_000))
    page = auditor.post(f"/desk/audit/{made}/replay").text
    assert "x" * 500 not in page
    assert "en nog 4600 tekens" in page


# -- proof ------------------------------------------------------------------------------------------------------------


def test_a_proof_that_holds_says_what_was_checked(auditor: Person, world: World, decided: str) -> None:
    with noted_once(world, "verify", decision=decided):
        page = words_of(auditor.post(f"/desk/audit/{decided}/proof").text)
    assert "Bewijs klopt: alles wat te controleren was, klopt." in page
    assert "✓ klopt De handtekening onder het logboek" in page
    assert "✓ klopt Opnieuw beslissen geeft dezelfde uitkomst" in page
    assert "? niet te zeggen Getekend met" in page
    assert "--key" not in page.partition("Dit is wat")[0]


def test_a_key_from_elsewhere_is_held_against_the_one_that_signed(auditor: Person, world: World, decided: str) -> None:
    ours = log_proofs.log_keys(world)["keys"][0]["vkey"]
    assert "✓ klopt Getekend met" in words_of(auditor.post(f"/desk/audit/{decided}/proof", {"key": ours}).text)
    other = f"{ours[:-6]}{ours[-6:].swapcase()}"
    for wrong in ("no key", EVIL, other):
        refused = auditor.post(f"/desk/audit/{decided}/proof", {"key": wrong})
        assert (refused.status_code, "niet te lezen" in refused.text, EVIL in refused.text) == (422, True, False)


def test_an_entry_that_waits_is_said_to_wait_and_the_proof_gives_it_its_place(auditor: Person, world: World) -> None:
    made = decide(world, asked_by(world))
    assert "wacht op een plaats" in auditor.get(f"/desk/audit/{made}").text
    assert "Bewijs klopt:" in auditor.post(f"/desk/audit/{made}/proof").text
    page = words_of(auditor.get(f"/desk/audit/{made}").text)
    size = log_proofs.inclusion(world, made)["size"]
    assert f"regel {size} van {size}" in page


def test_of_an_erased_decision_it_is_proven_that_it_was_erased(auditor: Person, world: World) -> None:
    made = decide(world, asked_by(world))
    erasure.erase(world, [made], "patient_request", OPERATOR)
    with noted_once(world, "read", "failed", decision=made):
        page = words_of(auditor.get(f"/desk/audit/{made}").text)
    assert "Deze beslissing is gewist." in page
    assert "gewist: de patiënt vroeg erom" in page
    assert "ST-elevatie" not in page
    assert "Deze beslissing is gewist." in auditor.post(f"/desk/audit/{made}/replay").text
    assert "Deze beslissing is gewist." in auditor.get(f"/desk/audit/{made}/record").text
    assert "Deze beslissing is gewist." in auditor.get(f"/desk/audit/{made}/rules?q=stemi").text
    proof = words_of(auditor.post(f"/desk/audit/{made}/proof").text)
    assert "Bewijs klopt:" in proof
    assert "✓ klopt Dat het met opzet is gewist, staat zelf in het logboek." in proof


def test_of_a_damaged_record_nothing_is_shown_but_its_place_is_proven(auditor: Person, world: World) -> None:
    made = decide(world, asked_by(world))
    with damaged(world, made):
        with noted_once(world, "read", "failed", decision=made):
            page = auditor.get(f"/desk/audit/{made}")
        assert page.status_code == 200
        assert "Het record van deze beslissing is beschadigd" in page.text
        assert "Het record van deze beslissing is beschadigd" in auditor.post(f"/desk/audit/{made}/replay").text
        with noted_once(world, "verify", "failed", decision=made):
            proof = words_of(auditor.post(f"/desk/audit/{made}/proof").text)
        assert "Bewijs klopt niet" in proof
        assert "✓ klopt De regel staat onveranderd in het logboek" in proof
        assert "✗ klopt niet De getoonde velden" in proof


def test_a_record_of_other_software_is_said_to_be_so(auditor: Person, world: World) -> None:
    made = tampered(world, lambda record: record.update(version=99))
    with noted_once(world, "read", decision=made):
        page = auditor.get(f"/desk/audit/{made}")
    assert "vastgelegd door andere software" in page.text
    for address in ("replay", "proof"):
        assert "vastgelegd door andere software" in auditor.post(f"/desk/audit/{made}/{address}").text
    assert "vastgelegd door andere software" in auditor.get(f"/desk/audit/{made}/rules?q=stemi").text


def test_an_earlier_version_of_the_software_is_named_beside_ours(auditor: Person, world: World) -> None:
    def older(record: dict[str, Any]) -> None:
        record["software"] = record["result"]["provenance"]["software"] = "wegwijs 0.0.1"

    made = tampered(world, older)
    assert "wegwijs 0.0.1 (nu" in words_of(auditor.get(f"/desk/audit/{made}").text)
    assert "Identiek" in auditor.post(f"/desk/audit/{made}/replay").text


# -- taking it along --------------------------------------------------------------------------------------------------


def test_the_file_to_take_along_verifies_and_withholds_what_was_chosen(
    auditor: Person, world: World, decided: str
) -> None:
    key = read_vkey(log_proofs.log_keys(world)["keys"][0]["vkey"])
    with noted_once(world, "export", decision=decided):
        whole = auditor.get(f"/desk/audit/{decided}/capsule")
    assert whole.headers["Content-Disposition"] == f'attachment; filename="{decided}.capsule.json"'
    assert verify(read_capsule(whole.data), [key]).verdict == "verified"
    assert "ZCC-audit" in whole.text
    less = auditor.get(f"/desk/audit/{decided}/capsule?withhold=reference&withhold=location&withhold=nonsense")
    assert verify(read_capsule(less.data), [key]).verdict == "verified"
    assert "ZCC-audit" not in less.text
    assert "case.location.lat" not in less.text


# -- other rules ------------------------------------------------------------------------------------------------------


def digest_of(world: World, version: str) -> str:
    found = {each["version"]: each["digest"] for each in service.rulesets(world)["rulesets"]}
    return str(found[version])


def test_what_other_rules_would_have_answered_is_set_beside_it(auditor: Person, world: World, decided: str) -> None:
    with noted_once(world, "replay", decision=decided):
        page = auditor.post(f"/desk/audit/{decided}/suppose", {"ruleset": digest_of(world, "1.2.0")}).text
    assert "Zelfde antwoord" in page
    back = {
        "chest_pain": True,
        "back_pain": True,
        "abdominal_pain": True,
        "systolic_bp": 80,
        "known_aortic_aneurysm": True,
    }
    other = decide(world, asked_by(world), complaint=None, observations=back)
    page = words_of(auditor.post(f"/desk/audit/{other}/suppose", {"ruleset": digest_of(world, "1.0.0")}).text)
    assert "Een ander antwoord." in page
    assert "Regels die alleen toen golden" in page


def test_only_rules_that_are_installed_can_be_supposed(
    auditor: Person, decided: str, tmp_path: Any, world: World
) -> None:
    (tmp_path / "ruleset.yaml").write_text("name: secret", "utf-8")
    for given in (str(tmp_path), "/etc", "", "acute-nl/1.2.0", "sha256:" + "0" * 64):
        for address in (f"/desk/audit/{decided}/suppose", "/desk/audit/compare"):
            assert auditor.post(address, {"ruleset": given}).status_code == 422


def test_a_decision_that_cannot_be_supposed_says_why(auditor: Person, world: World) -> None:
    made = decide(world, asked_by(world))
    with damaged(world, made):
        page = auditor.post(f"/desk/audit/{made}/suppose", {"ruleset": digest_of(world, "1.2.0")}).text
        assert "Met deze regels is niet te beslissen" in page
        erasure.erase(world, [made], "patient_request", OPERATOR)
        page = auditor.post(f"/desk/audit/{made}/suppose", {"ruleset": digest_of(world, "1.2.0")}).text
        assert "Deze beslissing is gewist." in page


# -- who may, and what is left as it was ------------------------------------------------------------------------------

PAGES = ("", "/record", "/rules?q=stemi", "/capsule")


def test_no_other_role_sees_the_evidence(person: People, decided: str, world: World) -> None:
    for role in set(ROLES) - {"auditor"}:
        who = person(role)
        for address in PAGES:
            with noted_once(world, "export" if address == "/capsule" else "read", "refused", decision=decided):
                refused = who.get(f"/desk/audit/{decided}{address}")
            assert (refused.status_code, "ZCC-audit" in refused.text) == (403, False)
        assert who.post(f"/desk/audit/{decided}/proof").status_code == 403
        assert who.post(f"/desk/audit/{decided}/suppose").status_code == 403
        assert who.get("/desk/audit").status_code == 403


def test_who_decides_may_decide_again_and_sees_no_more_than_that(triagist: Person, decided: str) -> None:
    page = triagist.post(f"/desk/audit/{decided}/replay")
    assert "Identiek" in page.text
    assert f'href="/desk/audit/{decided}"' not in page.text


def test_an_auditor_changes_nothing_in_the_log_of_decisions(auditor: Person, world: World, decided: str) -> None:
    log_proofs.inclusion(world, decided)

    def state() -> tuple[int | None, str]:
        with database.reading(world.engine) as connection:
            query = sa.select(sa.func.count()).where(
                LOG_ENTRIES.c.log == "decisions", LOG_ENTRIES.c.position.is_not(None)
            )
            return connection.scalar(query), json.dumps(kept_record(world, decided))

    before = state()
    for address in PAGES:
        assert auditor.get(f"/desk/audit/{decided}{address}").status_code == 200
    for address in ("replay", "proof"):
        assert auditor.post(f"/desk/audit/{decided}/{address}").status_code == 200
    auditor.post(f"/desk/audit/{decided}/suppose", {"ruleset": digest_of(world, "1.2.0")})
    auditor.post("/desk/audit/compare", {"ruleset": digest_of(world, "1.2.0"), "until": "2026-01-01"})
    assert state() == before


def test_nothing_that_the_log_holds_is_run_by_a_page(auditor: Person, world: World) -> None:
    made = decide(world, asked_by(world, f"Org {EVIL}"), reference=EVIL)
    for address in ("", "/record"):
        page = auditor.get(f"/desk/audit/{made}{address}").text
        assert EVIL not in page
        assert "&lt;script&gt;alert(1)" in page


def test_no_patient_stands_in_an_address_or_a_title(auditor: Person, decided: str) -> None:
    page = auditor.get(f"/desk/audit/{decided}").text
    title = page.partition("<title>")[2].partition("</title>")[0]
    assert decided not in title
    addresses = [part.partition('"')[0] for name in ('href="', 'action="', 'src="') for part in page.split(name)[1:]]
    assert not [each for each in addresses if "ZCC-audit" in each]
