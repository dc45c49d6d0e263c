"""All outside formats of live status and profiles by name, and the values that they are turned into."""

from __future__ import annotations

from collections.abc import Mapping

from routing.formats.fhir_r4 import read_fhir
from routing.formats.have1 import read_have1
from routing.formats.have2 import read_have2
from routing.formats.lpz import read_lpz
from routing.formats.ndjson import read_ndjson
from routing.formats.record import (
    NO_PLACE,
    FeedOptions,
    FeedRecord,
    Format,
    Ignored,
    PlaceName,
)
from routing.formats.separated import read_csv

__all__ = ["FORMATS", "NO_PLACE", "FeedOptions", "FeedRecord", "Format", "Ignored", "PlaceName"]

FORMATS: Mapping[str, Format] = {
    "ndjson": Format(
        read_ndjson, ("application/x-ndjson", "application/jsonl"), "status and profiles, an object a line"
    ),
    "csv": Format(read_csv, ("text/csv",), "status, a report a line"),
    "have-1.0": Format(read_have1, ("application/xml", "text/xml"), "EDXL-HAVE 1.0"),
    "have-2.0": Format(read_have2, ("application/xml", "text/xml"), "EDXL-HAVE 2.0: colours of hospitals and services"),
    "fhir-r4": Format(
        read_fhir, ("application/fhir+json", "application/json"), "FHIR R4: organisations, locations, services"
    ),
    "lpz": Format(read_lpz, ("application/json",), "organisations with a list of what is available", needs_map=True),
}
