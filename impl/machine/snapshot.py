"""A state of the machine as bytes, and back: the same state, the same bytes.

| bytes | what                                                                                        |
|-------|---------------------------------------------------------------------------------------------|
| 8     | `MAGIC`                                                                                     |
| 4     | the version of the format, `VERSION`                                                        |
| 8     | the length of the body                                                                      |
| ...   | the body: limits, applied, the maps of the content, sessions                                |
| 8     | the checksum of all before: as one number, its remainder by the greatest prime below 2**64  |

Numbers are big-endian. A text is its length in 4 bytes and its UTF-8. A map is its size in 8 bytes and its
items in the order of their keys. Each value has one form, so that what `restore` accepts is what `snapshot`
gives of it. The remainder finds any damage before it that lies within 63 bits, and other damage but for
one case in 2**64. It is no signature: who can write snapshots can forge one.
"""

from typing import Final

from impl.machine.answers import Applied, Reason, Refused
from impl.machine.encoding import DamagedSnapshot, Reader, Writer
from impl.machine.operations import CaseState
from impl.machine.state import Case, Content, Limits, Overlay, Policy, Record, Session, State

__all__ = ["MAGIC", "VERSION", "DamagedSnapshot", "restore", "snapshot"]

#: How each snapshot begins.
MAGIC: Final = b"KNHK-SMR"
#: The version of the format; any change of it, or of the numbers of states and reasons, is a new one.
VERSION: Final = 1

_HEAD: Final = len(MAGIC) + 4 + 8
_PRIME: Final = (1 << 64) - 59


def snapshot(state: State) -> bytes:
    """The state as bytes. Two equal states give the same bytes, in every process."""
    writer = Writer()
    writer.number(state.limits.sessions_max)
    writer.number(state.limits.text_bytes_max)
    writer.number(state.applied)
    content = state.content
    for case_id, case in writer.each(content.cases):
        writer.text(case_id)
        writer.text(case.spec_id)
        writer.byte(case.state.value)
        writer.text(case.data)
    for policy_id, policy in writer.each(content.policies):
        writer.text(policy_id)
        writer.number(policy.version)
        writer.text(policy.data)
    for overlay_id, overlay in writer.each(content.overlays):
        writer.text(overlay_id)
        writer.text(overlay.spec_id)
        writer.text(overlay.base_id)
        writer.text(overlay.data)
    for spec_id, latest in writer.each(content.latest):
        writer.text(spec_id)
        writer.text(latest)
    for name, record in writer.each(content.records):
        writer.text(name)
        writer.number(record.version)
        writer.text(record.data)
    for client, session in writer.each(state.sessions):
        writer.number(client)
        writer.number(session.used)
        writer.number(session.sequence)
        _write_answer(writer, session.answer)
    body = writer.written
    whole = MAGIC + VERSION.to_bytes(4, "big") + len(body).to_bytes(8, "big") + body
    return whole + _checksum(whole)


def restore(data: bytes) -> State:
    """The state in a snapshot.

    Raises:
        DamagedSnapshot: if it is not what `snapshot` gave. The message says what is wrong, and where.
    """
    reader = Reader(_body(data))
    limits = _limits(reader)
    applied = reader.number()
    content = Content(
        cases=reader.map(reader.text, lambda: Case(reader.text(), reader.member(CaseState), reader.text())),
        policies=reader.map(reader.text, lambda: Policy(reader.number(), reader.text())),
        overlays=reader.map(reader.text, lambda: Overlay(reader.text(), reader.text(), reader.text())),
        latest=reader.map(reader.text, reader.text),
        records=reader.map(reader.text, lambda: Record(reader.number(), reader.text())),
    )
    sessions = reader.map(
        reader.number, lambda: Session(reader.number(), reader.number(), _read_answer(reader))
    )
    reader.end()
    if len(sessions) > limits.sessions_max:
        raise DamagedSnapshot(f"{len(sessions)} sessions are open, of {limits.sessions_max} at most")
    for client, session in sessions.items():
        if not client <= session.used <= applied:
            raise DamagedSnapshot(
                f"the session of client {client} was used at log index {session.used}, which does not lie "
                f"between {client} and {applied}"
            )
    return State(limits, applied, content, sessions)


def _body(data: bytes) -> bytes:
    """The body of a snapshot whose frame is whole."""
    if len(data) < _HEAD + 8:
        raise DamagedSnapshot(f"{len(data)} bytes are too few: a snapshot has {_HEAD + 8} or more")
    if data[: len(MAGIC)] != MAGIC:
        raise DamagedSnapshot(f"it begins with {data[: len(MAGIC)]!r}, and a snapshot with {MAGIC!r}")
    version = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "big")
    if version != VERSION:
        raise DamagedSnapshot(f"its format has version {version}: this program reads version {VERSION} only")
    length = int.from_bytes(data[len(MAGIC) + 4 : _HEAD], "big")
    if len(data) != _HEAD + length + 8:
        raise DamagedSnapshot(
            f"it has {len(data)} bytes, and {_HEAD + length + 8} by its own account: "
            "it was cut short or mixed up"
        )
    if _checksum(data[:-8]) != data[-8:]:
        raise DamagedSnapshot(
            f"the checksum is {data[-8:].hex()}, and that of these {len(data) - 8} bytes "
            f"{_checksum(data[:-8]).hex()}: some of them have changed"
        )
    return data[_HEAD:-8]


def _checksum(data: bytes) -> bytes:
    return (int.from_bytes(data, "big") % _PRIME).to_bytes(8, "big")


def _limits(reader: Reader) -> Limits:
    sessions_max, text_bytes_max = reader.number(), reader.number()
    try:
        return Limits(sessions_max=sessions_max, text_bytes_max=text_bytes_max)
    except ValueError as error:
        raise DamagedSnapshot(f"its limits cannot be: {error}") from error


# --- answers: 0 for none, 1 for `Applied`, 2 for `Refused` --------------------------------------


def _write_answer(writer: Writer, answer: Applied | Refused | None) -> None:
    match answer:
        case None:
            writer.byte(0)
        case Applied():
            writer.byte(1)
        case Refused(reason=reason, explanation=explanation):
            writer.byte(2)
            writer.byte(reason.value)
            writer.text(explanation)


def _read_answer(reader: Reader) -> Applied | Refused | None:
    match reader.byte():
        case 0:
            return None
        case 1:
            return Applied()
        case 2:
            return Refused(reader.member(Reason), reader.text())
        case other:
            raise DamagedSnapshot(f"there is an answer of kind {other}: there are 0, 1 and 2")
