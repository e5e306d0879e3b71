"""Validation of messages: their shape, their signatures, and what they prove.

Nothing else may read a message before. Types are compared, not asked, so that no code of a foreign object
runs; collections are measured before they are walked.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from impl.common.encoding import kind_of
from impl.vote import rules
from impl.vote.ballot import Ballot
from impl.vote.statements import (
    CHOICES,
    Certificate,
    Confirm,
    Equivocation,
    Opening,
    Retry,
    Verdict,
    Vote,
    is_signed,
)

__all__ = ["rejection_reason"]

#: What is wrong, for a human; empty if nothing is.
Reason: TypeAlias = str

#: Rounds are below, so that there is always a next one.
_ROUND_END: Final = 1 << 62
_SIGNATURE_MAX: Final = 256


def rejection_reason(thing: object, ballot: Ballot) -> Reason:
    """The reason why this is no message of the ballot; empty if it is one.

    The messages are statements, certificates, openings, verdicts and proofs of equivocation.

    Never raises, whatever it is given. The public keys suffice for the check.
    """
    kind = type(thing)
    if type(kind) is not type or kind not in _CHECKS:
        return f"a {kind_of(thing)} is nothing that voters sign"
    try:
        return _CHECKS[kind](thing, ballot)
    except AttributeError:
        return f"a field of the {kind_of(thing)} is missing"


def _statement(statement: Any, ballot: Ballot) -> Reason:
    if type(statement.ballot) is not str or statement.ballot != ballot.name:
        return "it is of another ballot"
    if type(statement.round) is not int or not 1 <= statement.round < _ROUND_END:
        return "rounds are numbers from 1 on"
    if type(statement.source) is not str or statement.source not in ballot.voters:
        return "it is of nobody who may vote"
    if type(statement.signature) is not bytes or len(statement.signature) > _SIGNATURE_MAX:
        return "it has no signature"
    return ""


def _signed(statement: Any, ballot: Ballot) -> Reason:
    return "" if is_signed(statement, ballot.keys) else f"it is not signed by {statement.source!r}"


def _choice(statement: Any, ballot: Ballot) -> Reason:
    if said := _statement(statement, ballot):
        return said
    if type(statement.choice) is not str or statement.choice not in CHOICES:
        return f"the choice is between {' and '.join(CHOICES)}"
    return _signed(statement, ballot)


def _retry(retry: Any, ballot: Ballot) -> Reason:
    if said := _statement(retry, ballot):
        return said
    if retry.round < 2:
        return "nobody need ask for the first round"
    if retry.lock is not None:
        if type(retry.lock) is not Certificate:
            return f"a {kind_of(retry.lock)} is no lock"
        if said := _certificate(retry.lock, ballot):
            return f"its lock is none: {said}"
        if not rules.is_tellable(retry):
            return "its lock is of no earlier round"
    return _signed(retry, ballot)


def _many(
    parts: Any, kind: type[Any], check: Callable[[Any, Ballot], Reason], ballot: Ballot, least: int
) -> Reason:
    """The reason why these are not statements of one kind and round by at least so many voters."""
    if type(parts) is not tuple or len(parts) > ballot.n:
        return "it is no tuple of one statement of each voter"
    for part in parts:
        if type(part) is not kind:
            return f"a {kind_of(part)} is among its parts"
        if said := check(part, ballot):
            return said
    if len({part.source for part in parts}) < len(parts):
        return "a voter is in it twice"
    if len({part.round for part in parts}) > 1:
        return "its parts are of several rounds"
    return "" if len(parts) >= least else f"{len(parts)} are in it, and it takes {least}"


def _for_one_choice(parts: Any, kind: type[Any], ballot: Ballot) -> Reason:
    said = _many(parts, kind, _choice, ballot, rules.quorum_size(ballot))
    return said or ("its parts are for several choices" if len({part.choice for part in parts}) > 1 else "")


def _certificate(certificate: Any, ballot: Ballot) -> Reason:
    return _for_one_choice(certificate.votes, Vote, ballot)


def _verdict(verdict: Any, ballot: Ballot) -> Reason:
    return _for_one_choice(verdict.confirms, Confirm, ballot)


def _opening(opening: Any, ballot: Ballot) -> Reason:
    return _many(opening.retries, Retry, _retry, ballot, rules.askers_needed(ballot))


def _equivocation(proof: Any, ballot: Ballot) -> Reason:
    for statement in (proof.first, proof.second):
        if type(type(statement)) is not type or type(statement) not in _SIGNED:
            return f"a {kind_of(statement)} convicts nobody"
        if said := _SIGNED[type(statement)](statement, ballot):
            return said
    return "" if rules.contradict(proof.first, proof.second) else "the two do not contradict each other"


_SIGNED: Final[Mapping[type[Any], Callable[[Any, Ballot], Reason]]] = {
    Vote: _choice,
    Confirm: _choice,
    Retry: _retry,
}
_CHECKS: Final[Mapping[type[Any], Callable[[Any, Ballot], Reason]]] = {
    **_SIGNED,
    Certificate: _certificate,
    Verdict: _verdict,
    Opening: _opening,
    Equivocation: _equivocation,
}
