"""The number of states that TLC found at each depth, read from its trace files.

TLC writes a record for each distinct state, in the order in which they are found, into a file for
each thread that explores: where the record of the state's predecessor is (4 bytes), in which
thread's file (1 byte), and a fingerprint (8 bytes). Initial states point to 1, where no record begins.
A state's depth is that of its predecessor and one more.
"""

import array
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tlacheck.errors import EngineError

__all__ = ["RECORD", "levels_of"]

#: Position of the predecessor's record, number of its file, fingerprint.
RECORD = struct.Struct(">iB8x")
_INITIAL = 1
#: Beyond these, TLC writes longer records: for positions over 31 bits, and thread numbers over 7.
_BYTES_MAX = 2**31
_FILES_MAX = 127
#: Records read at a time.
_CHUNK = 65_536


def levels_of(files: Sequence[Path]) -> tuple[int, ...]:
    """Count the states first found at each depth, initial states first.

    Args:
        files: the trace files, thread by thread.

    Raises:
        EngineError: the files are larger than TLC's short records reach, or are no trace files.
    """
    if len(files) > _FILES_MAX or any(file.stat().st_size >= _BYTES_MAX for file in files):
        raise EngineError(
            f"states per level can be counted up to {_BYTES_MAX // RECORD.size:,} states and {_FILES_MAX} "
            "workers; this run had more"
        )
    readers = [_records(file) for file in files]
    pending = [next(reader, None) for reader in readers]
    depths = [array.array("i") for _ in files]
    counts: Counter[int] = Counter()
    # A predecessor was written before, maybe into another file: advance each file as far as possible.
    while any(record is not None for record in pending):
        is_stuck = True
        for number, reader in enumerate(readers):
            record = pending[number]
            own = depths[number]
            while record is not None:
                position, where = record
                if position == _INITIAL:
                    depth = 1
                else:
                    index, rest = divmod(position, RECORD.size)
                    if rest or where >= len(files):
                        raise EngineError(
                            "TLC's trace files are not as expected: states per level are unknown"
                        )
                    if index >= len(depths[where]):
                        break
                    depth = depths[where][index] + 1
                own.append(depth)
                counts[depth] += 1
                is_stuck = False
                record = next(reader, None)
            pending[number] = record
        if is_stuck:
            raise EngineError("TLC's trace files do not fit together: states per level are unknown")
    return tuple(counts[depth] for depth in range(1, len(counts) + 1))


def _records(file: Path) -> Iterator[tuple[int, int]]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK * RECORD.size):
            yield from RECORD.iter_unpack(chunk[: len(chunk) // RECORD.size * RECORD.size])
