"""Voting: a ballot from the first vote to the verdict, the document's worked cases, and hostile input."""

import random
from typing import Any

import attrs
import pytest

from impl import vote
from impl.common import SymbolicKeys
from impl.vote import APPROVE, REJECT, Ballot, Cast, GiveUp, Receive, counter, voter


def ballot(n: int, name: str = "") -> Ballot:
    return Ballot("deploy", tuple(f"v{number}" for number in range(1, n + 1)), SymbolicKeys(name))


def said(effects: Any) -> list[Any]:
    return [effect.message for effect in effects if isinstance(effect, vote.Send)]


def votes(approve: int, reject: int, number: int = 1) -> list[vote.Vote]:
    """Votes of the first `approve` voters and the next `reject` ones; the others are silent."""
    choices = [APPROVE] * approve + [REJECT] * reject
    return [
        vote.signed(
            vote.Vote(ballot="deploy", round=number, choice=choice, source=f"v{place}"),
            SymbolicKeys(f"v{place}"),
        )
        for place, choice in enumerate(choices, start=1)
    ]


def counted(n: int, *messages: Any) -> tuple[vote.Counter, list[Any]]:
    state = counter.first_start(ballot(n))
    effects: list[Any] = []
    for message in messages:
        state, more = counter.step(state, Receive(message))
        effects += more
    return state, effects


def kinds(effects: list[Any]) -> list[str]:
    return [type(effect.message if isinstance(effect, vote.Send) else effect).__name__ for effect in effects]


@pytest.mark.parametrize(
    ("n", "approve", "reject", "certified"),
    [(7, 5, 2, APPROVE), (10, 7, 3, APPROVE), (7, 2, 5, REJECT), (7, 4, 3, None), (7, 5, 0, APPROVE)],
)
def test_the_worked_cases_of_the_document(n: int, approve: int, reject: int, certified: str | None) -> None:
    """4 to 3 is certified for neither choice, though the document's own counter would reject."""
    state, _ = counted(n, *votes(approve, reject))
    assert (state.certificate.choice if state.certificate else None) == certified


def test_a_counter_waits_for_no_more_than_n_minus_f() -> None:
    state, effects = counted(7, *votes(4, 0), *votes(4, 1)[4:])
    assert kinds(effects) == ["NoConsensus"]
    assert effects[0].missing == ("v6", "v7")
    late = vote.signed(attrs.evolve(votes(6, 0)[5], source="v6"), SymbolicKeys("v6"))
    state, more = counter.step(state, Receive(late))
    assert kinds(list(more)) == ["Certificate"]


def test_an_equivocating_voter_is_convicted_and_no_longer_counted() -> None:
    first, *_ = votes(1, 0)
    second, *_ = votes(0, 1)
    state, effects = counted(4, first, second)
    assert kinds(effects) == ["Convicted", "Equivocation"]
    assert dict(state.votes) == {}
    assert vote.rejection_reason(state.convicted["v1"], ballot(4)) == ""
    _, effects = counted(4, effects[0].proof, first)
    assert kinds(effects) == ["Convicted", "Equivocation", "Refused"]


def test_a_decision_stands_when_the_voters_retry() -> None:
    """Three of four decide on APPROVE; another round by a counter that missed it finds them bound."""
    voters = {name: voter.first_start(name, ballot(4, name)) for name in ("v1", "v2", "v3")}

    def all_take(inp: Any) -> list[Any]:
        out = []
        for name, held in list(voters.items()):
            voters[name], effects = voter.step(held, inp)
            out += said(effects)
        return out

    _, effects = counted(4, *all_take(Cast(APPROVE)))
    confirms = all_take(Receive(said(effects)[0]))
    state, effects = counted(4, *confirms)
    assert state.verdict is not None
    assert (state.verdict.choice, kinds(effects)) == (APPROVE, ["Decided", "Verdict"])
    _, effects = counted(4, *all_take(GiveUp()))
    all_take(Receive(said(effects)[0]))
    assert {each.durable.bound for each in voters.values()} == {APPROVE}
    assert all_take(Cast(REJECT)) == []
    assert len(all_take(Cast(APPROVE))) == 3


@pytest.mark.parametrize(
    ("names", "f", "rejection"),
    [
        (("a", "b", "c"), 1, "it takes 4"),
        (("a", "a"), 0, "name each once"),
        ((), 0, "at least one"),
        (("a",), -1, "starts at 0"),
    ],
)
def test_an_invalid_ballot_is_refused(names: tuple[str, ...], f: int, rejection: str) -> None:
    with pytest.raises(vote.InvalidBallot, match=rejection):
        Ballot("deploy", names, SymbolicKeys(""), f=f)
    with pytest.raises(vote.InvalidBallot, match="none of the voters"):
        voter.first_start("nobody", ballot(4))


def test_no_input_raises_anything() -> None:
    """Statements with fields of any type, and objects that are no statements."""
    rng = random.Random(0)
    junk: list[Any] = [
        None, 0, -1, 1 << 80, "", "v1", "\ud800", b"", (), (1,), [], {}, object(), APPROVE, 1.5,
    ]  # fmt: skip
    made: list[Any] = [*votes(3, 0)]
    kinds_of: list[Any] = [vote.Vote, vote.Confirm, vote.Retry, vote.Certificate, vote.Opening, vote.Verdict]
    kinds_of += [vote.Equivocation, Cast, Receive]
    cast, heard = voter.first_start("v1", ballot(4, "v1")), counter.first_start(ballot(4))
    for _ in range(3000):
        kind = rng.choice(kinds_of)
        fields = {field.name: rng.choice([*junk, *made[-20:]]) for field in attrs.fields(kind)}
        if rng.random() < 0.5:
            fields = {
                name: (value,) if name in {"votes", "retries", "confirms"} else value
                for name, value in fields.items()
            }
        made.append(kind(**fields))
        things: list[Any] = [made[-1], Receive(made[-1]), object(), None]
        for thing in things:
            after, effects = voter.step(cast, thing)
            assert after is cast or any(isinstance(effect, vote.Persist) for effect in effects)
            heard, _ = counter.step(heard, thing)
        assert isinstance(vote.rejection_reason(made[-1], ballot(4)), str)
    assert heard.verdict is None
