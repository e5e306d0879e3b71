"""The hosts of voters and counters: `impl/vote` as a core of a simulated cluster.

| the host of a voter                                         | in                            |
|--------------------------------------------------------------|-------------------------------|
| persists before it sends, and sends to everybody             | `_carried_out`                |
| gives up a round when its patience is over, later each time  | `GIVE_UP`                     |
| follows when f + 1 voters ask for a later round              | `_joined`                     |
| takes openings of later rounds from their coordinator only   | `Hosts.coordinator`           |
| says it again now and then, until it sees a verdict          | `AGAIN`                       |

The last but one of these is what liveness asks for (`impl.vote`). Safety does not ask who brought an opening,
so in the first rounds anybody may, liars among them. The f + 1 askers pull the others along as in PBFT (TOCS,
4.5.2), or voters that gave up at different times would never ask for the same round.

A counter keeps on disk what it has told: verdict, report, convictions. All else it may forget.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import attrs
from immutabledict import immutabledict

from impl import vote
from impl.common import SymbolicKeys
from impl.vote.statements import Statement
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, StopTimer, Sync, Uniform, Write

__all__ = ["BALLOT", "Arrived", "CounterHost", "Fired", "Host", "Hosts", "VoterHost"]

BALLOT: Final = "deploy"

_GIVE_UP, _AGAIN = "give up", "again"
# : How patient a voter is in the first round, virtual milliseconds; twice as long in each later one, up to a
# limit.
_PATIENCE_MS: Final = (100, 300)
_PATIENCE_GROWS_MAX: Final = 4
_AGAIN_MS: Final = 120
#: Up to this round a voter takes openings from whoever brings them.
_FROM_ANYBODY: Final = 3
_KEPT: Final = "kept"


@attrs.frozen
class Arrived:
    """A message reached a host."""

    source: str
    message: Any


@attrs.frozen
class Fired:
    """A timer of a host."""

    timer: str


@attrs.frozen
class VoterHost:
    """A voter on its host.

    Attributes:
        voter: the core.
        said: all that it ever signed. It lies on disk beside the voter's own state, for whoever judges.
        asked: voter -> the round that it asked for last, as far as this host heard.
        is_over: True once it has seen a verdict.
    """

    voter: vote.Voter
    said: frozenset[Statement] = frozenset()
    asked: immutabledict[str, int] = attrs.field(factory=immutabledict)
    is_over: bool = False


@attrs.frozen
class CounterHost:
    """A counter on its host."""

    counter: vote.Counter


Host: TypeAlias = VoterHost | CounterHost
Input: TypeAlias = Arrived | Fired | vote.Cast


class Hosts:
    """The core of a cluster of voters and counters.

    Args:
        voters: the names of the voters.
        counters: the names of the counters.
    """

    def __init__(self, voters: Iterable[str], counters: Iterable[str]) -> None:
        self.voters, self.counters = tuple(voters), tuple(counters)
        self.public = vote.Ballot(BALLOT, self.voters, SymbolicKeys(""))

    def coordinator(self, number: int) -> str:
        """The counter that opens a round."""
        return self.counters[number % len(self.counters)]

    def ballot(self, voter: str) -> vote.Ballot:
        """The ballot with a voter's secret key."""
        return attrs.evolve(self.public, keys=SymbolicKeys(voter))

    # --- `tlacheck.sim.Core`

    def start(self, node: str, disk: Disk) -> tuple[Host, list[Command]]:
        """A host with what its disk holds."""
        again = SetTimer(_AGAIN, _AGAIN_MS)
        if node in self.counters:
            fresh = vote.counter.first_start(self.public)
            return CounterHost(attrs.evolve(fresh, **disk.read(_KEPT, {}))), [again]
        durable, said = disk.read(_KEPT, (vote.Durable(), frozenset()))
        voter = vote.voter.recover(node, self.ballot(node), durable)
        return VoterHost(voter, said), [again, _patience(durable.round)]

    def on_message(self, source: str, message: Any, clock_ms: int) -> Input:
        """A message, and who brought it."""
        del clock_ms
        return Arrived(source, message)

    def on_timer(self, name: str, clock_ms: int) -> Input:
        """A timer."""
        del clock_ms
        return Fired(name)

    def commands(self, effect: Command) -> tuple[Command, ...]:
        """`step` gives commands already."""
        return (effect,)

    def step(self, state: Host, inp: Input) -> tuple[Host, list[Command]]:
        """One step of a host."""
        return self._count(state, inp) if isinstance(state, CounterHost) else self._vote(state, inp)

    # --- counters

    def _count(self, state: CounterHost, inp: Input) -> tuple[Host, list[Command]]:
        again = [SetTimer(_AGAIN, _AGAIN_MS)] if isinstance(inp, Fired) else []
        heard = vote.Receive(inp.message) if isinstance(inp, Arrived) else vote.Repeat()
        after, effects = vote.counter.step(state.counter, heard)
        commands: list[Command] = []
        for effect in effects:
            match effect:
                case vote.Send(message=made):
                    to = self.voters if isinstance(made, vote.Certificate | vote.Opening) else self._all
                    commands += [Send(node, made) for node in to]
                case vote.Refused():
                    pass
                case told:
                    kept = {
                        "verdict": after.verdict,
                        "reported": after.reported,
                        "convicted": after.convicted,
                    }
                    commands += [Write(_KEPT, kept), Sync(), Notify(told)]
        return CounterHost(after), [*commands, *again]

    # --- voters

    @property
    def _all(self) -> tuple[str, ...]:
        return self.voters + self.counters

    def _vote(self, state: VoterHost, inp: Input) -> tuple[Host, list[Command]]:
        match inp:
            case Arrived(message=vote.Verdict() as verdict) if not vote.rejection_reason(
                verdict, self.public
            ):
                return attrs.evolve(state, is_over=True), [StopTimer(_GIVE_UP), StopTimer(_AGAIN)]
            case Arrived(message=vote.Retry() as retry):
                return self._joined(state, retry)
            case Arrived(source=source, message=vote.Opening() as opening) if (
                opening.retries
                and opening.round > _FROM_ANYBODY
                and source != self.coordinator(opening.round)
            ):
                return state, []
            case Arrived(message=message):
                return self._carried_out(state, vote.Receive(message))
            case Fired(timer=timer) if timer == _AGAIN:
                after, commands = self._carried_out(state, vote.Repeat())
                return after, [*commands, SetTimer(_AGAIN, _AGAIN_MS)]
            case Fired():
                return self._carried_out(state, vote.GiveUp())
            case _:
                return self._carried_out(state, inp)

    def _joined(self, state: VoterHost, retry: vote.Retry) -> tuple[Host, list[Command]]:
        """Somebody asks for a round: if f + 1 ask for a later one than this voter, it gives up at once."""
        if vote.rejection_reason(retry, self.public) or retry.round <= state.asked.get(retry.source, 0):
            return state, []
        state = attrs.evolve(state, asked=state.asked.set(retry.source, retry.round))
        rounds = sorted(state.asked.values(), reverse=True)
        is_behind = len(rounds) > self.public.f and rounds[self.public.f] > state.voter.durable.round
        return state, [SetTimer(_GIVE_UP, 0)] if is_behind and not state.is_over else []

    def _carried_out(self, state: VoterHost, inp: Any) -> tuple[VoterHost, list[Command]]:
        voter, effects = vote.voter.step(state.voter, inp)
        messages = (effect.message for effect in effects if isinstance(effect, vote.Send))
        said = state.said.union(each for each in messages if isinstance(each, Statement))
        commands = list(self._commands(voter, said, effects))
        return attrs.evolve(state, voter=voter, said=said), commands

    def _commands(
        self, voter: vote.Voter, said: frozenset[Statement], effects: Iterable[Any]
    ) -> Iterator[Command]:
        for effect in effects:
            match effect:
                case vote.Persist(durable=durable):
                    yield Write(_KEPT, (durable, said))
                    yield Sync()
                case vote.Send(message=message):
                    yield from (Send(node, message) for node in self._all if node != voter.name)
                    if isinstance(message, vote.Retry):
                        yield _patience(message.round)
                case vote.Entered(round=number):
                    yield Notify(effect)
                    yield _patience(number)


def _patience(number: int) -> SetTimer:
    grown = min(2 ** (number - 1), _PATIENCE_GROWS_MAX)
    return SetTimer(_GIVE_UP, Uniform(*(grown * ms for ms in _PATIENCE_MS)))
