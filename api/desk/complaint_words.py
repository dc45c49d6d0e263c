"""Words by which triagists look for a complaint, beside its label and synonyms: what callers and colleagues say.

They only lead to a choice in a list, and decide nothing. A word may lead to several complaints.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.desk.words import language

_NL: Mapping[str, tuple[str, ...]] = {
    "abdominal_pain": ("blindedarmontsteking", "aneurysma", "galkoliek"),
    "allergic_reaction": ("allergie", "anafylactische shock"),
    "back_pain": ("aneurysma",),
    "cardiac_arrest_adult": ("bewusteloos en ademt niet", "geen hartslag", "niet aanspreekbaar"),
    "chest_pain": ("pob", "stemi", "angina pectoris", "hartklachten", "aortadissectie"),
    "childbirth": ("zwanger met weeën", "gebroken vliezen"),
    "confusion": ("delirium", "onrustig"),
    "diabetes_problem": ("hypoglykemie", "hyperglykemie", "ketoacidose"),
    "dyspnea": ("benauwdheid", "dyspneu", "kortademigheid", "longembolie", "longontsteking"),
    "fall_elderly": ("valpartij",),
    "fever": ("sepsis", "bloedvergiftiging"),
    "fever_child": ("hersenvliesontsteking",),
    "headache": ("hersenvliesontsteking", "hersenbloeding"),
    "hematemesis": ("maagbloeding",),
    "leg_problem": ("trombose",),
    "multitrauma": ("aanrijding", "ongeluk", "ongeval", "auto-ongeluk", "beknelling", "botsing"),
    "neurological_deficit": ("cva", "stroke", "herseninfarct", "hersenbloeding", "halfzijdige uitval", "uitval"),
    "poisoning": ("rookvergiftiging", "te veel gedronken"),
    "pregnancy_problem": ("zwanger", "miskraam"),
    "psychiatric_crisis": ("suïcide", "suïcidepoging", "zelfmoord", "zelfdoding", "agressie"),
    "rectal_problem": ("melena",),
    "seizure": ("epilepsie", "stuip", "trekkingen"),
    "self_harm": ("zelfmoordpoging", "suïcidepoging"),
    "syncope": ("bewusteloos", "collaps", "buiten bewustzijn", "niet aanspreekbaar", "flauwte"),
    "trauma_chest": ("steekwond borst",),
    "trauma_extremity": ("breuk", "botbreuk", "fractuur", "gebroken pols", "verzwikt"),
    "trauma_head": ("hoofdletsel", "hoofdwond"),
    "vaginal_bleeding": ("miskraam",),
}

_EN: Mapping[str, tuple[str, ...]] = {
    "allergic_reaction": ("allergy",),
    "cardiac_arrest_adult": ("unconscious and not breathing", "no pulse"),
    "chest_pain": ("stemi", "angina"),
    "diabetes_problem": ("hypoglycaemia", "hyperglycaemia"),
    "dyspnea": ("short of breath", "pulmonary embolism"),
    "fever": ("sepsis",),
    "multitrauma": ("accident", "crash", "collision"),
    "neurological_deficit": ("cva",),
    "pregnancy_problem": ("pregnant", "miscarriage"),
    "psychiatric_crisis": ("suicide",),
    "seizure": ("epilepsy", "fit"),
    "syncope": ("unconscious", "collapse"),
    "trauma_extremity": ("fracture", "broken bone", "sprain"),
}


def complaint_words() -> Mapping[str, tuple[str, ...]]:
    """Complaint -> further words for it, in the language of who reads."""
    return _NL if language() == "nl" else _EN


def complaint_meant(said: str) -> str | None:
    """The complaint that goes by this word alone, in either language; None if there is none or more than one."""
    wanted = said.strip().casefold()
    found = {key for words in (_NL, _EN) for key, each in words.items() if wanted in map(str.casefold, each)}
    return next(iter(found)) if len(found) == 1 else None
