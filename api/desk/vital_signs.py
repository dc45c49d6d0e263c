"""What is measured of a patient, in the order of ABCDE, with the short names by which the field knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from routing.vocabulary import Text


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of ABCDE: what it is about, and the short names of what is measured for it. A short name stands in
    the row; the name of the fact itself is read out, and shown to whoever stands on its field."""

    letter: str
    label: Text
    signs: Mapping[str, Text]


ABCDE = (
    Letter(
        "B",
        Text("ademhaling", "breathing"),
        {
            "respiratory_rate": Text("AF", "RR"),
            "spo2": Text("SpO₂", "SpO₂"),
            "on_oxygen": Text("O₂", "O₂"),
        },
    ),
    Letter(
        "C",
        Text("circulatie", "circulation"),
        {
            "heart_rate": Text("pols", "HR"),
            "systolic_bp": Text("RR sys", "BP sys"),
            "diastolic_bp": Text("RR dia", "BP dia"),
            "capillary_refill": Text("CRT", "CRT"),
        },
    ),
    Letter(
        "D",
        Text("bewustzijn", "disability"),
        {"avpu": Text("AVPU", "AVPU"), "gcs": Text("EMV", "GCS"), "glucose": Text("gluc.", "gluc.")},
    ),
    Letter(
        "E",
        Text("overig", "exposure"),
        {"temperature": Text("temp.", "temp."), "pain_score": Text("pijn", "pain")},
    ),
)
"""The row of the form. Of the airway (A) nothing is measured: what is found there is a finding."""

VITALS = tuple(name for letter in ABCDE for name in letter.signs)
"""The vital signs of the row, in its order."""

MEASURED = tuple(
    part for name in VITALS for part in ((name, "gcs_eye", "gcs_verbal", "gcs_motor") if name == "gcs" else (name,))
)
"""The same, with the parts of a coma score after their sum."""
