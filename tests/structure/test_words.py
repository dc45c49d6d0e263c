"""Names that clients rely on are never lost: all of them stand in the vocabulary under exactly these ids."""

from __future__ import annotations

import pytest

from routing.formats.fhir_places import UNITS as FHIR_UNITS
from routing.formats.have1 import BED_TYPES, DOORS, REASONS
from routing.formats.have2 import UNITS as HAVE2_UNITS
from routing.vocabulary import AMBULANCES, URGENCIES, Vocabulary, read_vocabulary

FACTS = {
    "boolean": """
        cardiac_arrest rosc unresponsive airway_obstructed stridor cyanosis speaks_short_phrases massive_bleeding
        skin_cool_clammy new_confusion altered_mental_status loss_of_consciousness syncope anticoagulant
        immunocompromised frail pregnant on_oxygen
        chest_pain chest_pain_radiating diaphoresis palpitations dyspnea ecg_st_elevation ecg_stemi_equivalent
        facial_droop arm_weakness leg_weakness speech_disturbance gaze_deviation vision_loss headache
        thunderclap_headache neck_stiffness seizure seizure_ongoing symptoms_resolved
        trauma flail_chest pelvic_fracture amputation_proximal crushed_extremity open_or_depressed_skull_fracture
        spinal_deficit tourniquet_needed ejected entrapped head_injury inhalation_injury hip_deformity
        unable_to_weightbear laceration
        abdominal_pain back_pain flank_pain pulsatile_abdominal_mass known_aortic_aneurysm vomiting hematemesis melena
        vaginal_bleeding contractions cord_prolapse reduced_fetal_movement
        fever non_blanching_rash allergic_reaction lip_swelling overdose carbon_monoxide_exposure testicular_pain
        limb_cold sore_throat dysuria cough earache rash suicidal suicide_plan psychosis danger_to_others
    """,
    "number": """
        age_years age_months heart_rate respiratory_rate systolic_bp diastolic_bp spo2 temperature gcs gcs_eye
        gcs_verbal gcs_motor glucose pain_score capillary_refill pregnancy_weeks chest_pain_minutes race_face race_arm
        race_leg race_gaze race_aphasia_agnosia proximal_long_bone_fractures fall_height_m burn_tbsa_percent
    """,
    "time": "onset_at last_known_well_at",
    "choice": "avpu treatment_limits penetrating_injury sex complaint channel transport",
}

ALIASES = {
    "hr": "heart_rate",
    "rr": "respiratory_rate",
    "sbp": "systolic_bp",
    "dbp": "diastolic_bp",
    "temp_c": "temperature",
    "pain": "pain_score",
}

CHOICES = {
    "avpu": "A C V P U",
    "treatment_limits": "none no_icu comfort_only",
    "penetrating_injury": "head neck torso proximal_extremity distal_extremity",
    "sex": "male female other",
    "channel": "meldkamer ambulance huisartsenpost huisarts seh zorgcoordinatie self",
}

RANGES = {
    "race_face": (0, 2),
    "race_arm": (0, 2),
    "race_leg": (0, 2),
    "race_gaze": (0, 1),
    "race_aphasia_agnosia": (0, 2),
    "pain_score": (0, 10),
    "gcs": (3, 15),
}

CAPABILITIES = """
    seh hap huisarts minor_injury ct icu cardiac_care pci cardiac_surgery ivt evt neurosurgery trauma_1 trauma_1_child
    trauma_2 trauma_3 vascular_surgery obstetrics nicu picu pediatrics burn_centre hyperbaric ggz_crisis home_nursing
    elv grz wlz_crisis pharmacy dentist
"""

CONDITIONS = """
    cardiac_arrest stemi acs cva tia sah multitrauma raaa obstetric aortic_dissection sepsis meningitis anaphylaxis
    status_epilepticus burns co_poisoning testicular_torsion limb_ischemia hip_fracture gi_bleeding psychiatric_crisis
"""

TIME_CRITICAL = {"STEMI", "CVA", "MULTITRAUMA", "RAAA", "OBSTETRIC"}

STOP_UNITS = "seh ehh shockroom ct_thrombolysis or icu obstetrics"


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return read_vocabulary()


@pytest.mark.parametrize("kind", FACTS)
def test_every_fact_of_the_contract_is_there_with_its_type(kind: str, words: Vocabulary) -> None:
    wanted = FACTS[kind].split()
    assert [name for name in wanted if name not in words.facts] == []
    assert {name: words.facts[name].type for name in wanted} == dict.fromkeys(wanted, kind)


def test_the_short_names_of_the_vitals_are_understood(words: Vocabulary) -> None:
    assert {alias: words.fact_names.get(alias) for alias in ALIASES} == ALIASES


def test_choices_and_ranges_are_those_of_the_contract(words: Vocabulary) -> None:
    assert {name: set(words.choices(name)) for name in CHOICES} == {name: set(v.split()) for name, v in CHOICES.items()}
    assert {name: words.facts[name].range for name in RANGES} == RANGES


def test_every_capability_condition_and_stop_unit_is_there(words: Vocabulary) -> None:
    assert set(CAPABILITIES.split()) - set(words.capabilities) == set()
    assert set(CONDITIONS.split()) - set(words.conditions) == set()
    assert set(STOP_UNITS.split()) - set(words.stop_kinds) == set()


def test_every_word_that_feeds_are_turned_into_is_there(words: Vocabulary) -> None:
    assert {bed: unit for unit, bed in BED_TYPES.values()} == {
        bed: words.bed_kinds[bed].unit for _, bed in BED_TYPES.values()
    }
    assert set(REASONS) <= set(words.status_reasons)
    assert {*DOORS, *FHIR_UNITS.values(), *HAVE2_UNITS.values()} <= set(words.stop_kinds)


def test_the_five_time_critical_conditions_have_a_code(words: Vocabulary) -> None:
    assert {entry.time_critical for entry in words.conditions.values()} - {None} == TIME_CRITICAL


def test_the_levels_of_urgency_and_dispatch_are_there(words: Vocabulary) -> None:
    assert (tuple(words.urgencies), tuple(words.dispatches)) == (URGENCIES, AMBULANCES)
