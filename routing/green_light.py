"""What keeps a version from being published, as far as its files say it: what is not written down, proved, or in time.

Whether its worked cases come out takes a minute or more, so that is for a command: `wegwijs rules publish` runs them,
and where the desk publishes what `wegwijs rules test --write` kept of them counts (`routing/tested.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from routing.authoring import CHANGES
from routing.errors import BadData
from routing.proving import kept
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Text


def not_green(folder: Path, rules: Ruleset, on: date) -> Iterator[Text]:
    """What keeps `rules`, which were read from `folder`, from being published `on` that day; nothing if all is well."""
    changes = folder / CHANGES
    if not changes.is_file() or "Nothing yet." in changes.read_text("utf-8", "replace"):
        yield Text(nl=f"{CHANGES}: zegt niet wat er veranderde", en=f"{CHANGES}: does not say what changed")
    try:
        yield from _not_proved(folder, rules)
    except BadData as error:
        for finding in error.findings:
            yield Text(nl=f"is niet te lezen: {finding}", en=str(finding))
    except (AttributeError, KeyError, TypeError):  # JSON, and not as it was written
        yield Text(
            nl=f"{kept.PROOF}: is geen bewijs zoals `wegwijs rules prove --write` het maakt",
            en=f"{kept.PROOF}: is no proof as `wegwijs rules prove --write` makes it",
        )
    if rules.effective_from.date() < on:
        begins = rules.effective_from.isoformat()
        yield Text(
            nl=f"ruleset.yaml: zij zou tellen vanaf {begins}, een dag voor die waarop zij wordt gepubliceerd",
            en=f"ruleset.yaml: it would count from {begins}, before the day on which it is published",
        )


def _not_proved(folder: Path, rules: Ruleset) -> Iterator[Text]:
    """What is missing of the proof beside the rules, where there are properties: of the version or of one before it."""
    properties = kept.properties_for(folder, rules)
    if properties is None:
        return
    proof = kept.proof_beside(folder)
    if proof is None:
        yield Text(
            nl=f"{kept.PROOF}: is er niet; `wegwijs rules prove --write` maakt het",
            en=f"{kept.PROOF}: is not there; `wegwijs rules prove --write` makes it",
        )
    elif (why := kept.stale(proof, rules, properties)) is not None:
        yield Text(
            nl=f"{kept.PROOF}: is van geen nut, want {why.nl}; `wegwijs rules prove --write` maakt het opnieuw",
            en=f"{kept.PROOF}: is of no use, because {why.en}; `wegwijs rules prove --write` makes it again",
        )
    else:
        for one in proof["properties"]:
            if one["verdict"] != "proved":
                yield Text(
                    nl=f"{kept.PROOF}: de eigenschap `{one['id']}` is niet bewezen",
                    en=f"{kept.PROOF}: the property `{one['id']}` is not proved",
                )
