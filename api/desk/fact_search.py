"""Which fact somebody means who typed its name, or a part of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from api.desk.place_search import plain
from routing.vocabulary import Fact, Text, Vocabulary

NAMED_MOST = 5
"""So many names that fit are said; how many more there are is said too."""

PART_LEAST = 3
"""A part of a name has at least so many letters."""

_NEGATIONS = frozenset({"geen", "niet", "zonder", "no", "not", "without"})


def fact_named(said: str, words: Vocabulary) -> str | None:
    """The observation with this label, question or id, or the only one of which `said` is a part of the name; None if
    there is none. A part that leaves out the `niet` of a name is not taken for it: it may well mean the opposite."""
    wanted = said.strip().casefold()
    for key, fact in words.facts.items():
        texts = (fact.label.nl, fact.label.en, fact.question.nl, fact.question.en)
        if fact.given == "observations" and wanted in (key, *map(str.casefold, texts), *fact.aliases):
            return key
    found = facts_meant(said, words)
    return found[0] if len(found) == 1 and _surely(said, words.facts[found[0]]) else None


def facts_meant(said: str, words: Vocabulary) -> list[str]:
    """The observations with all words of `said` in their name in one of the languages."""
    typed = _split(said)
    if sum(map(len, typed)) < PART_LEAST:
        return []
    return [
        key
        for key, fact in words.facts.items()
        if fact.given == "observations" and any(all(word in name for word in typed) for name in _names(fact))
    ]


def _surely(said: str, fact: Fact) -> bool:
    """Whether each word of `said` begins a word of the name, and no denial of that name was left out."""
    typed = _split(said)
    return any(
        all(re.search(rf"\b{re.escape(word)}", name) for word in typed)
        and not (_NEGATIONS & set(re.findall(r"\w+", name))) - set(typed)
        for name in _names(fact)
    )


def _names(fact: Fact) -> tuple[str, str]:
    return plain(fact.label.nl), plain(fact.label.en)


def _split(said: str) -> list[str]:
    return plain(said).replace(",", " ").split()


def which(names: Sequence[Text]) -> Text:
    """Asks which of these is meant; names the first of them."""
    left = len(names) - NAMED_MOST
    nl, en = ("; ".join(name.wire()[language] for name in names[:NAMED_MOST]) for language in ("nl", "en"))
    more = (f" (en nog {left})", f" (and {left} more)") if left > 0 else ("", "")
    return Text(f"Wat bedoelt u: {nl}{more[0]}?", f"Which do you mean: {en}{more[1]}?")
