"""Inputs, messages and texts of voting in scenario files: statements are shown without their signatures."""

from collections.abc import Callable, Iterable
from typing import Any

from impl import vote
from impl.common import SymbolicKeys
from property_tests.vote.host import BALLOT, Arrived, CounterHost, VoterHost
from tlacheck.harness import ScenarioSyntax
from tlacheck.sim import text_of

__all__ = ["SYNTAX"]


def _text(value: Any) -> str:
    match value:
        case vote.Vote() | vote.Confirm():
            return f"{type(value).__name__}({value.source}, round {value.round}, {value.choice})"
        case vote.Retry(round=number, lock=lock, source=source):
            return f"Retry({source}, round {number}, lock {_text(lock)})"
        case vote.Certificate(votes=by) | vote.Verdict(confirms=by):
            return f"{type(value).__name__}(round {value.round}, {value.choice}, by {_sources(by)})"
        case vote.Opening(retries=retries):
            return f"Opening({', '.join(map(_text, retries))})"
        case vote.Equivocation(first=first, second=second):
            return f"Equivocation({_text(first)}, {_text(second)})"
        case Arrived(message=message):
            return _text(message)
        case vote.Decided(verdict=verdict):
            return f"Decided({_text(verdict)})"
        case vote.Convicted(proof=proof):
            return f"Convicted({_text(proof)})"
        case VoterHost(voter=voter):
            held = voter.durable
            kept = f"bound={held.bound}, vote={_text(held.vote)}, lock={_text(held.lock)}"
            return f"Voter(round={held.round}, waiting={held.waiting}, {kept})"
        case CounterHost(counter=counter):
            convicted = ", ".join(sorted(counter.convicted)) or None
            told = f"reported={counter.reported}, verdict={_text(counter.verdict)}, convicted={convicted}"
            return f"Counter({told})"
        case {"verdict": verdict, "reported": reported, "convicted": by}:
            return f"verdict={_text(verdict)}, reported={reported}, convicted={', '.join(sorted(by)) or None}"
        case (vote.Durable() as held, frozenset() as said):
            return f"round={held.round}, waiting={held.waiting}, bound={held.bound}, {len(said)} statements"
        case _:
            return text_of(value)


def _sources(statements: Iterable[Any]) -> str:
    return ", ".join(sorted(each.source for each in statements))


def _signs(kind: type[Any]) -> Callable[..., Any]:
    """Make statements of a kind: in the name of `source`, signed by `signer`, or by its source."""

    def make(source: str, *, signer: str = "", **fields: Any) -> Any:
        said = kind(ballot=BALLOT, source=source, **({"lock": None} if kind is vote.Retry else {}), **fields)
        return vote.signed(said, SymbolicKeys(signer or source))

    return make


SYNTAX = ScenarioSyntax(
    inputs={"cast": vote.Cast},
    messages={kind.__name__.lower(): _signs(kind) for kind in (vote.Vote, vote.Confirm, vote.Retry)},
    text=_text,
)
