"""Pictures of the pages of the desk, for the documents: `python -m tests.browser.screenshots docs/images`.

Starts a server with believable cases, reports of places and proposals, and Chromium; takes each page as somebody with
the role whose work it is. Nothing in them is about a real person.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from routing import erasure, outcomes, places, publishing, sessions
from routing.rights import Asker
from routing.service import World
from routing.world import utc_now
from tests.browser.conftest import CHROMIUM, QUIET, Served, serving, sign_in
from tests.desk.conftest import OWN, name_of
from tests.desk.decided import CASE, CRASH, asker_of, decided
from tests.desk.places import OPERATOR
from tests.people import PASSWORD, VISITOR, account
from tests.rulesets_here import change

SIZES = {"laptop": {"width": 1280, "height": 720}, "tablet": {"width": 820, "height": 1180}}
LATEST, FUTURE = "acute-nl/1.5.0", ("acute-nl/1.5.1", "acute-nl/1.6.0")
BOOK = f"/desk/rules/{LATEST}"


@dataclass
class Shifted:
    """A clock that runs as that on the wall, so much earlier."""

    by: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() - self.by


@dataclass(frozen=True)
class Shot:
    """A picture: its page, who looks at it, what is done on the page before it is taken, and of which part it is taken
    where it is not the page as it is seen."""

    path: str
    role: str | None = "triagist"
    act: Callable[[Page], None] = field(default=lambda page: None)
    part: str | None = None


# -- what is shown ----------------------------------------------------------------------------------------------------


def case(channel: str, years: int, sex: str, postcode: str, complaint: str, **seen: Any) -> dict[str, Any]:
    """A case as a desk asks for it."""
    return {
        "channel": channel,
        "patient": {"age_years": years, "sex": sex},
        "location": {"postcode": postcode},
        "complaint": complaint,
        "observations": seen,
    }


CASES = (
    case("meldkamer", 71, "female", "9711", "neurological_deficit", facial_droop=True, arm_weakness=True),
    case("huisartsenpost", 4, "male", "8011", "fever_child", temperature=39.4),
    case("huisartsenpost", 24, "female", "6811", "sore_throat", temperature=38.1),
    case("huisartsenpost", 58, "male", "5611", "abdominal_pain", systolic_bp=96, heart_rate=118),
    case("ambulance", 83, "female", "2511", "fall_elderly", fall=True, hip_pain=True, hip_deformity=True),
    case("huisartsenpost", 39, "female", "3811", "headache", temperature=37.2),
    case("ambulance", 46, "male", "4461", "dyspnea", spo2=88, respiratory_rate=30),
)


def rules_with_future(folder: Path) -> Path:
    """`folder` with the packaged rulesets, and two versions of the newest that nobody published yet."""
    source = Path(str(files("rulesets")))
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FUTURE:
        shutil.copytree(source / LATEST, folder / name)
        head = folder / name / "ruleset.yaml"
        change(head, "version: 1.5.0", f"version: {name.partition('/')[2]}")
        began = head.read_text("utf-8").partition("effective_from:")[2].partition("\n")[0].strip()
        change(head, began, "2030-01-01T00:00:00+01:00")
    return folder


def person(world: World, name: str) -> Asker:
    """The person with this account, who signs in now."""
    return sessions.asker_of(sessions.sign_in(world, name, PASSWORD, VISITOR, None).session)


def fill(world: World, clock: Shifted) -> dict[str, str]:
    """Decide, record, report and propose; the ids of the decisions that pictures are about, by what they show."""
    asker = asker_of(world)
    made: dict[str, str] = {}
    for day in range(6, 0, -1):
        clock.by = timedelta(days=day, hours=2 * day % 5)
        for number, each in enumerate(CASES[day % 3 :]):
            about = decided(world, asker, each, reference=f"ZCC-2026-{day}{number:02}")
            settle(world, asker, about, number)
        report(world, OWN, {"kind": "stop", "value": True, "reason": "crowding"}, {"kind": "crowding", "value": 150})
        clock.by -= timedelta(hours=1, minutes=30)
        report(world, OWN, {"kind": "stop", "value": False}, {"kind": "crowding", "value": 70 + 9 * day})
    clock.by = timedelta(hours=1, minutes=20)
    report_places(world)
    made["erased"] = decided(world, asker, CASES[2])
    erasure.erase(world, [made["erased"]], "patient_request", OPERATOR)
    made["superseded"] = decided(world, asker, {**CASE, "observations": {"heart_rate": 96, "chest_pain": True}})
    clock.by = timedelta(minutes=25)
    made["overridden"] = decided(world, asker, CRASH, reference="ZCC-2026-000781")
    override(world, asker, made["overridden"])
    clock.by = timedelta(minutes=4)
    report_places(world)
    made["trauma"] = decided(world, asker, CRASH, reference="ZCC-2026-000790")
    made["newest"] = decided(world, asker, supersedes=made["superseded"])
    clock.by = timedelta()
    propose(world)
    return made


def settle(world: World, asker: Asker, about: str, number: int) -> None:
    """Let every third be decided otherwise, of some nothing be known, and the rest be as advised."""
    if number % 3 == 2:
        override(world, asker, about)
    elif number % 3 == 0:
        outcomes.record_outcome(world, about, {"outcome": "accepted", "by": "triagist"}, asker)


def override(world: World, asker: Asker, about: str) -> None:
    body = {"outcome": "overridden", "by": "doctor", "reason": "known_elsewhere", "destination": "meander-amersfoort"}
    outcomes.record_outcome(world, about, body, asker)


def report(world: World, facility: str, *reports: dict[str, Any]) -> None:
    """Let a place report things itself, seen now."""
    seen = {"unit": "seh", "observed_at": world.clock().isoformat(), "source": "de plek zelf"}
    places.report_status(world, facility, [{**seen, **each} for each in reports], OPERATOR)


def report_places(world: World) -> None:
    """What goes on at some places: stops, crowding, waiting and beds."""
    end = (world.clock() + timedelta(hours=2)).isoformat()
    stop = {"kind": "stop", "value": True, "reason": "crowding", "expected_end": end}
    report(world, "isala-zwolle", stop, {"kind": "crowding", "value": 162}, {"kind": "waiting_minutes", "value": 95})
    report(world, "adrz-goes", {"kind": "waiting_minutes", "value": 30}, {"kind": "crowding", "value": 40})
    report(world, "umcg", {"kind": "crowding", "value": 118}, {"kind": "offload_minutes", "value": 25})
    report(world, "umcg", {"unit": "icu", "kind": "beds", "value": {"available": 1, "total": 34}})
    report(world, OWN, {"kind": "crowding", "value": 74}, {"kind": "waiting_minutes", "value": 20})
    report(world, OWN, {"unit": "icu", "kind": "beds", "value": {"available": 5, "total": 32}})
    report(world, "meander-amersfoort", {"kind": "crowding", "value": 55})


def propose(world: World) -> None:
    """One version is agreed to by a second medical manager, another waits for that."""
    anne, bram = (person(world, account(world, name, "medical_manager")) for name in ("anne", "bram"))
    for name, who in zip(FUTURE, (anne, bram), strict=True):
        digest = publishing.standing_of(world, name).ruleset.digest
        note = "Om te beoordelen: de regels van 1.5.0, ongewijzigd. Niet voor de zorg."
        made = publishing.propose(world, name, digest, note, who)
        if who is anne:
            publishing.agree(world, str(made.id), digest, bram)


# -- what is done on a page -------------------------------------------------------------------------------------------


def type_case(page: Page) -> None:
    page.locator("#complaint:focus").wait_for()
    page.keyboard.type("hartaanv" if page.locator("html").get_attribute("lang") == "nl" else "heart att")
    page.locator("#complaint-list [role=option]").first.wait_for()
    for key in ("Enter", "6", "7", "Tab", "3", "5", "1", "1", "Tab"):
        page.keyboard.press(key)
    page.locator("#q-ecg_st_elevation .digit").wait_for()
    page.keyboard.press(page.locator("#q-ecg_st_elevation .digit").inner_text())
    page.keyboard.press("j" if page.locator("html").get_attribute("lang") == "nl" else "y")
    page.locator("#preview .urgency", has_text="U1").wait_for()
    for busy in (".settling", ".htmx-request"):
        page.locator(busy).first.wait_for(state="detached")


def choose_otherwise(page: Page) -> None:
    page.locator("#override summary").first.click()
    page.locator("#override input[name=reason]").first.focus()
    page.keyboard.press("c")
    page.locator("#override").evaluate("each => each.scrollIntoView()")


def ask_why_not(page: Page) -> None:
    page.locator("#why_not").fill("diakonessenhuis")
    page.locator("#why-not-found details").first.wait_for()
    page.locator("#why-not-found h3", has_text="Zeist").wait_for()


def press(name: str, until: str) -> Callable[[Page], None]:
    """Press the button with this name, and wait until `until` is there."""

    def done(page: Page) -> None:
        page.locator("main button.primary", has_text=name).first.click()
        page.locator(until).first.wait_for()
        page.wait_for_function("() => [...document.images].every((each) => each.loading === 'lazy' || each.complete)")

    return done


def try_case(page: Page) -> None:
    page.locator("#pasted-old").select_option("acute-nl/1.0.0")
    page.locator("textarea").first.fill(json.dumps(CASE, indent=1))
    page.locator("textarea").first.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#compared").wait_for()
    page.locator("#compared").scroll_into_view_if_needed()


def shots(made: Mapping[str, str]) -> dict[str, Shot]:
    """Name -> what is taken under it."""
    newest, older = f"/desk/decisions/{made['newest']}", f"/desk/decisions/{made['superseded']}"
    evidence = f"/desk/audit/{made['overridden']}"
    return {
        "sign-in": Shot("/desk", None),
        "home": Shot("/desk", "triagist"),
        "new-case": Shot("/desk/cases/new", act=type_case),
        "answer": Shot(f"{newest}?decided=1"),
        "override": Shot(newest, act=choose_otherwise, part="#override"),
        "why-not": Shot(newest, act=ask_why_not, part="section:has(> #why-not)"),
        "handover": Shot(f"/desk/decisions/{made['trauma']}/handover"),
        "map": Shot(f"{newest}/map", act=lambda page: page.locator(".map.drawn").wait_for()),
        "timeline": Shot(f"{older}/timeline"),
        "cases": Shot("/desk/cases"),
        "board": Shot("/desk/places", act=lambda page: page.locator("#live", has_text="●").wait_for()),
        "place": Shot(f"/desk/places/{OWN}", "facility"),
        "reception": Shot(f"/desk/reception?decision={made['newest']}", "facility"),
        "rules": Shot("/desk/rules", "medical_manager"),
        "book": Shot(f"{BOOK}?topic=conditions/sah.yaml", "medical_manager"),
        "rule": Shot(f"{BOOK}/stemi-to-pci", "medical_manager"),
        "proved": Shot(f"{BOOK}?topic=proof", "medical_manager"),
        "coverage": Shot(f"{BOOK}/coverage", "medical_manager"),
        "trial": Shot("/desk/rules/try", "medical_manager", try_case),
        "publishing": Shot("/desk/rules/publishing", "medical_manager"),
        "figures": Shot("/desk/figures", "medical_manager"),
        "norms": Shot("/desk/figures/norms", "medical_manager"),
        "overrules": Shot("/desk/figures/overrules", "medical_manager"),
        "audit": Shot("/desk/audit", "auditor"),
        "evidence": Shot(evidence, "auditor"),
        "proof": Shot(evidence, "auditor", press("Controleer het bewijs", "#proven .verdict")),
        "replay": Shot(evidence, "auditor", press("Reken na", "#replayed .verdict")),
        "erased": Shot(f"/desk/audit/{made['erased']}", "auditor"),
        "record": Shot(f"{evidence}/record", "auditor"),
        "rules-then": Shot(f"{evidence}/rules?q=trauma", "auditor"),
        "compare": Shot("/desk/audit/compare", "auditor", press("Vergelijk", "#result h2")),
        "accesses": Shot("/desk/accesses", "auditor"),
        "password": Shot("/desk/password", None),
        "forbidden": Shot("/desk/audit", "triagist"),
        "missing": Shot("/desk/decisions/01a202e0-2f2e-7204-9f58-4f667d0d53f4", "triagist"),
    }


# -- taking them ------------------------------------------------------------------------------------------------------


def take(browser: Browser, served: Served, shot: Shot, to: Path, *, language: str, size: str, whole: bool) -> None:
    """Take one picture, in a browser of its own."""
    context = browser.new_context(
        base_url=served.url, viewport=SIZES[size], locale={"nl": "nl-NL", "en": "en-GB"}[language]
    )
    context.add_cookies([{"name": "wegwijs-language", "value": language, "url": f"{served.url}/desk"}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    if shot.role is not None:
        sign_in(context, name_of(shot.role))
    page.goto(shot.path)
    page.evaluate("document.querySelectorAll('img').forEach((each) => { each.loading = 'eager'; })")
    page.wait_for_function("() => [...document.images].every((each) => each.complete)")
    shot.act(page)
    if shot.part is not None:
        page.locator(shot.part).screenshot(path=to)
    else:
        page.screenshot(path=to, full_page=whole)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("names", nargs="*", help="which pictures (default: all)")
    parser.add_argument("--language", choices=("nl", "en"), default="nl")
    parser.add_argument("--size", choices=tuple(SIZES), default="laptop")
    parser.add_argument("--whole", action="store_true", help="the whole page, also what must be scrolled to")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    clock = Shifted(timedelta(days=7))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        rulesets = rules_with_future(Path(folder) / "rulesets")
        with serving(Path(folder), clock, rulesets=rulesets) as served:
            made = fill(served.world, clock)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
            for name, shot in shots(made).items():
                if not arguments.names or name in arguments.names:
                    to = arguments.folder / f"{name}.png"
                    take(
                        browser, served, shot, to,
                        language=arguments.language, size=arguments.size, whole=arguments.whole,
                    )  # fmt: skip
            browser.close()


if __name__ == "__main__":
    main()
