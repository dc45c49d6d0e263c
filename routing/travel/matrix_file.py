"""The file of a matrix of travel times: cells of the map by places, read without copying it and never half written.

    16 bytes   WEGWIJS-MATRIX-1
     4 bytes   length of the header, unsigned, little endian like all numbers
               header: JSON, see `Header`
    32 bytes   SHA-256 of everything before
               zeros up to a multiple of 8
     n x 8     ids of the n cells (H3), ascending
     n x p x 2 for each cell, of each of the p places the number of its time in `times` of the header

So an entry costs two bytes and still holds the estimate, both ends of its interval and its method: drives differ by
whole minutes, and there are some thousands of different ones. Number 0 is no time.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import sys
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError

from routing.errors import WegwijsError

MAGIC = b"WEGWIJS-MATRIX-1"
TIMES_MOST = 65_535
"""The numbers of times are two bytes long, and 0 is none."""

_HEAD = struct.Struct("<16sI")
_DIGEST = 32
_HEADER_MOST = 16_777_216

Count = Annotated[StrictInt, Field(ge=0)]


class BadMatrix(WegwijsError):
    """A file that is no matrix of ours, or is damaged; says what is wrong with it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DirectoryName(_Strict):
    """The directory for which a matrix was made."""

    revision: Count
    digest: StrictStr


class Header(_Strict):
    """What a matrix is: whose times, for which cells and places, and the times themselves (minutes, low, high, number
    of the method); `body` is the SHA-256 of what follows the header."""

    provider: StrictStr
    resolution: Annotated[StrictInt, Field(ge=0, le=15)]
    directory: DirectoryName
    places: list[tuple[StrictStr, StrictFloat, StrictFloat]]
    methods: list[StrictStr]
    times: Annotated[list[tuple[Count, Count, Count, Count]], Field(max_length=TIMES_MOST)]
    cells: Count
    body: StrictStr


class Matrix:
    """An open matrix; the file stays where it is, and only what is looked at is read. `row` of a cell has the numbers
    of the times to all places, in the order of the header."""

    def __init__(self, header: Header, mapped: mmap.mmap, begins: int) -> None:
        self.header, self.mapped = header, mapped
        middle = begins + 8 * header.cells
        self.cells = memoryview(mapped)[begins:middle].cast("Q")
        self.entries = memoryview(mapped)[middle:].cast("H")
        self.width = len(header.places)

    def row(self, cell: int) -> list[int] | None:
        """The row of a cell; None if it is not in the matrix."""
        found = bisect_left(self.cells, cell)
        if found == len(self.cells) or self.cells[found] != cell:
            return None
        return self.entries[found * self.width : (found + 1) * self.width].tolist()

    def close(self) -> None:
        """Let the file go."""
        self.cells.release()
        self.entries.release()
        self.mapped.close()


def open_matrix(path: Path) -> Matrix:
    """The matrix in the file `path`, after a look at every byte. Raises BadMatrix."""
    if sys.byteorder != "little":
        raise BadMatrix("matrices are read on machines with little-endian numbers only")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEAD.size + _DIGEST:
                raise BadMatrix(f"{path} holds {size} bytes, which is no matrix")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise BadMatrix(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _checked(path, mapped)
    except BadMatrix:
        mapped.close()
        raise


def _checked(path: Path, mapped: mmap.mmap) -> Matrix:
    header, begins = _header(path, mapped)
    size, expected = len(mapped), begins + 8 * header.cells + 2 * header.cells * len(header.places)
    if size != expected:
        raise BadMatrix(f"{path} holds {size:,} bytes and should hold {expected:,}: it was cut off, or added to")
    with memoryview(mapped) as view, view[begins:] as body:
        if hashlib.sha256(body).hexdigest() != header.body:
            raise BadMatrix(f"{path} is damaged: its times are not those that were written")
    return Matrix(header, mapped, begins)


def _header(path: Path, mapped: mmap.mmap) -> tuple[Header, int]:
    magic, length = _HEAD.unpack_from(mapped)
    end = _HEAD.size + length
    if magic != MAGIC:
        raise BadMatrix(f"{path} is not a matrix of this version (it does not begin with {MAGIC.decode()})")
    if length > _HEADER_MOST or end + _DIGEST > len(mapped):
        raise BadMatrix(f"{path} is damaged: its header is said to be {length:,} bytes long")
    if hashlib.sha256(mapped[:end]).digest() != mapped[end : end + _DIGEST]:
        raise BadMatrix(f"{path} is damaged: its header is not the one that was written")
    try:
        header = Header.model_validate_json(mapped[_HEAD.size : end])
    except ValidationError as error:
        raise BadMatrix(f"{path} has a header in another form than ours") from error
    if any(time[3] >= len(header.methods) for time in header.times):
        raise BadMatrix(f"{path} has times by methods that it does not name")
    return header, _padded(end + _DIGEST)


def _padded(length: int) -> int:
    return -(-length // 8) * 8


def write_matrix(path: Path, header: Header, cells: Sequence[int], entries: array[int]) -> None:
    """Write a matrix in the place of the file `path`, if there is one: whoever has it open keeps the old one, and it is
    there whole or not at all. `header.body` is worked out here. Raises OSError."""
    assert sys.byteorder == "little"
    assert len(entries) == header.cells * len(header.places) == len(cells) * len(header.places)
    ids = array("Q", cells)
    digest = hashlib.sha256(ids)
    digest.update(entries)
    written = header.model_copy(update={"body": digest.hexdigest()}).model_dump_json().encode()
    start = _HEAD.pack(MAGIC, len(written)) + written
    start += hashlib.sha256(start).digest()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(start.ljust(_padded(len(start)), b"\0"))
            ids.tofile(file)
            entries.tofile(file)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
