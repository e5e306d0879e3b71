"""The adapter of `impl/vote` to `specs/vote`: the one file that knows both vocabularies.

A step of the spec is the input that completes something; so a voter or a counter is handed in one step all
that it takes: the votes of a certificate, the statements of an opening, as many as there are, those of
Byzantine voters signed with their own keys. Before each step a voter comes back from a crash with what it
wrote to its disk, so that whatever it relies on is seen to be there. Counters keep nothing on disk and live
on.
"""

import copy
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from immutabledict import immutabledict

from impl import vote
from impl.common import SymbolicKeys
from impl.vote.statements import Statement
from tlacheck.conform.adapter import Adapter, action, variable
from tlacheck.conform.system import NotPossible
from tlacheck.tlc.spec import Spec
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["VoteSystem", "judged_to_spec", "lock_to_spec", "said_to_spec", "spec_for", "to_spec"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "vote"

_BALLOT: Final = "deploy"
_CHOICES: Final = immutabledict(approve=vote.APPROVE, reject=vote.REJECT)
_NOTHING: Final = ModelValue("none")
_NO_LOCK: Final = immutabledict(round=0, choice=_NOTHING)
#: A round that nobody else speaks of, in which liars contradict themselves.
_FAR: Final = 1 << 32


def spec_for(voters: int) -> Spec:
    """The unbounded spec of so many voters, for the oracle."""
    return Spec.load(_SPECS / "MCVote.tla", _SPECS / f"Oracle{voters}.cfg")


def to_spec(choice: vote.Choice | None) -> Value:
    """Return what the spec calls a choice, or none."""
    return _NOTHING if choice is None else ModelValue(choice.lower())


def lock_to_spec(lock: vote.Certificate | None) -> Value:
    """Return the record that stands for a lock."""
    return _NO_LOCK if lock is None else immutabledict(round=lock.round, choice=to_spec(lock.choice))


@functools.lru_cache(maxsize=4096)
def said_to_spec(said: Statement) -> Value:
    """Return the record that stands for a statement."""
    common = {"type": type(said).__name__, "source": ModelValue(said.source), "round": said.round}
    if isinstance(said, vote.Retry):
        return immutabledict(common, lock=lock_to_spec(said.lock))
    return immutabledict(common, choice=to_spec(said.choice))


class VoteSystem(Adapter):
    """The correct voters of a ballot with their disks, correct counters, and all signed messages; no clock.

    Args:
        voters: the names of all.
        byzantine: those that lie, which this class speaks for.
        f: how many liars are allowed for.
        counters: the names of the counters.
    """

    def __init__(
        self,
        voters: tuple[str, ...] = ("v1", "v2", "v3", "v4"),
        *,
        byzantine: frozenset[str] = frozenset({"v4"}),
        f: int = 1,
        counters: tuple[str, ...] = ("k1", "k2"),
    ) -> None:
        self._ballots = {name: vote.Ballot(_BALLOT, voters, SymbolicKeys(name), f=f) for name in voters}
        self._public = vote.Ballot(_BALLOT, voters, SymbolicKeys(""), f=f)
        self._byzantine = byzantine
        self._counters = counters
        self.disks: dict[str, vote.Durable] = {}
        self.counters: dict[str, vote.Counter] = {}
        self._said: dict[Value, Statement] = {}

    def reset(self, initial: State) -> None:
        """Start all correct voters and counters for the first time."""
        correct = [name for name in self._ballots if name not in self._byzantine]
        self.disks = {name: vote.voter.first_start(name, self._ballots[name]).durable for name in correct}
        self.counters = {name: vote.counter.first_start(self._public) for name in self._counters}
        self._said = {}
        if set(initial["round"]) != {ModelValue(name) for name in correct}:
            raise NotPossible(f"the correct voters here are {', '.join(correct)}; the trace has others")

    # --- voters

    @action("Vote", unused={"round"})
    def cast(self, node: Value, choice: Value) -> None:
        """Its reviewer has an opinion."""
        self._step(node.name, vote.Cast(_CHOICES[choice.name]))

    @action("Confirm", unused={"voters"})
    def confirm(self, node: Value, round: Value, choice: Value) -> None:  # noqa: A002 - as the spec calls it
        """A certificate arrives."""
        self._step(node.name, vote.Receive(self._certificate(round, _CHOICES[choice.name])))

    @action("GiveUp")
    def give_up(self, node: Value) -> None:
        """It has waited long enough."""
        self._step(node.name, vote.GiveUp())

    @action("Enter", unused={"voters"})
    def enter(self, node: Value, round: Value, lock: Value) -> None:  # noqa: A002 - as above
        """An opening arrives, the latest lock of which is this one."""
        told = None if lock == _NO_LOCK else self._certificate(lock["round"], _CHOICES[lock["choice"].name])
        forged = (
            vote.Retry(ballot=_BALLOT, round=round, lock=told, source=source)
            for source in sorted(self._byzantine)
        )
        known = [
            said
            for said in self._said.values()
            if isinstance(said, vote.Retry)
            and said.round == round
            and said_to_spec(said)["lock"]["round"] <= lock["round"]
        ]
        exact = sorted([*known, *map(self._signed, forged)], key=lambda said: lock_to_spec(said.lock) != lock)
        self._step(node.name, vote.Receive(vote.Opening(tuple(exact[: self._public.quorum]))))

    # --- counters

    @action("Convict")
    def convict(self, counter: Value, voter: Value) -> None:
        """Two votes of one round arrive, for different choices."""
        two = (
            vote.Vote(ballot=_BALLOT, round=_FAR, choice=choice, source=voter.name) for choice in vote.CHOICES
        )
        if voter.name not in self._byzantine:
            raise NotPossible(f"{voter.name} is correct, and has signed nothing that convicts it")
        self._hear(counter.name, map(self._signed, two))

    @action("Report")
    def report(self, counter: Value, round: Value) -> None:  # noqa: A002 - as above
        """Votes of as many arrive as are sure to come, with no quorum for anything."""
        room = dict.fromkeys(vote.CHOICES, self._public.quorum - 1)
        heard: list[Statement] = []
        honest = [said for said in self._said.values() if isinstance(said, vote.Vote) and said.round == round]
        for said in honest:
            if room[said.choice]:
                room[said.choice] -= 1
                heard.append(said)
        for source in sorted(self._byzantine - self.counters[counter.name].convicted.keys()):
            choice = max(room, key=lambda each: room[each])
            if room[choice]:
                room[choice] -= 1
                lie = vote.Vote(ballot=_BALLOT, round=round, choice=choice, source=source)
                heard.append(self._signed(lie))
        self._hear(counter.name, heard[: self._public.n - self._public.f])

    @action("Decide", unused={"voters"})
    def decide(self, counter: Value, round: Value, choice: Value) -> None:  # noqa: A002 - as above
        """Deliver all confirmations.

        They go to a counter that no longer counts some of them, as a verdict.
        """
        confirms = tuple(self._statements(vote.Confirm, round, _CHOICES[choice.name]))
        convicted = self.counters[counter.name].convicted
        is_whole = not any(each.source in convicted for each in confirms)
        self._hear(counter.name, confirms if is_whole else [vote.Verdict(confirms)])

    # --- what there is to see

    @variable("messages", "round", "waiting", "bound", "lock", "judged", "convicted")
    def shown(self) -> State:
        """The spec state that voters and counters stand for."""

        def each(part: Any) -> Value:
            return _function({name: part(held) for name, held in self.disks.items()})

        return immutabledict(
            messages=frozenset(self._said),
            round=each(lambda held: held.round),
            waiting=each(lambda held: held.waiting),
            bound=each(lambda held: to_spec(held.bound)),
            lock=each(lambda held: lock_to_spec(held.lock)),
            judged=_function({name: judged_to_spec(k) for name, k in self.counters.items()}),
            convicted=_function(
                {name: frozenset(map(ModelValue, k.convicted)) for name, k in self.counters.items()}
            ),
        )

    def fork(self) -> Self:
        """A ballot in the same state, with voters and counters of its own."""
        twin = copy.copy(self)
        twin.disks, twin.counters = self.disks.copy(), self.counters.copy()
        twin._said = self._said.copy()  # noqa: SLF001 - a copy of oneself
        return twin

    # --- steps

    def _step(self, name: str, inp: vote.Cast | vote.GiveUp | vote.Receive) -> None:
        """A voter comes back from a crash and takes an input."""
        voter = vote.voter.recover(name, self._ballots[name], self.disks[name])
        _, effects = vote.voter.step(voter, inp)
        for effect in effects:
            match effect:
                case vote.Persist(durable=durable):
                    self.disks[name] = durable
                case vote.Send(message=vote.Vote() | vote.Confirm() | vote.Retry() as said):
                    self._said[said_to_spec(said)] = said

    def _hear(self, name: str, statements: Iterable[Statement | vote.Verdict]) -> None:
        for said in statements:
            self.counters[name], _ = vote.counter.step(self.counters[name], vote.Receive(said))

    # --- what voters say, the Byzantine ones among them

    def _signed(self, said: Any) -> Any:
        return vote.signed(said, self._ballots[said.source].keys)

    def _statements(self, kind: type[Any], number: int, choice: vote.Choice) -> Iterator[Any]:
        """Statements of a kind that voters have signed or may forge."""
        for source in self._ballots:
            made = kind(ballot=_BALLOT, round=number, choice=choice, source=source)
            if source in self._byzantine or said_to_spec(made) in self._said:
                yield self._signed(made)

    def _certificate(self, number: int, choice: vote.Choice) -> vote.Certificate:
        """The votes that there are for a choice, of which there may be too few."""
        return vote.Certificate(tuple(self._statements(vote.Vote, number, choice)))


def _function(values: dict[str, Value]) -> Value:
    """The function from names; without any it is the empty sequence."""
    return immutabledict({ModelValue(name): value for name, value in values.items()}) if values else ()


def judged_to_spec(counter: vote.Counter) -> Value:
    """Return what a counter says, as the spec has it."""
    if counter.verdict is not None:
        return immutabledict(round=counter.verdict.round, choice=to_spec(counter.verdict.choice))
    return immutabledict(round=counter.reported, choice=_NOTHING)
