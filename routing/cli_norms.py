"""The command about norm variants: which scenarios there are, and what one says. They never decide anything."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from routing.errors import bad_input
from routing.norms import NormVariant, VariantNorm, read_norm_variants
from routing.terminal import FINE, add_command, add_json_option, show
from routing.vocabulary import Text

WIDTH = 88
NEVER_DECIDES = Text(
    "Scenario's om te vergelijken: ze nemen nooit deel aan een beslissing. De normen die tellen staan in de regels.",
    "Scenarios to compare: they never take part in a decision. The norms that count stand in the rules.",
)
_STATES: Mapping[str, Text] = {
    "read": Text("gelezen", "read"),
    "partly": Text("deels gelezen", "partly read"),
    "not": Text("niet gelezen", "not read"),
}
_LEGAL: Mapping[str, Text] = {
    "in_force": Text("van kracht", "in force"),
    "agreed": Text("afgesproken", "agreed"),
    "example": Text("voorbeeld", "example"),
    "proposal": Text("voorstel", "proposal"),
    "mitigation": Text("verzachtende maatregel", "mitigation"),
    "finding": Text("bevinding", "finding"),
    "none": Text("nog te ontwikkelen", "still to be developed"),
}
_CLOCKS: Mapping[tuple[str | None, str | None], Text] = {
    ("called_at", "arrival"): Text("van melding tot aankomst", "from the call to arrival"),
    ("called_at", "ambulance_arrival"): Text(
        "van melding tot de ambulance er is", "from the call until the ambulance is there"
    ),
}


def add_norms_command(commands: Any) -> None:
    """`wegwijs norms`."""
    text = "List the norm variants, or show one. They are scenarios and never take part in a decision."
    made = add_command(commands, "norms", _norms, text, "wegwijs norms variant-0 --language en")
    made.add_argument("variant", nargs="?", metavar="VARIANT", help="the variant to show, for example variant-1")
    made.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the text (default: nl)")
    add_json_option(made)


def _norms(arguments: argparse.Namespace) -> int:
    found = {variant.variant: variant for variant in read_norm_variants()}
    name = arguments.variant
    if name is not None and name not in found:
        raise bad_input(name, "unknown_variant", "is not a norm variant", allowed=", ".join(found))
    chosen = list(found.values()) if name is None else [found[name]]
    if arguments.json:
        entries = [_summary(variant) if name is None else _whole(variant) for variant in chosen]
        show({"note": NEVER_DECIDES.wire(), "takes_part_in_decisions": False, "variants": entries})
        return FINE
    language = arguments.language
    lines = [line for variant in chosen for line in _lines(variant, language, whole=name is not None)]
    lines += ["", *_wrapped(getattr(NEVER_DECIDES, language), "")]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return FINE


def _summary(variant: NormVariant) -> dict[str, Any]:
    about = {"title": variant.title.wire(), "status": variant.status.wire()}
    return {"variant": variant.variant, **about, "norms": len(variant.norms)}


def _whole(variant: NormVariant) -> dict[str, Any]:
    references = {key: source.model_dump() for key, source in variant.references.items()}
    return {**_summary(variant), "references": references, "norms": [_norm(norm) for norm in variant.norms]}


def _norm(norm: VariantNorm) -> dict[str, Any]:
    whole = norm.value is not None and norm.value == int(norm.value)
    return {**norm.model_dump(), "text": norm.text.wire(), "value": int(norm.value or 0) if whole else norm.value}


def _lines(variant: NormVariant, language: str, *, whole: bool) -> Iterator[str]:
    yield from _wrapped(f"{variant.variant}  {getattr(variant.title, language)}", "")
    yield from _wrapped(getattr(variant.status, language), "  ")
    for norm in variant.norms if whole else ():
        yield ""
        yield f"  {norm.id}"
        yield from _wrapped(getattr(norm.text, language), "    ")
        yield from _wrapped("; ".join(_facts(norm, language)), "    ")
        source = variant.references[norm.reference.source]
        section = f", {norm.reference.section}" if norm.reference.section else ""
        yield from _wrapped(f"{source.title}{section} ({getattr(_STATES[source.read], language)})", "    ")


def _facts(norm: VariantNorm, language: str) -> Iterator[str]:
    if norm.value is not None:
        value = f"{norm.value:g}"
        yield f"{norm.comparator} {value.replace('.', ',') if language == 'nl' else value} {norm.unit}"
    if (clock := _CLOCKS.get((norm.clock_start, norm.clock_end))) is not None:
        yield str(getattr(clock, language))
    yield str(getattr(_LEGAL[norm.legal_status], language))


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
