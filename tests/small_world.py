"""A world of its own for tests of deciding: a few words, rules and places, so that no test hangs on clinical content.

Only `selection.yaml` is the one that comes with Wegwijs (with its own list of what gives way), because its order and
its texts are what these tests are about.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from routing.candidate import Candidate, Match, RuledOut
from routing.case import Case, parse_case
from routing.decision import Decision, Minutes, decide
from routing.facilities.directory import Directory, read_directory
from routing.facilities.profile import CapabilityTable, capability_table
from routing.facilities.status import Report
from routing.geography import Places, Point
from routing.log.record import make_record, result_of
from routing.matching import match
from routing.rules.building import ruleset_from_source
from routing.rules.evaluation import Evaluation, Evaluators, build_evaluators
from routing.rules.ruleset import Ruleset
from routing.travel import Travel
from routing.triage import Dispatch, PatientNeed, SuspectedCondition, Triage, Urgency
from routing.vocabulary import REPORT_KINDS, URGENCIES, Vocabulary, vocabulary_from_source
from routing.yamlfile import parse, read

HERE = (52.0, 5.0)
"""Where the patients are."""

AFTERNOON = datetime.fromisoformat("2026-11-18T14:00:00+01:00")
"""A Wednesday in office hours."""

EVENING = datetime.fromisoformat("2026-11-18T20:00:00+01:00")

HOLIDAYS = frozenset({date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)})

STEMI = {"ecg_st_elevation": True}
STROKE = {"facial_droop": True}
SORE_THROAT = {"sore_throat": True, "temperature": 37.2}

CASES: dict[str, dict[str, Any]] = {
    "nothing known": {},
    "heart attack": {"observations": STEMI},
    "heart attack in shock": {"observations": {**STEMI, "systolic_bp": 80, "temperature": 36.4}},
    "stroke": {"observations": STROKE, "transport": "ambulance", "channel": "ambulance"},
    "arrest": {"observations": {"unresponsive": True}},
    "burn": {"observations": {"burn_tbsa_percent": 12.5}},
    "child with a cut": {"patient": {"age_months": 20}, "observations": {"laceration": True}},
    "sore throat": {"observations": SORE_THROAT},
    "sore throat, medicine": {"observations": {**SORE_THROAT, "medicine_needed": True}},
    "birth": {"observations": {"pregnant": True, "contractions": True, "pregnancy_weeks": 30}},
    "everything": {"observations": {**STEMI, **STROKE, "pregnant": True, "contractions": True, "laceration": True,
                                    "burn_tbsa_percent": 40, "sore_throat": True}},
}  # fmt: skip
"""Bodies of cases, from nothing known to everything at once."""

MOMENTS = (AFTERNOON, EVENING, datetime.fromisoformat("2026-10-25T02:30:00+02:00"))

_VOCABULARY = """
version: 1
facts:
  age_years: {type: number, unit: year, range: [0, 120], group: patient, given: patient,
    label: {nl: leeftijd, en: age}, question: {nl: Hoe oud?, en: How old?}}
  age_months: {type: number, unit: month, range: [0, 1500], group: patient, given: patient,
    label: {nl: maanden, en: months}, question: {nl: Hoeveel maanden?, en: How many months?}}
  sex: {type: choice, group: patient, given: patient,
    values: {male: {nl: man, en: male}, female: {nl: vrouw, en: female}},
    label: {nl: geslacht, en: sex}, question: {nl: Man of vrouw?, en: Male or female?}}
  complaint: {type: choice, group: case, given: case,
    label: {nl: klacht, en: complaint}, question: {nl: Welke klacht?, en: Which complaint?}}
  channel: {type: choice, group: case, given: case,
    label: {nl: kanaal, en: channel}, question: {nl: Wie belt?, en: Who calls?},
    values: {meldkamer: {nl: meldkamer, en: dispatch centre}, ambulance: {nl: ambulance, en: ambulance},
      huisarts: {nl: huisarts, en: GP}, self: {nl: zelf, en: self}}}
  transport: {type: choice, group: case, given: case,
    label: {nl: vervoer, en: transport}, question: {nl: Hoe?, en: How?},
    values: {ambulance: {nl: ambulance, en: ambulance}, own: {nl: eigen, en: own}, walk: {nl: lopend, en: on foot}}}
  stops_agreed:
    {type: boolean, group: case, given: agreement, label: {nl: stops afgesproken, en: stops agreed},
     question: {nl: "Stops?", en: "Stops?"}}
  herd_guard:
    {type: boolean, group: case, given: agreement, label: {nl: onderweg telt, en: coming counts},
     question: {nl: "Telt onderweg?", en: "Does coming count?"}}
  office_hours: {type: boolean, group: case, given: clock,
    label: {nl: kantooruren, en: office hours}, question: {nl: Kantooruren?, en: Office hours?}}
  night: {type: boolean, group: case, given: clock, label: {nl: nacht, en: night}, question: {nl: Nacht?, en: Night?}}
  unresponsive: {type: boolean, group: disability,
    label: {nl: reageert niet, en: unresponsive}, question: {nl: Reageert niet?, en: Unresponsive?}}
  avpu: {type: choice, group: disability,
    values: {A: {nl: alert, en: alert}, V: {nl: stem, en: voice}, P: {nl: pijn, en: pain}},
    label: {nl: bewustzijn, en: consciousness}, question: {nl: Hoe helder?, en: How alert?}}
  heart_rate: {type: number, unit: /min, range: [0, 300], group: circulation, aliases: [hr],
    label: {nl: hartslag, en: heart rate}, question: {nl: Hartslag?, en: Heart rate?}}
  systolic_bp: {type: number, unit: mmHg, range: [0, 300], group: circulation,
    label: {nl: bovendruk, en: systolic pressure}, question: {nl: Bovendruk?, en: Systolic pressure?}}
  temperature: {type: number, unit: "°C", range: [20, 45], group: exposure,
    label: {nl: temperatuur, en: temperature}, question: {nl: Temperatuur?, en: Temperature?}}
  chest_pain: {type: boolean, group: heart,
    label: {nl: pijn op de borst, en: chest pain}, question: {nl: Pijn op de borst?, en: Chest pain?}}
  ecg_st_elevation: {type: boolean, group: heart,
    label: {nl: ST-elevatie, en: ST elevation}, question: {nl: ST-elevatie?, en: ST elevation?}}
  facial_droop: {type: boolean, group: brain,
    label: {nl: scheve mond, en: facial droop}, question: {nl: Scheve mond?, en: Facial droop?}}
  arm_weakness: {type: boolean, group: brain,
    label: {nl: zwakke arm, en: arm weakness}, question: {nl: Zwakke arm?, en: Arm weakness?}}
  last_known_well_at: {type: time, group: brain,
    label: {nl: laatst goed gezien, en: last seen well}, question: {nl: Wanneer laatst goed?, en: When last well?}}
  onset_at: {type: time, group: history, label: {nl: begin, en: onset}, question: {nl: Sinds wanneer?, en: Since when?}}
  pregnant: {type: boolean, group: pregnancy,
    label: {nl: zwanger, en: pregnant}, question: {nl: Zwanger?, en: Pregnant?}}
  pregnancy_weeks: {type: number, unit: week, range: [0, 45], group: pregnancy,
    label: {nl: weken, en: weeks}, question: {nl: Hoeveel weken?, en: How many weeks?}}
  contractions: {type: boolean, group: pregnancy,
    label: {nl: weeën, en: contractions}, question: {nl: Weeën?, en: Contractions?}}
  burn_tbsa_percent: {type: number, unit: "%", range: [0, 100], group: trauma,
    label: {nl: verbrand oppervlak, en: burned surface}, question: {nl: Hoeveel verbrand?, en: How much burned?}}
  laceration: {type: boolean, group: trauma, label: {nl: snijwond, en: cut}, question: {nl: Snijwond?, en: A cut?}}
  sore_throat: {type: boolean, group: infection,
    label: {nl: keelpijn, en: sore throat}, question: {nl: Keelpijn?, en: Sore throat?}}
  medicine_needed: {type: boolean, group: other,
    label: {nl: medicijn nodig, en: medicine needed}, question: {nl: Medicijn?, en: Medicine?}}
complaints:
  chest_pain: {label: {nl: pijn op de borst, en: chest pain}}
  wound: {label: {nl: wond, en: wound}}
capabilities:
  seh: {label: {nl: SEH, en: emergency department}, implies: [minor_injury]}
  hap: {label: {nl: huisartsenpost, en: GP post}}
  huisarts: {label: {nl: huisarts, en: GP}, place: false}
  pharmacy: {label: {nl: apotheek, en: pharmacy}, place: false}
  minor_injury: {label: {nl: kleine letsels, en: minor injury care}}
  icu: {label: {nl: intensive care, en: intensive care}}
  pci: {label: {nl: dotteren, en: PCI}}
  ivt: {label: {nl: trombolyse, en: thrombolysis}}
  evt: {label: {nl: trombectomie, en: thrombectomy}}
  obstetrics: {label: {nl: verloskunde, en: obstetrics}}
  nicu: {label: {nl: NICU, en: NICU}}
  burn_centre: {label: {nl: brandwondencentrum, en: burn centre}}
  ggz_crisis: {label: {nl: crisisdienst, en: crisis service}}
  elv: {label: {nl: verblijf, en: short stay}}
facility_kinds:
  hospital: {label: {nl: ziekenhuis, en: hospital}}
  huisartsenpost: {label: {nl: huisartsenpost, en: GP post}, has: [hap]}
  ggz_crisis: {label: {nl: crisisdienst, en: crisis service}, has: [ggz_crisis]}
  nursing_home: {label: {nl: verpleeghuis, en: nursing home}, has: [elv]}
stop_kinds:
  seh: {label: {nl: SEH, en: emergency department}}
  obstetrics: {label: {nl: verloskamers, en: delivery rooms}}
  elv: {label: {nl: kort verblijf, en: short stay}}
  hap: {label: {nl: huisartsenpost, en: GP post}}
bed_kinds:
  emergency_department: {unit: seh, label: {nl: plaats op de SEH, en: place in the emergency department}}
  elv_low: {unit: elv, label: {nl: laag complex, en: low complexity}}
  elv_high: {unit: elv, label: {nl: hoog complex, en: high complexity}}
status_reasons:
  crowding: {label: {nl: drukte, en: crowding}}
  flapping: {label: {nl: wisselt, en: flapping}}
  other: {label: {nl: anders, en: other}}
urgencies:
  U0: {label: {nl: reanimatie, en: resuscitation}}
  U1: {label: {nl: levensbedreigend, en: life-threatening}}
  U2: {label: {nl: spoed, en: emergency}}
  U3: {label: {nl: dringend, en: urgent}}
  U4: {label: {nl: niet dringend, en: not urgent}}
  U5: {label: {nl: advies, en: advice}}
conditions:
  stemi: {label: {nl: hartinfarct, en: heart attack}, time_critical: STEMI}
  cva: {label: {nl: beroerte, en: stroke}, time_critical: CVA}
  obstetric: {label: {nl: verloskunde, en: obstetrics}, time_critical: OBSTETRIC}
  burns: {label: {nl: brandwonden, en: burns}}
dispatches:
  A0: {label: {nl: A0, en: A0}}
  A1: {label: {nl: A1, en: A1}}
  A2: {label: {nl: A2, en: A2}}
  B1: {label: {nl: B1, en: B1}}
  B2: {label: {nl: B2, en: B2}}
  C1: {label: {nl: C1, en: C1}}
  C2: {label: {nl: C2, en: C2}}
"""

_HEAD = """
format: 3
name: small
version: 1.0.0
title: {nl: Kleine wereld, en: Small world}
effective_from: 2026-01-01T00:00:00+01:00
owner: the tests
default_urgency: {level: U3, text: {nl: Bij twijfel dringend., en: When in doubt urgent.}, why: made up}
topics: [urgency, destination]
references:
  made-up: {title: Made up, href: "https://example.org/", read: not}
  wegwijs-design: {title: Own choice, href: "https://example.org/", read: not}
"""

_SHORT = {
    "%sourced": "reference: {source: made-up}, why: made up",
    "%pending": "reference: {source: made-up}, why: made up, review: pending",
    "%accepted": "reference: {source: made-up}, why: made up, review: {by: a doctor, on: 2026-02-01}",
}
"""What every number and rule must carry, written once."""

_PARAMETERS = """
parameters:
  fever: {value: 38.5, unit: "°C", label: {nl: koorts, en: fever}, %sourced}
  stop_extra: {value: 15, unit: min, label: {nl: omweg, en: detour}, region_may_choose: [0, 45], %sourced}
  stop_longest: {value: 240, unit: min, label: {nl: duur, en: duration}, region_may_choose: [30, 480], %sourced}
  fresh: {value: 60, unit: min, label: {nl: vers, en: fresh}, region_may_choose: [5, 480], %sourced}
  fresh_open: {value: 240, unit: min, label: {nl: vers, en: fresh}, %sourced}
  reserved: {value: 30, unit: min, label: {nl: onderweg, en: coming}, region_may_choose: [5, 120], %sourced}
agreements:
  stops_agreed: {value: true, region_may_choose: true, %sourced}
  herd_guard: {value: true, region_may_choose: true, %sourced}
norms:
  pci-75: {minutes: 75, clock_start: called_at, clock_end: arrival, legal_status: example,
    label: {nl: dotteren binnen 75 minuten, en: PCI within 75 minutes}, %sourced}
  pci-60: {minutes: 60, clock_start: called_at, clock_end: arrival, legal_status: example,
    label: {nl: dotteren binnen 60 minuten, en: PCI within 60 minutes}, %sourced}
  ivt-270: {minutes: 270, clock_start: last_known_well_at, clock_end: arrival, legal_status: guideline,
    label: {nl: trombolyse binnen 270 minuten, en: thrombolysis within 270 minutes}, %sourced}
  burn-360: {minutes: 360, clock_start: onset_at, clock_end: arrival, legal_status: guideline,
    label: {nl: brandwond binnen 360 minuten, en: burn within 360 minutes}, %sourced}
  contact-90: {minutes: 90, clock_start: first_contact_at, clock_end: arrival, legal_status: guideline,
    label: {nl: 90 minuten na contact, en: 90 minutes after contact}, %sourced}
deadlines:
  U0: {minutes: 0, %sourced}
  U1: {minutes: 0, %sourced}
  U2: {minutes: 60, %sourced}
  U3: {minutes: 240, %sourced}
  U4: {minutes: 1440, %sourced}
  U5: {minutes: null, %sourced}
logistics:
  response_minutes:
    A0: {value: 8, %sourced}
    A1: {value: 10, %sourced}
    A2: {value: 15, %sourced}
    B1: {value: 60, %sourced}
    B2: {value: 60, %sourced}
  on_scene_minutes: {value: 20, %sourced}
  reach_minutes:
    U0: {value: 120, %sourced}
    U1: {value: 120, %sourced}
    U2: {value: 120, %sourced}
    U3: {value: 60, %sourced}
    U4: {value: 60, %sourced}
    U5: {value: 60, %sourced}
"""

_DERIVED = """
derived:
  minutes_since_last_known_well: {unit: min, range: [0, 525600], formula: {minutes_since: last_known_well_at},
    label: {nl: minuten, en: minutes}, %sourced}
"""

_SCORE = """
id: alarm
label: {nl: alarmscore, en: alarm score}
reference: {source: made-up}
why: made up
range: [0, 6]
items:
  - {fact: heart_rate, bands: [{upto: 40, points: 3}, {upto: 110, points: 0}, {points: 3}]}
  - {fact: avpu, values: {A: 0, V: 3, P: 3}}
"""

_URGENCY = """
topic: {nl: Urgentie, en: Urgency}
rules:
  - {id: no-answer, when: unresponsive, then: {urgency: U0, dispatch: {ambulance: A0, mmt: true}},
     text: {nl: Reageert niet., en: Unresponsive.}, %pending}
  - {id: alarm-score, when: alarm >= 5, then: {urgency: U1},
     text: {nl: Alarmscore hoog., en: Alarm score high.}, %pending}
  - {id: low-pressure, when: systolic_bp < 90, then: {urgency: U1, dispatch: {ambulance: A1}},
     text: {nl: Lage bloeddruk., en: Low pressure.}, %pending}
  - {id: heart-attack, when: ecg_st_elevation, then: {condition: {code: stemi, status: suspected}},
     text: {nl: ST-elevatie., en: ST elevation.}, %pending}
  - {id: heart-attack-is-grave, when: condition.stemi, then: {urgency: U1},
     text: {nl: Hartinfarct., en: Heart attack.}, %pending}
  - {id: chest-pain, when: chest_pain, then: {urgency: U2},
     text: {nl: Pijn op de borst., en: Chest pain.}, %pending}
  - {id: stroke, when: {any: [facial_droop, arm_weakness]},
     then: {urgency: U2, condition: {code: cva, status: possible}},
     text: {nl: Mogelijk een beroerte., en: Perhaps a stroke.}, %pending}
  - {id: stroke-in-time, when: {all: [facial_droop, minutes_since_last_known_well <= 270 min]},
     then: {urgency: U1, condition: {code: cva, status: suspected}},
     text: {nl: Beroerte in het venster., en: Stroke in the window.}, %pending}
  - {id: labour, when: {all: [pregnant, contractions]},
     then: {urgency: U2, condition: {code: obstetric, status: suspected}},
     text: {nl: Bevalling., en: Labour.}, %pending}
  - {id: burned, when: burn_tbsa_percent >= 10, then: {urgency: U2, condition: {code: burns, status: suspected}},
     text: {nl: Verbrand., en: Burned.}, %accepted}
  - {id: cut, when: laceration, then: {urgency: U4},
     text: {nl: Snijwond., en: A cut.}, %accepted}
  - {id: throat, when: {all: [sore_throat, temperature < $fever]},
     then: {urgency: U5},
     text: {nl: Keelpijn zonder koorts., en: Sore throat without fever.}, %pending}
"""

_DESTINATION = """
topic: {nl: Bestemming, en: Destination}
rules:
  - {id: pci-for-heart-attack, when: condition.stemi,
     then: {needs: [{capability: pci, strength: required, within: pci-75}], dispatch: {ambulance: A1}},
     text: {nl: Dotteren., en: PCI.}, %pending}
  - {id: pci-sooner-in-shock, when: {all: [condition.stemi, systolic_bp < 90]},
     then: {needs: [{capability: pci, strength: required, within: pci-60}]},
     text: {nl: Eerder dotteren., en: PCI sooner.}, %pending}
  - {id: pci-is-nice-for-chest-pain, when: chest_pain,
     then: {needs: [{capability: pci, strength: preferred}]},
     text: {nl: Liever waar gedotterd wordt., en: Rather where PCI is done.}, %pending}
  - {id: where-strokes-go, when: condition.cva,
     then: {needs: [{capability: ivt, strength: required, within: ivt-270}, {capability: evt, strength: preferred}],
       dispatch: {ambulance: A1}},
     text: {nl: Trombolyse., en: Thrombolysis.}, %pending}
  - {id: where-births-go, when: condition.obstetric, then: {needs: [{capability: obstetrics, strength: required}]},
     text: {nl: Verloskunde., en: Obstetrics.}, %pending}
  - {id: where-early-births-go, when: pregnancy_weeks < 32, then: {needs: [{capability: nicu, strength: preferred}]},
     text: {nl: NICU., en: NICU.}, %pending}
  - {id: where-burns-go, when: condition.burns,
     then: {needs: [{capability: burn_centre, strength: required, within: burn-360}]},
     text: {nl: Brandwondencentrum., en: Burn centre.}, %accepted}
  - {id: emergencies-go-to-hospital, when: urgency at least U2, then: {needs: [{capability: seh, strength: required}]},
     text: {nl: SEH., en: Emergency department.}, %pending}
  - {id: where-cuts-go, when: laceration, then: {needs: [{capability: minor_injury, strength: required}]},
     text: {nl: Hechten., en: Suturing.}, %accepted}
  - {id: own-doctor, when: {all: [sore_throat, office_hours, not: urgency at least U2]},
     then: {needs: [{capability: huisarts, strength: required}]},
     text: {nl: Eigen huisarts., en: Own GP.}, %pending}
  - {id: doctor-after-hours, when: {all: [sore_throat, not office_hours, not: urgency at least U2]},
     then: {needs: [{capability: hap, strength: required}]},
     text: {nl: Huisartsenpost., en: GP post.}, %pending}
  - {id: medicine, when: medicine_needed, then: {needs: [{capability: pharmacy, strength: required}]},
     text: {nl: Apotheek., en: Pharmacy.}, %pending}
  - {id: blood-thinner-warning, when: {all: [condition.stemi, pregnant]}, then: {warning: true},
     text: {nl: Let op., en: Take care.}, %pending}
"""

STOPS = {
    "agreed": "stops_agreed",
    "goes_anyway": {"urgency": "U1", "time_critical": True},
    "prefers_without": "U2",
    "extra_minutes": "stop_extra",
    "longest_minutes": "stop_longest",
    "units": {"seh": ["seh", "ivt", "pci"], "obstetrics": ["obstetrics"], "elv": ["elv"], "hap": ["hap"]},
    "reference": {"source": "made-up"},
    "why": "made up",
}
"""What a stop means here."""

STATUS = {
    "fresh_minutes": {**dict.fromkeys(REPORT_KINDS, "fresh"), "open": "fresh_open"},
    "ended_shown_minutes": "fresh",
    "herd_guard": "herd_guard",
    "reservation_minutes": "reserved",
    "reference": {"source": "made-up"},
    "why": "made up",
}
"""How long reports are relied on here."""

GIVE_WAY = ("pci-75", "pci-60", "ivt-270", "burn-360", "contact-90", "referral", "gestation", "nicu", "burn_centre",
            "evt", "ivt", "obstetrics", "icu", "pci")  # fmt: skip
"""What may be given up here, the first first. `seh`, `hap`, `minor_injury`, `patients` and `open` never are."""

_DIRECTORY = """
{"reference_date": "2026-11", "holidays": ["2026-12-25", "2026-12-26", "2027-01-01"], "facilities": [
 {"id": "near-hospital", "name": "Near Hospital", "kind": "hospital", "city": "Near", "lat": 52.03, "lon": 5.0,
  "capabilities": {"seh": true, "icu": true, "ivt": true, "obstetrics": true}, "opening": "always"},
 {"id": "heart-centre", "name": "Heart Centre", "kind": "hospital", "city": "North", "lat": 52.15, "lon": 5.0,
  "capabilities": {"seh": true, "icu": true, "pci": true, "ivt": true, "evt": true, "obstetrics": true, "nicu": true},
  "opening": "always"},
 {"id": "far-heart-centre", "name": "Far Heart Centre", "kind": "hospital", "city": "East", "lat": 52.0, "lon": 5.7,
  "capabilities": {"seh": true, "icu": true, "pci": true}, "opening": "always"},
 {"id": "unsure-hospital", "name": "Unsure Hospital", "kind": "hospital", "city": "South", "lat": 51.9, "lon": 5.0,
  "capabilities": {"seh": true, "icu": null, "pci": null, "ivt": null}, "opening": "always"},
 {"id": "day-hospital", "name": "Day Hospital", "kind": "hospital", "city": "Near", "lat": 52.01, "lon": 5.0,
  "capabilities": {"seh": true}, "opening": [{"days": ["mo", "tu", "we", "th", "fr"], "from": "08:00", "to": "18:00"}]},
 {"id": "childrens-hospital", "name": "Children's Hospital", "kind": "hospital", "city": "Near", "lat": 52.02,
  "lon": 5.0, "capabilities": {"seh": true}, "opening": "always", "patients": "children"},
 {"id": "post", "name": "GP Post", "kind": "huisartsenpost", "city": "Near", "lat": 52.04, "lon": 5.0,
  "opening": "out_of_hours"},
 {"id": "far-post", "name": "Far GP Post", "kind": "huisartsenpost", "city": "East", "lat": 52.0, "lon": 5.3,
  "opening": "out_of_hours"},
 {"id": "crisis-service", "name": "Crisis Service", "kind": "ggz_crisis", "city": "Near", "lat": 52.05, "lon": 5.0,
  "opening": "unknown", "referral_only": true},
 {"id": "burn-centre", "name": "Burn Centre", "kind": "hospital", "city": "Far", "lat": 53.2, "lon": 6.6,
  "capabilities": {"seh": true, "burn_centre": true}, "opening": "always"},
 {"id": "nursing-home", "name": "Nursing Home", "kind": "nursing_home", "city": "Near", "lat": 52.005, "lon": 5.0,
  "opening": "always"}
]}
"""


@cache
def vocabulary() -> Vocabulary:
    """The words of the small world."""
    return vocabulary_from_source(parse(_VOCABULARY, "vocabulary.yaml").value)


@cache
def table() -> CapabilityTable:
    """Its capabilities and kinds of places."""
    return capability_table(vocabulary())


@cache
def ruleset(give_way: tuple[str, ...] = GIVE_WAY) -> Ruleset:
    """Its rules; `give_way` is what may be given up, the first first."""
    return _ruleset("1.2.0", {"give_way": list(give_way), "stops": STOPS, "status": STATUS})


@cache
def ruleset_of_format_2() -> Ruleset:
    """Its rules as they were written before places reported their status."""
    give_way = [name for name in GIVE_WAY if name != "gestation"]
    return _ruleset("1.1.0", {"give_way": give_way, "stops": STOPS}, "format: 2")


def _ruleset(version: str, parts: Mapping[str, Any], form: str = "format: 3") -> Ruleset:
    texts = {
        "ruleset.yaml": _HEAD.replace("format: 3", form),
        "parameters.yaml": _PARAMETERS,
        "derived.yaml": _DERIVED,
        "scores/alarm.yaml": _SCORE,
        "urgency/all.yaml": _URGENCY,
        "destination/all.yaml": _DESTINATION,
    }
    for short, long in _SHORT.items():
        texts = {name: text.replace(short, long) for name, text in texts.items()}
    source = {name: parse(text, name).value for name, text in texts.items()}
    packaged = Path(str(importlib.resources.files("rulesets"))) / "acute-nl" / version / "selection.yaml"
    selection = read(packaged).value
    asked = {**selection["open_questions"], "asked_first": [], "not_asked": []}  # its facts are not known here
    source["selection.yaml"] = {**selection, **parts, "open_questions": asked}
    return ruleset_from_source(source, vocabulary())


@cache
def evaluators() -> Evaluators:
    """Both evaluators of its rules."""
    return build_evaluators(ruleset())


def fresh_evaluators() -> Evaluators:
    """Evaluators that a test may spoil."""
    return build_evaluators(ruleset())


@cache
def directory() -> Directory:
    """Its eleven places."""
    return read_directory(json.loads(_DIRECTORY), table(), revision=3)


def directory_of(*records: Mapping[str, Any]) -> Directory:
    """A directory of only these places (see `place`)."""
    document = {"reference_date": "2026-11", "holidays": sorted(map(str, HOLIDAYS)), "facilities": list(records)}
    return read_directory(document, table(), revision=3)


def place(id: str, *has: str, unknown: Iterable[str] = (), **more: Any) -> dict[str, Any]:  # noqa: A002
    """The record of a hospital that has `has`, of which `unknown` is not known, and that has nothing else."""
    capabilities = {**dict.fromkeys(has, True), **dict.fromkeys(unknown)}
    name = id.replace("-", " ").title()
    spot = {"lat": HERE[0], "lon": HERE[1], "kind": "hospital", "city": "Here", "opening": "always"}
    return {"id": id, "name": name, **spot, "capabilities": capabilities, **more}


def windows(start: str, end: str, *days: str) -> list[dict[str, Any]]:
    """Open from `start` to `end` on `days` (all of them if none is named)."""
    return [{"days": list(days or ("mo", "tu", "we", "th", "fr", "sa", "su", "holiday")), "from": start, "to": end}]


def body(**changes: Any) -> dict[str, Any]:
    """The body of a case: somebody of 40, at `HERE`; `observations` and the rest as given."""
    start: dict[str, Any] = {"patient": {"age_years": 40}, "location": {"lat": HERE[0], "lon": HERE[1]}}
    return {**start, **changes}


def case(now: datetime = AFTERNOON, **changes: Any) -> Case:
    """A checked case at `now`."""
    return parse_case(body(**changes), vocabulary(), now)


def decided(now: datetime = AFTERNOON, places: Directory | None = None, **changes: Any) -> Decision:
    """The decision about a case at `now` among `places` (the whole small directory)."""
    return decide(case(now, **changes), places or directory(), evaluators(), now)


def result_body(decision: Decision, words: Vocabulary) -> dict[str, Any]:
    """A decision as the outside sees it, without id and time; whose case it was does not show in that."""
    made = make_record(decision, case(), words, id="0", now=AFTERNOON, asker={}, supersedes=None)
    return result_of(made)


def answered(now: datetime = AFTERNOON, places: Directory | None = None, **changes: Any) -> dict[str, Any]:
    """The same as the outside sees it."""
    return result_body(decided(now, places, **changes), vocabulary())


def travel_of(minutes: int, low: int | None = None, high: int | None = None) -> Travel:
    """A travel time with the interval of the straight line unless it is given."""
    margin = max(4, -(-minutes // 4))
    return Travel(minutes, minutes - margin if low is None else low, minutes + margin if high is None else high, "told")


def told(minutes: Mapping[str, int | Travel], places: Directory) -> Minutes:
    """A travel provider that knows the minutes to every place by its id."""
    found = tuple(
        given if isinstance(given, Travel) else travel_of(given)
        for given in (minutes[facility.id] for facility in places.facilities)
    )

    def provide(_origin: Point, _places: Places, _at: datetime) -> tuple[Travel, ...]:
        return found

    return provide


Need = tuple[str, ...]
"""A capability, `required` or `preferred`, and then the norms within which it must be reached."""


def triaged(
    needs: Sequence[Need] = (),
    *,
    urgency: str = "U2",
    ambulance: str | None = None,
    suspected: Sequence[str] = (),
    bypass: Mapping[str, int] | None = None,
) -> Triage:
    """A triage that found these needs, as if rules had said so; `bypass`: capability -> its bypass limit in minutes."""
    rank = URGENCIES.index(urgency)
    codes = tuple(SuspectedCondition(code, "suspected", ()) for code in suspected)
    critical = (vocabulary().conditions[code].time_critical for code in suspected)
    return Triage(
        urgency=Urgency(rank, ruleset().deadlines[urgency], ()),
        conditions=codes,
        dispatch=Dispatch(ambulance, False, ()),
        needs=tuple(
            PatientNeed(
                name,
                "required" if strength == "required" else "preferred",
                tuple(ruleset().norms[norm] for norm in norms),
                (),
                (bypass or {}).get(name),
            )
            for name, strength, *norms in needs
        ),
        open_questions=(),
        questions_left=0,
        warnings=(),
        evaluation=Evaluation({}, (), (), frozenset(), frozenset()),
        time_critical=tuple(code for code in critical if code is not None),
    )


def matched(
    pairs: Sequence[tuple[int | Travel, Mapping[str, Any]]],
    *needs: Need,
    now: datetime = AFTERNOON,
    urgency: str = "U2",
    ambulance: str | None = None,
    suspected: Sequence[str] = (),
    give_way: tuple[str, ...] = GIVE_WAY,
    bypass: Mapping[str, int] | None = None,
    status: Mapping[str, tuple[Report, ...]] | None = None,
    reserved: Mapping[str, Mapping[str, tuple[datetime, ...]]] | None = None,
    rules: Ruleset | None = None,
    **changes: Any,
) -> Match:
    """The match for a patient with `needs` among places given as `(minutes, place(...))`; own transport unless said."""
    places = replace(directory_of(*(record for _, record in pairs)), status=status or {}, reserved=reserved or {})
    minutes = {str(record["id"]): found for found, record in pairs}
    patient = case(now, **{"transport": "own", **changes})
    travel = told(minutes, places)(HERE, places.places, now)
    triage = triaged(needs, urgency=urgency, ambulance=ambulance, suspected=suspected, bypass=bypass)
    return match(triage, patient, places, rules or ruleset(give_way), travel, now)


def ids(found: Iterable[Candidate | RuledOut]) -> list[str]:
    """The ids of places, in order; the kind where it is no place of the directory."""
    return [
        item.facility.id if item.facility is not None else item.kind if isinstance(item, Candidate) else "?"
        for item in found
    ]


def said(reasons: Iterable[Any]) -> list[str]:
    """The names of the texts and rules of `reasons`, without the ruleset: `lacks`, `closed`, `chest-pain`."""
    return [reason.rule.rsplit("/", 1)[-1] for reason in reasons]


def texts(reasons: Iterable[Any], language: str = "en") -> str:
    """All words of `reasons`, for tests that look for one."""
    return " ".join(str(getattr(reason.text, language)) for reason in reasons)
