"""A ballot with correct voters and counters, liars, and a network that keeps all and delivers what it is told to; no clock.

What must never happen is judged here after each step, without the spec: by what was signed and what counters say.
"""

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from impl import vote
from impl.common import SymbolicKeys
from impl.vote.statements import Statement

__all__ = ["Broken", "World"]

BALLOT: Final = "deploy"

#: What is on the network: what voters sign, and what counters make of it.
Message: TypeAlias = Any


class Broken(AssertionError):
    """Something has happened that must not."""


class World:
    """Correct voters with their disks, correct counters, and all messages that were ever sent.

    Args:
        n: how many voters there are; they allow for as many liars as n tolerates.
        liars: those of v0, v1, ... that lie.
        counters: how many correct counters there are.

    Attributes:
        voters: the correct voters.
        counters: the correct counters.
        sent: what was sent by anybody, in this order.
        met: how often something interesting has happened.
    """

    def __init__(self, n: int, liars: frozenset[str], counters: int = 3) -> None:
        names = tuple(f"v{number}" for number in range(n))
        self.ballots = {name: vote.Ballot(BALLOT, names, SymbolicKeys(name)) for name in names}
        self.public = vote.Ballot(BALLOT, names, SymbolicKeys(""))
        self.liars = liars
        self.voters = {
            name: vote.voter.first_start(name, self.ballots[name]) for name in names if name not in liars
        }
        self._disks = {name: voter.durable for name, voter in self.voters.items()}
        self.counters = [vote.counter.first_start(self.public) for _ in range(counters)]
        self.sent: list[Message] = []
        self.met: Tally[str] = Tally()
        self._signed: dict[tuple[str, str, int], Statement] = {}
        self._free: set[tuple[str, int, str]] = set()
        self.reported: list[set[int]] = [set() for _ in range(counters)]

    # --- steps

    def take(self, name: str, inp: Any) -> None:
        """A correct voter takes an input.

        Raises:
            Broken: it does what a correct voter must not.
        """
        before = self.voters[name]
        after, effects = vote.voter.step(before, inp)
        for effect in effects:
            match effect:
                case vote.Persist(durable=durable):
                    self._disks[name] = durable
                case vote.Send(message=said):
                    self._voter_says(before, said)
                case vote.Entered(bound=bound):
                    self.met["bound" if bound else "free again"] += 1
                case vote.Refused():
                    self.met["a voter refuses"] += 1
                    if after is not before:
                        raise Broken(f"{name} refuses {inp}, and has changed")
        if after.durable is not self._disks[name]:
            raise Broken(f"{name} has not written what it relies on")
        if after.durable.round < before.durable.round:
            raise Broken(f"{name} goes back from round {before.durable.round} to {after.durable.round}")
        self.voters[name] = after
        self._judge()

    def restart(self, name: str) -> None:
        """A voter comes back from a crash."""
        self.voters[name] = vote.voter.recover(name, self.ballots[name], self._disks[name])

    def restart_counter(self, number: int) -> None:
        """A counter comes back from a crash, and has forgotten all, but for the verdict that it has told."""
        if self.counters[number].verdict is None:
            self.counters[number] = vote.counter.first_start(self.public)

    def tell(self, number: int, message: Message) -> None:
        """A correct counter receives something.

        Raises:
            Broken: it takes a correct voter for a liar, or waits for more than n - f, or judges wrongly.
        """
        before = self.counters[number]
        after, effects = vote.counter.step(before, vote.Receive(message))
        self.counters[number] = after
        for effect in effects:
            match effect:
                case vote.Send(message=made):
                    if said := vote.flaw(made, self.public):
                        raise Broken(f"a counter sends what proves nothing: {said}")
                    self.sent.append(made)
                case vote.Convicted(proof=proof):
                    self.met["a liar is convicted"] += 1
                    if proof.source not in self.liars:
                        raise Broken(f"{proof.source} is correct, and convicted")
                case vote.NoConsensus(round=number_of_round):
                    self.met["no consensus"] += 1
                    self.reported[number].add(number_of_round)
                case vote.Decided(verdict=verdict):
                    self.met[f"decided {verdict.choice}"] += 1
                    self.met["decided after a retry"] += verdict.round > 1
        if before.verdict is not None and after.verdict != before.verdict:
            raise Broken("a counter has changed its verdict")
        self._has_not_waited(after, number)
        self._judge()

    # --- what must never happen

    def _voter_says(self, voter: vote.Voter, said: Any) -> None:
        if vote.flaw(said, self.public):
            raise Broken(f"{voter.name} sends what nobody takes: {vote.flaw(said, self.public)}")
        place = (said.source, type(said).__name__, said.round)
        if self._signed.setdefault(place, said) != said:
            raise Broken(f"{voter.name} contradicts itself: {self._signed[place]} and {said}")
        self.sent.append(said)
        if isinstance(said, vote.Vote):
            if voter.durable.bound is None:
                self._free.add((said.source, said.round, said.choice))
            elif voter.durable.bound != said.choice:
                raise Broken(f"{voter.name} is bound to {voter.durable.bound}, and votes {said.choice}")

    def _judge(self) -> None:
        verdicts = [counter.verdict for counter in self.counters if counter.verdict is not None]
        if len({verdict.choice for verdict in verdicts}) > 1:
            raise Broken(f"counters come to different verdicts: {verdicts}")
        for verdict in verdicts:
            if said := vote.flaw(verdict, self.public):
                raise Broken(f"a verdict proves nothing: {said}")
            if not self._is_founded(verdict):
                raise Broken(
                    f"{verdict.choice} is decided, which at no time most correct voters freely wanted"
                )

    def _is_founded(self, verdict: vote.Verdict) -> bool:
        """Return whether in some round most of the correct voters were free and voted so."""
        votes = Tally(
            number for _, number, choice in self._free if choice == verdict.choice and number <= verdict.round
        )
        return any(2 * count > len(self.voters) for count in votes.values())

    def _has_not_waited(self, counter: vote.Counter, number: int) -> None:
        """Of n - f votes in a round, the latest, something has come: a report, a certificate or a verdict."""
        ballot = self.public
        rounds = Tally(each.round for each in counter.votes.values())
        for number_of_round, heard in rounds.items():
            certified = counter.certificate is not None and counter.certificate.round >= number_of_round
            done = counter.verdict is not None or certified or counter.reported >= number_of_round
            if heard >= ballot.n - ballot.f and not done:
                raise Broken(f"counter {number} has heard {heard} in round {number_of_round}, and waits")

    # --- what liars say

    def lie(self, source: str, kind: type[Any], number: int, choice: str, lock: Any = None) -> Message:
        """A statement that a liar signs."""
        if kind is vote.Retry:
            said = vote.Retry(ballot=BALLOT, round=number, lock=lock, source=source)
            return vote.signed(said, self.ballots[source].keys)
        made = kind(ballot=BALLOT, round=number, choice=choice, source=source)
        return vote.signed(made, self.ballots[source].keys)

    def of(self, kind: type[Any]) -> list[Any]:
        """What was sent of a kind."""
        return [message for message in self.sent if type(message) is kind]

    # --- in the end

    def finish(self) -> None:
        """An honest coordinator, and nobody gives up early: all come to the same verdict.

        Raises:
            Broken: they do not, though correct voters are of one mind.
        """
        for _ in range(3):
            highest = max(voter.durable.round for voter in self.voters.values())
            for name, voter in list(self.voters.items()):
                for _ in range(highest + 1 - voter.durable.round):
                    self.take(name, vote.GiveUp())
            collected = vote.counter.first_start(self.public)
            opening = self._made(collected, [self.voters[name].durable.retry for name in self.voters])
            for name in list(self.voters):
                self.take(name, vote.Receive(opening))
                held = self.voters[name].durable
                self.take(name, vote.Cast(held.bound or vote.APPROVE))
            certificate = self._made(collected, [self.voters[name].durable.vote for name in self.voters])
            for name in list(self.voters):
                self.take(name, vote.Receive(certificate))
            for number in range(len(self.counters)):
                for voter in self.voters.values():
                    self.tell(number, voter.durable.confirm)
            if all(counter.verdict is not None for counter in self.counters):
                self.met["finished"] += 1
                return
            highest += 1
        raise Broken("all correct voters hear each other and are of one mind, and there is no verdict")

    def _made(self, counter: vote.Counter, statements: Iterable[Any]) -> Any:
        """What a counter makes of statements."""
        made = None
        for said in statements:
            counter, effects = vote.counter.step(counter, vote.Receive(said))
            for effect in effects:
                if isinstance(effect, vote.Send):
                    made = effect.message
        return made
