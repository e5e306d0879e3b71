"""Evidence as JSON, to be kept, mailed to an operator, or verified without running a replica.

The notation is that of `impl.common.encoding`, but complete: a batch is written out where signatures cover
its digest. Reading checks types only; `impl.guard.verify` judges the evidence.
"""

import json
from typing import Any, Final, NoReturn

import attrs

from impl.common.encoding import kind_of
from impl.common.service import Answered, State
from impl.guard import hotstuff as of_hotstuff
from impl.guard.evidence import Evidence
from impl.pbft.messages import CheckpointCertificate, PreparedCertificate
from impl.pbft.shapes import SHAPES

__all__ = ["TEXT_MAX", "NotEvidence", "from_json", "to_json"]

#: How many characters a text may have, so that nobody is kept busy by reading it.
TEXT_MAX: Final = 1 << 24

_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        *SHAPES.messages,
        *of_hotstuff.PARTS,
        Evidence,
        CheckpointCertificate,
        PreparedCertificate,
        State,
        Answered,
    )
}


class NotEvidence(ValueError):
    """A text is no evidence in JSON.

    Usual causes: it was cut off, or edited by hand, or comes from a version with other messages.
    """


def to_json(evidence: Evidence) -> str:
    """The evidence as one line of JSON; the same evidence gives the same line."""
    return json.dumps(_plain(evidence), sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Evidence:
    """The evidence in a JSON text; it need not convict anybody.

    Raises:
        NotEvidence: if it says something else, or nothing.
    """
    if type(text) is not str or len(text) > TEXT_MAX:
        raise NotEvidence(f"evidence is a text of at most {TEXT_MAX} characters")
    try:
        found = _value(json.loads(text, parse_float=_refuse, parse_constant=_refuse))
    except RecursionError:
        raise NotEvidence("it is nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise NotEvidence(f"it cannot be read: {error}") from None
    if type(found) is not Evidence:
        raise NotEvidence(f"it is a {kind_of(found)}")
    return found


def _refuse(number: str) -> NoReturn:
    raise NotEvidence(f"{number} is no integer")


def _plain(value: Any) -> object:
    kind = type(value)
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind is tuple:
        return [_plain(item) for item in value]
    if attrs.has(kind):
        fields = {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(kind)}
        return {kind.__name__: fields}
    return value


def _value(plain: object) -> Any:
    if isinstance(plain, list):
        return tuple(map(_value, plain))
    if not isinstance(plain, dict):
        return plain
    if len(plain) != 1:
        raise NotEvidence("an object has one key, which is its type")
    ((name, content),) = plain.items()
    if name == "bytes" and isinstance(content, str):
        return bytes.fromhex(content)
    if name not in _KINDS or not isinstance(content, dict):
        raise NotEvidence(f"there is nothing of type {name[:40]!r}")
    wanted = {field.name for field in attrs.fields(_KINDS[name])}
    if set(content) != wanted:
        raise NotEvidence(f"a {name} has the fields {', '.join(sorted(wanted))}")
    return _KINDS[name](**{field: _value(each) for field, each in content.items()})
