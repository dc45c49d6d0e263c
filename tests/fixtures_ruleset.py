"""A vocabulary and a ruleset of a few words and rules: tests of the machinery do not rest on clinical content."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from routing.errors import BadData, Finding
from routing.rules.building import read_ruleset
from routing.rules.ruleset import Ruleset
from routing.rules.selection import ORDERS, texts_of
from routing.vocabulary import Vocabulary, build_vocabulary
from routing.yamlfile import parse

VOCABULARY = """\
version: 1
facts:
  age_years:
    {type: number, unit: year, range: [0, 120], group: patient, given: patient, aliases: [age],
     label: {nl: leeftijd, en: age}, question: {nl: "Hoe oud?", en: "How old?"}}
  age_months:
    {type: number, unit: month, range: [0, 1500], group: patient, given: patient,
     label: {nl: maanden, en: months}, question: {nl: "Hoeveel maanden?", en: "How many months?"}}
  sex:
    {type: choice, values: {male: {nl: man, en: man}, female: {nl: vrouw, en: woman}, other: {nl: anders, en: other}},
     group: patient, given: patient, label: {nl: geslacht, en: sex}, question: {nl: "Geslacht?", en: "Sex?"}}
  complaint:
    {type: choice, group: case, given: case, label: {nl: klacht, en: complaint}, question: {nl: "Wat?", en: "What?"}}
  channel:
    {type: choice, values: {self: {nl: zelf, en: self}, ambulance: {nl: ambulance, en: ambulance}}, group: case,
     given: case, label: {nl: kanaal, en: channel}, question: {nl: "Wie vraagt?", en: "Who asks?"}}
  transport:
    {type: choice, values: {own: {nl: eigen, en: own}, walk: {nl: lopend, en: on foot}}, group: case, given: case,
     label: {nl: vervoer, en: transport}, question: {nl: "Hoe?", en: "How?"}}
  office_hours:
    {type: boolean, group: case, given: clock, label: {nl: kantooruren, en: office hours},
     question: {nl: "Kantooruren?", en: "Office hours?"}}
  stops_agreed:
    {type: boolean, group: case, given: agreement, label: {nl: stops afgesproken, en: stops agreed},
     question: {nl: "Stops?", en: "Stops?"}}
  night:
    {type: boolean, group: case, given: clock, label: {nl: nacht, en: night}, question: {nl: "Nacht?", en: "Night?"}}
  heart_rate:
    {type: number, unit: /min, range: [0, 300], whole: true, group: circulation, aliases: [hr, "364075005"],
     label: {nl: hartslag, en: heart rate}, question: {nl: "Hartslag?", en: "Heart rate?"}}
  systolic_bp:
    {type: number, unit: mmHg, range: [0, 300], whole: true, group: circulation, aliases: [sbp],
     label: {nl: bovendruk, en: systolic pressure}, question: {nl: "Bovendruk?", en: "Systolic pressure?"}}
  temperature:
    {type: number, unit: degC, range: [20, 45], group: exposure, aliases: [temp_c],
     label: {nl: temperatuur, en: temperature}, question: {nl: "Temperatuur?", en: "Temperature?"}}
  chest_pain:
    {type: boolean, group: heart, label: {nl: pijn op de borst, en: chest pain},
     question: {nl: "Pijn op de borst?", en: "Chest pain?"}}
  pregnant:
    {type: boolean, group: pregnancy, label: {nl: zwanger, en: pregnant},
     question: {nl: "Zwanger?", en: "Pregnant?"}}
  avpu:
    {type: choice, values: {A: {nl: alert, en: alert}, V: {nl: stem, en: voice}, P: {nl: pijn, en: pain},
     U: {nl: geen, en: none}}, group: disability, label: {nl: AVPU, en: AVPU}, question: {nl: "AVPU?", en: "AVPU?"}}
  course:
    {type: choice, values: {24h: {nl: dag, en: day}, week: {nl: week, en: week}, longer: {nl: langer, en: longer}},
     group: history, label: {nl: beloop, en: course}, question: {nl: "Hoe lang?", en: "How long?"}}
  onset_at:
    {type: time, group: history, label: {nl: begin, en: onset}, question: {nl: "Wanneer?", en: "When?"}}
complaints:
  chest_pain: {label: {nl: pijn op de borst, en: chest pain}, aliases: [thoracic_pain]}
  dyspnea: {label: {nl: benauwd, en: short of breath}}
capabilities:
  seh: {label: {nl: SEH, en: emergency department}}
  pci: {label: {nl: dotteren, en: PCI}, implies: [cardiac_care]}
  cardiac_care: {label: {nl: hartbewaking, en: cardiac care}, implies: [seh]}
  huisarts: {label: {nl: huisarts, en: GP}, place: false}
facility_kinds:
  hospital: {label: {nl: ziekenhuis, en: hospital}, has: [seh], may_have: [pci]}
stop_kinds:
  seh: {label: {nl: SEH, en: emergency department}}
urgencies:
  U0: {label: {nl: reanimatie, en: resuscitation}}
  U1: {label: {nl: levensbedreigend, en: life-threatening}}
  U2: {label: {nl: spoed, en: emergency}}
  U3: {label: {nl: dringend, en: urgent}}
  U4: {label: {nl: niet dringend, en: non-urgent}}
  U5: {label: {nl: advies, en: advice}}
conditions:
  stemi: {label: {nl: hartinfarct, en: STEMI}, time_critical: STEMI}
  sepsis: {label: {nl: sepsis, en: sepsis}}
  acs: {label: {nl: ACS, en: ACS}}
dispatches:
  A0: {label: {nl: A0, en: A0}}
  A1: {label: {nl: A1, en: A1}}
  A2: {label: {nl: A2, en: A2}}
  B1: {label: {nl: B1, en: B1}}
  B2: {label: {nl: B2, en: B2}}
  C1: {label: {nl: C1, en: C1}}
  C2: {label: {nl: C2, en: C2}}
"""

_HEAD = """\
format: 2
name: tiny
version: 1.0.0
title: {nl: klein, en: small}
effective_from: 2026-01-01T00:00:00+01:00
owner: the tests
default_urgency: {level: U3, text: {nl: niets gezegd, en: nothing said}, why: cautious}
topics: [urgency, destination]
references:
  book: {title: A book, href: "https://example.org/book", read: read}
"""

_PARAMETERS = """\
parameters:
  cardiac_age: {value: 40, unit: year, label: {nl: leeftijd, en: age}, reference: {source: book}, why: from then on}
  fever: {value: 38.5, unit: degC, label: {nl: koorts, en: fever}, reference: {source: book}, why: from then on}
  stop_extra: {value: 15, unit: min, label: {nl: omweg, en: detour}, reference: {source: book}, why: assumed}
  stop_longest: {value: 240, unit: min, label: {nl: duur, en: duration}, reference: {source: book}, why: assumed}
agreements:
  stops_agreed: {value: true, reference: {source: book}, why: assumed}
norms:
  pci-75: {minutes: 75, clock_start: called_at, clock_end: arrival, legal_status: example,
           label: {nl: dotternorm, en: PCI norm}, reference: {source: book}, why: sooner is better}
deadlines:
  U0: {minutes: 0, reference: {source: book}, why: now}
  U1: {minutes: 0, reference: {source: book}, why: now}
  U2: {minutes: 60, reference: {source: book}, why: soon}
  U3: {minutes: 240, reference: {source: book}, why: today}
  U4: {minutes: 1440, reference: {source: book}, why: tomorrow}
  U5: {minutes: null, reference: {source: book}, why: later}
logistics:
  response_minutes:
    A1: {value: 10, reference: {source: book}, why: assumed}
  on_scene_minutes: {value: 20, reference: {source: book}, why: assumed}
  reach_minutes:
    U0: {value: 60, reference: {source: book}, why: assumed}
    U1: {value: 60, reference: {source: book}, why: assumed}
    U2: {value: 60, reference: {source: book}, why: assumed}
    U3: {value: 60, reference: {source: book}, why: assumed}
    U4: {value: 60, reference: {source: book}, why: assumed}
    U5: {value: 60, reference: {source: book}, why: assumed}
"""

_DERIVED = """\
derived:
  shock_index:
    {unit: "1", range: [0, 20], formula: {ratio: [heart_rate, systolic_bp]}, label: {nl: shockindex, en: shock index},
     reference: {source: book}, why: published}
  minutes_since_onset:
    {unit: min, range: [0, 525600], formula: {minutes_since: onset_at}, label: {nl: minuten, en: minutes},
     reference: {source: book}, why: published}
"""

_SCORE = """\
id: alarm
label: {nl: alarm, en: alarm}
reference: {source: book}
why: made up
range: [0, 6]
not_for: age_years < 16
items:
  - fact: heart_rate
    bands: [{upto: 50, points: 1}, {below: 100, points: 0}, {points: 3}]
  - fact: avpu
    values: {A: 0, V: 3, P: 3, U: 3}
"""

_RULES = """\
topic: {nl: hart, en: heart}
rules:
  - id: old-with-pain
    when: {all: [chest_pain, age_years >= $cardiac_age]}
    then: {condition: {code: acs, status: possible}, urgency: U2}
    text: {nl: ouder met pijn, en: older with pain}
    reference: {source: book, section: "1"}
    why: the heart comes first
    review: pending
  - id: acs-in-shock
    when: {all: [condition.acs, {any: [shock_index > 1, alarm >= 5]}]}
    then: {condition: {code: stemi, status: suspected}, urgency: U1}
    text: {nl: shock, en: shock}
    reference: {source: book, section: "2"}
    why: shock is life-threatening
    review: {by: a cardiologist, on: 2026-05-01}
"""

_CARE = """\
topic: {nl: waarheen, en: where to}
rules:
  - id: stemi-needs-pci
    when: condition.stemi
    then: {needs: [{capability: pci, strength: required, within: pci-75}], dispatch: {ambulance: A1}}
    text: {nl: dotteren, en: PCI}
    reference: {source: book, section: "3"}
    why: opens the artery
    review: pending
"""


def _selection() -> str:
    texts = "".join(f"  {name}: {{text: {{nl: {name}, en: {name}}}}}\n" for name in texts_of(2))
    return f"""\
give_way: [pci-75, pci]
order: [{", ".join(ORDERS)}]
preferred_detour: {{minutes: 15, reference: {{source: book}}, why: assumed}}
known_there_detour: {{minutes: 30, reference: {{source: book}}, why: assumed}}
known_there_from: U2
open_questions: {{most: 100, reference: {{source: book}}, why: made up}}
in_office_hours: {{seh: {{capability: huisarts, urgency_from: U3, reference: {{source: book}}, why: assumed}}}}
fallback:
  capability: seh
  nobody: {{kind: meldkamer, name: {{nl: meldkamer, en: dispatch}}, text: {{nl: bel, en: call}}}}
stops:
  agreed: stops_agreed
  goes_anyway: {{urgency: U1, time_critical: true}}
  prefers_without: U2
  extra_minutes: stop_extra
  longest_minutes: stop_longest
  units: {{seh: [seh]}}
  reference: {{source: book}}
  why: assumed
texts:
{texts}"""


FILES: Mapping[str, str] = {
    "ruleset.yaml": _HEAD,
    "parameters.yaml": _PARAMETERS,
    "derived.yaml": _DERIVED,
    "selection.yaml": _selection(),
    "scores/alarm.yaml": _SCORE,
    "urgency/heart.yaml": _RULES,
    "destination/where.yaml": _CARE,
}
"""The files of the small ruleset: name -> YAML."""


@cache
def small_vocabulary() -> Vocabulary:
    """The vocabulary of the small ruleset."""
    return build_vocabulary(parse(VOCABULARY, "vocabulary.yaml"))


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the small ruleset with `files` added or in place of its own; the folder."""
    for name, text in {**FILES, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def small_ruleset(folder: Path, files: Mapping[str, str] | None = None) -> Ruleset:
    """The small ruleset, with `files` added or in place of its own. Raises BadData."""
    return read_ruleset(write(folder, files or {}), small_vocabulary())


def rule(name: str, when: str, then: str = "{urgency: U2}", *, reference: str = "book", review: str = "pending") -> str:
    """One rule as YAML; `when` and `then` are written on one line each (the second and third of the rule's seven)."""
    return f"""\
  - id: {name}
    when: {when}
    then: {then}
    text: {{nl: tekst, en: text}}
    reference: {{source: {reference}}}
    why: because
    review: {review}
"""


def topic(*rules: str) -> str:
    """A file of rules; the first rule begins on line 3, each takes seven lines."""
    return "topic: {nl: onderwerp, en: topic}\nrules:\n" + "".join(rules)


def findings(folder: Path, files: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is found wrong with the small ruleset with `files` added or in place of its own."""
    try:
        small_ruleset(folder, files)
    except BadData as error:
        return error.findings
    return ()


def refusals(folder: Path, *rules: str) -> tuple[Finding, ...]:
    """What is found wrong with the small ruleset when `rules` are added as `urgency/extra.yaml`."""
    return findings(folder, {"urgency/extra.yaml": topic(*rules)})


def few_rules(folder: Path) -> Path:
    """A ruleset with hardly any rules, in the words of Wegwijs: a process that has it is ready in a moment."""
    head = FILES["ruleset.yaml"].replace("name: tiny", "name: acute-nl")
    score = FILES["scores/alarm.yaml"].replace("A: 0, ", "A: 0, C: 3, ")
    return write(folder, {"ruleset.yaml": head, "scores/alarm.yaml": score})
