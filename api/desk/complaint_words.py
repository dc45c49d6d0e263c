"""Words by which triagists look for a complaint, beside its label and synonyms: what callers and colleagues say.

They only lead to a choice in a list, and decide nothing. A word may lead to several complaints.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.desk.words import language

_NL: Mapping[str, tuple[str, ...]] = {
    "abdominal_pain": ("blindedarmontsteking", "aneurysma", "aaa", "galkoliek", "liesbreuk", "menstruatiepijn"),
    "allergic_reaction": ("allergie", "anafylactische shock"),
    "arm_problem": ("schouder", "hand", "pols", "vinger", "elleboog"),
    "back_pain": ("aneurysma", "aaa"),
    "cardiac_arrest_adult": ("bewusteloos en ademt niet", "geen hartslag", "niet aanspreekbaar", "stikt", "verslikt"),
    "chest_pain": ("pob", "stemi", "angina pectoris", "hartklachten", "aortadissectie"),
    "childbirth": ("zwanger met weeën", "gebroken vliezen"),
    "confusion": ("delirium", "onrustig"),
    "diabetes_problem": ("hypoglykemie", "hyperglykemie", "ketoacidose"),
    "dyspnea": ("benauwdheid", "dyspneu", "kortademigheid", "longembolie", "longontsteking", "stikken", "verslikken"),
    "fall_elderly": ("valpartij",),
    "fever": ("sepsis", "bloedvergiftiging", "grieperig"),
    "fever_child": ("hersenvliesontsteking",),
    "foreign_body": ("verslikt in iets", "ingeslikt"),
    "genital_problem": ("zaadbal", "testis", "balpijn", "torsio", "lies"),
    "headache": ("hersenvliesontsteking", "hersenbloeding"),
    "hematemesis": ("maagbloeding",),
    "leg_problem": ("trombose", "knie", "voet", "teen", "enkel", "kuit", "jicht", "lies"),
    "medication_question": ("pil", "de pil vergeten"),
    "multitrauma": ("aanrijding", "ongeluk", "ongeval", "auto-ongeluk", "beknelling", "botsing"),
    "neurological_deficit": ("cva", "stroke", "herseninfarct", "hersenbloeding", "halfzijdige uitval", "uitval"),
    "poisoning": ("rookvergiftiging", "te veel gedronken", "pillen"),
    "pregnancy_problem": ("zwanger", "miskraam", "bloedverlies zwanger"),
    "psychiatric_crisis": ("suïcide", "suïcidepoging", "zelfmoord", "zelfdoding", "agressie"),
    "rectal_problem": ("melena", "bloedverlies rectaal"),
    "seizure": ("epilepsie", "stuip", "trekkingen"),
    "self_harm": ("zelfmoordpoging", "suïcidepoging"),
    "syncope": ("bewusteloos", "collaps", "buiten bewustzijn", "niet aanspreekbaar", "flauwte"),
    "trauma_chest": ("steekwond borst",),
    "trauma_extremity": (
        "breuk", "botbreuk", "fractuur", "gebroken pols", "verzwikt", "enkel", "voet", "hand", "vinger", "pols", "knie",
        "schouder uit de kom",
    ),
    "trauma_head": ("hoofdletsel", "hoofdwond"),
    "vaginal_bleeding": ("miskraam", "bloedverlies vaginaal", "menstruatie", "ongesteld"),
}  # fmt: skip

_EN: Mapping[str, tuple[str, ...]] = {
    "abdominal_pain": ("aneurysm", "aaa"),
    "allergic_reaction": ("allergy",),
    "arm_problem": ("shoulder", "hand", "wrist", "finger"),
    "back_pain": ("aneurysm", "aaa"),
    "cardiac_arrest_adult": ("unconscious and not breathing", "no pulse", "choking"),
    "chest_pain": ("stemi", "angina"),
    "diabetes_problem": ("hypoglycaemia", "hyperglycaemia"),
    "dyspnea": ("short of breath", "pulmonary embolism", "choking"),
    "fever": ("sepsis",),
    "genital_problem": ("testicle", "groin"),
    "leg_problem": ("knee", "foot", "toe", "ankle", "groin"),
    "multitrauma": ("accident", "crash", "collision"),
    "neurological_deficit": ("cva",),
    "pregnancy_problem": ("pregnant", "miscarriage"),
    "psychiatric_crisis": ("suicide",),
    "seizure": ("epilepsy", "fit"),
    "syncope": ("unconscious", "collapse"),
    "trauma_extremity": ("fracture", "broken bone", "sprain", "ankle", "foot", "hand", "finger", "wrist", "knee"),
    "vaginal_bleeding": ("period",),
}

_OF_A_CHILD: Mapping[str, str] = {
    "abdominal_pain_child": "abdominal_pain",
    "cardiac_arrest_child": "cardiac_arrest_adult",
    "fever_child": "fever",
    "malaise_child": "malaise_adult",
}
"""A complaint of children -> the same of adults."""

ADULT_YEARS, CHILD_YEARS = 18, 12
"""From the first on somebody is no child, and below the second no adult; between them either complaint will do."""


def complaint_for_age(complaint: str, years: int) -> str | None:
    """The complaint that is meant for somebody of this age where `complaint` is meant for another; None if it fits."""
    if years >= ADULT_YEARS:
        return _OF_A_CHILD.get(complaint)
    return {adult: child for child, adult in _OF_A_CHILD.items()}.get(complaint) if years < CHILD_YEARS else None


def complaint_words() -> Mapping[str, tuple[str, ...]]:
    """Complaint -> further words for it, in the language of who reads."""
    return _NL if language() == "nl" else _EN


def complaint_meant(said: str) -> str | None:
    """The complaint that goes by this word alone, in either language; None if there is none or more than one."""
    wanted = said.strip().casefold()
    found = {key for words in (_NL, _EN) for key, each in words.items() if wanted in map(str.casefold, each)}
    return next(iter(found)) if len(found) == 1 else None
