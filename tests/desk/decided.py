"""Cases that were decided, for tests of the pages about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from routing import outcomes, service
from routing.rights import Asker
from routing.service import World

CASE: dict[str, Any] = {
    "reference": "ZCC-2026-000777",
    "channel": "ambulance",
    "patient": {"age_years": 67, "sex": "male"},
    "location": {"lat": 52.0907, "lon": 5.1214},
    "complaint": "chest_pain",
    "observations": {
        "heart_rate": 112,
        "systolic_bp": 88,
        "spo2": 94,
        "ecg_st_elevation": True,
        "anticoagulant": True,
        "history_diabetes": True,
        "syncope": False,
    },
    "transport": "ambulance",
    "region": "midden-nederland",
}
ADVISED = "umc-utrecht"

CRASH: dict[str, Any] = {
    "channel": "ambulance",
    "patient": {"age_years": 34, "sex": "female"},
    "location": {"postcode": "3511"},
    "observations": {
        "trauma": True, "high_speed_crash": True, "entrapped": True, "ejected": False, "pelvic_fracture": True,
        "thoracic_injury": True, "abdominal_injury": True, "head_injury": True, "loss_of_consciousness": True,
        "proximal_long_bone_fractures": 2, "respiratory_rate": 32, "spo2": 88, "on_oxygen": True, "heart_rate": 134,
        "systolic_bp": 82, "diastolic_bp": 50, "capillary_refill": 4, "temperature": 35.4, "glucose": 6.1,
        "gcs_eye": 3, "gcs_verbal": 4, "gcs_motor": 5, "pain_score": 8, "anticoagulant": False, "pregnant": False,
        "history_asthma": True, "history_epilepsy": True, "massive_bleeding": True, "skin_cool_clammy": True,
        "neck_pain_after_trauma": True, "open_fracture": True, "airway_obstructed": False, "stridor": False,
    },
}  # fmt: skip
"""As much as somebody fills in who has time for it."""


ANEURYSM: dict[str, Any] = {
    "channel": "zorgcoordinatie",
    "patient": {"age_years": 72, "sex": "male"},
    "location": {"postcode": "3511"},
    "complaint": "abdominal_pain",
    "observations": {"systolic_bp": 80, "abdominal_pain": True, "syncope": True, "pulsatile_abdominal_mass": True},
}
"""What is needed here is not known of any place."""


def asker_of(world: World, organisation: str | None = None) -> Asker:
    """A system of triagists with a key of its own, which decides."""
    text = service.create_key(world, "triage system", frozenset({"triagist"}), organisation=organisation)
    found = service.authenticate(world, text)
    assert found is not None
    return found


def decided(world: World, asker: Asker, case: dict[str, Any] | None = None, **more: Any) -> str:
    """The id of a new decision."""
    now = world.clock()
    times = {
        "called_at": (now - timedelta(minutes=14)).isoformat(),
        "assessed_at": (now - timedelta(minutes=6)).isoformat(),
    }
    return str(service.decide(world, {**times, **(CASE if case is None else case), **more}, asker)["id"])


def recorded(world: World, decision_id: str, asker: Asker) -> list[dict[str, Any]]:
    """What was recorded of it, the newest first."""
    found: list[dict[str, Any]] = outcomes.outcomes_of(world, decision_id, asker)["outcomes"]
    return found
