"""Byzantine voters of a ballot, with all that they can sign or compose of signed messages.

All liars of a run share what they hear (`Liars.heard`). They hear all that is sent to everybody.

| behaviour      | says                                                                                      |
|----------------|-------------------------------------------------------------------------------------------|
| silent         | nothing                                                                                   |
| two-faced      | to one counter that it approves and confirms that, to the next that it rejects            |
| inventing      | any statement, to anybody, with a lock from a real certificate or a made-up one           |
| altering       | what somebody signed, with one part changed, under the old signature                      |
| counterfeiting | certificates, openings and verdicts that prove nothing: too few, of several rounds, for   |
|                | several choices, of one voter twice, of another kind                                      |
| accusing       | two statements of one voter as a contradiction                                            |
| replaying      | what it said long ago                                                                     |
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from impl import vote
from impl.common import SymbolicKeys
from property_tests.vote.host import BALLOT, Arrived
from tlacheck.sim import ByzantineAction, ByzantineContext, Replay, Send, Silent
from tlacheck.sim.byzantine import ActiveBehaviour, Behaviour

__all__ = ["Liars"]

#: How likely a liar lies at a step of its own, and how much of what it heard it remembers of each kind.
_LIES: Final = 0.5
_REMEMBERED: Final = 400
_ROUNDS: Final = 5


@attrs.frozen
class _Lying:
    """Goes on as an honest node would, but says something else besides."""

    liars: "Liars"
    says: Callable[["Liars", ByzantineContext], Iterator[Send]]

    def begin(self) -> ActiveBehaviour:
        """Begin the behaviour of one node."""

        def act(context: ByzantineContext) -> ByzantineAction:
            self.liars.hear(context)
            lies = self.says(self.liars, context) if context.random.random() < _LIES else ()
            return ByzantineAction(context.honest.state, (*context.honest.sent, *lies))

        return act


class Liars:
    """The liars of one run.

    Args:
        names: theirs.
        voters: the names of all voters.
        counters: the names of the counters.
    """

    def __init__(self, names: Sequence[str], voters: Sequence[str], counters: Sequence[str]) -> None:
        self.names, self.voters, self.counters = tuple(names), tuple(voters), tuple(counters)
        self.heard: dict[type[Any], list[Any]] = {}

    def behaviours(self) -> Mapping[str, Behaviour]:
        """Their behaviours by name."""
        return {
            "silent": Silent(),
            "replaying": Replay(chance=0.3),
            "two-faced": _Lying(self, Liars._two_faced),
            "inventing": _Lying(self, Liars._inventing),
            "altering": _Lying(self, Liars._altering),
            "counterfeiting": _Lying(self, Liars._counterfeiting),
            "accusing": _Lying(self, Liars._accusing),
        }

    def hear(self, context: ByzantineContext) -> None:
        """Remember what came in."""
        if isinstance(context.input, Arrived):
            said = context.input.message
            known = self.heard.setdefault(type(said), [])
            if len(known) < _REMEMBERED and said not in known:
                known.append(said)

    # --- what they say

    def _two_faced(self, context: ByzantineContext) -> Iterator[Send]:
        number = self._round(context)
        for place, counter in enumerate(self.counters):
            choice = vote.CHOICES[place % len(vote.CHOICES)]
            for source in self.names:
                for kind in (vote.Vote, vote.Confirm):
                    yield Send(counter, self._sign(kind, source, number, choice))

    def _inventing(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        kind = rng.choice((vote.Vote, vote.Vote, vote.Confirm, vote.Retry))
        choice, number = rng.choice(vote.CHOICES), self._round(context)
        lock = rng.choice([None, *self._of(vote.Certificate)[-3:]])
        if kind is vote.Retry and rng.random() < 0.3:
            lock = vote.Certificate(tuple(self._votes(number, choice, rng)))
        said = self._sign(kind, context.node, number, choice, lock)
        yield from (Send(node, said) for node in self._some(rng))

    def _altering(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        signed = [said for kind in (vote.Vote, vote.Confirm, vote.Retry) for said in self._of(kind)]
        if not signed:
            return
        said = rng.choice(signed)
        changes: dict[str, Any] = {
            "round": said.round + 1,
            "source": rng.choice(self.voters),
            "ballot": "another",
            "signature": b"no",
        }
        if not isinstance(said, vote.Retry):
            changes["choice"] = vote.REJECT if said.choice == vote.APPROVE else vote.APPROVE
        name = rng.choice(sorted(changes))
        for node in self._some(rng):
            yield Send(node, attrs.evolve(said, **{name: changes[name]}))

    def _counterfeiting(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        number, choice = self._round(context), rng.choice(vote.CHOICES)
        made: Any
        match rng.choice(("certificate", "opening", "verdict")):
            case "certificate":
                made = vote.Certificate(tuple(self._votes(number, choice, rng)))
            case "opening":
                asked = {each.source: each for each in self._of(vote.Retry) if each.round == number + 1}
                lock = vote.Certificate(tuple(self._votes(number, choice, rng)))
                lie = self._sign(vote.Retry, context.node, number + 1, choice, lock)
                made = vote.Opening(tuple({**asked, context.node: lie}.values()))
            case _:
                kind = rng.choice((vote.Confirm, vote.Confirm, vote.Vote))
                confirms = self._statements(kind, number, choice, rng)
                made = vote.Verdict(tuple({each.source: each for each in confirms}.values()))
        yield from (Send(node, made) for node in self._some(rng))

    def _accusing(self, context: ByzantineContext) -> Iterator[Send]:
        rng = context.random
        said = [each for kind in (vote.Vote, vote.Confirm, vote.Retry) for each in self._of(kind)]
        if said:
            first = rng.choice(said)
            second = rng.choice([each for each in said if each.source == first.source])
            yield from (Send(node, vote.Equivocation(first, second)) for node in self.counters)

    # --- what of

    def _of(self, kind: type[Any]) -> list[Any]:
        return self.heard.get(kind, [])

    def _round(self, context: ByzantineContext) -> int:
        """A round that somebody is in, or any."""
        heard = self._of(vote.Vote) or self._of(vote.Retry)
        if heard and context.random.random() < 0.7:
            return int(heard[-1].round)
        return context.random.randint(1, _ROUNDS)

    def _some(self, rng: random.Random) -> Sequence[str]:
        """One counter or voter, or everybody."""
        everybody = self.voters + self.counters
        return rng.choice((everybody, self.counters, (rng.choice(everybody),)))

    def _sign(self, kind: type[Any], source: str, number: int, choice: str, lock: Any = None) -> Any:
        if kind is vote.Retry:
            return vote.signed(
                vote.Retry(ballot=BALLOT, round=number, lock=lock, source=source), SymbolicKeys(source)
            )
        return vote.signed(
            kind(ballot=BALLOT, round=number, choice=choice, source=source), SymbolicKeys(source)
        )

    def _statements(self, kind: type[Any], number: int, choice: str, rng: random.Random) -> list[Any]:
        """Statements of a kind for a choice, those of liars among them, with something wrong perhaps."""
        wrong = rng.choice(("nothing", "rounds", "choices"))
        held = [
            each
            for each in self._of(kind)
            if (wrong == "rounds" or each.round == number) and (wrong == "choices" or each.choice == choice)
        ]
        return [*held, *(self._sign(kind, source, number, choice) for source in self.names)]

    def _votes(self, number: int, choice: str, rng: random.Random) -> list[Any]:
        votes = self._statements(vote.Vote, number, choice, rng)
        if rng.random() < 0.3:  # one voter twice
            votes += [self._sign(vote.Vote, source, number, choice) for source in self.names]
        else:
            votes = list({each.source: each for each in votes}.values())
        return votes[: len(self.voters)]
