"""How busy an emergency department is, in words: the bands of the NEDOCS score."""

from __future__ import annotations

from routing.vocabulary import Text

BANDS = (
    (20, Text(nl="rustig", en="not busy")),
    (60, Text(nl="druk", en="busy")),
    (100, Text(nl="zeer druk", en="extremely busy")),
    (140, Text(nl="overbelast", en="overcrowded")),
    (180, Text(nl="ernstig overbelast", en="severely overcrowded")),
)
"""The highest score of each band, and its words."""

WORST = Text(nl="gevaarlijk overbelast", en="dangerously overcrowded")


def crowding_band(score: int) -> Text:
    """The words for a NEDOCS `score`.

    >>> crowding_band(61).en
    'extremely busy'
    """
    return next((words for highest, words in BANDS if score <= highest), WORST)
