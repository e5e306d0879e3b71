"""The recorder of HotStuff runs: which steps of the spec a step of a replica was.

It asks `HotStuffRuns.tla` for each step by name, with all its arguments, and then whether the spec has what
the replica shows and has sent. Steps that show and send nothing new are none of the spec.

Runs are long, and the spec has every message ever sent, each with the whole chain of its block. So the
recorder forgets, once all correct replicas have committed some blocks more: `Forget` of the spec, whose
header says why no later step is judged otherwise. A block that conflicts with what all have committed is
stored without a step of the spec from then on; to vote for it, or to learn it, would be a failure.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from immutabledict import immutabledict

from impl import hotstuff
from impl.hotstuff import Block, Proposal, Timeout, Vote, proofs
from property_tests.hotstuff.adapter import Chains, observed
from tlacheck.harness import Size, SpecRun, SpecStep, spec_step
from tlacheck.sim import Notify, Send, StepRecord
from tlacheck.tlc.oracle import OracleState
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["HotStuffRecorder", "said_in"]

#: So many committed blocks are kept at least, so that the spec judges forks from the last of them; it is
#: asked to forget when there are so many more.
_KEPT: Final = 4
_FORGOTTEN_AT_ONCE: Final = 6


def said_in(record: StepRecord) -> Iterator[Vote | Timeout | Block]:
    """The votes, time-outs and blocks of its own that a replica sent in a step, to itself too."""
    sent: Iterable[Any] = (command.message for command in record.commands if isinstance(command, Send))
    for message in (*sent, *record.after.inbox):
        match message:
            case Vote(source=source) | Timeout(source=source) if source == record.node:
                yield message
            case Proposal(block=block) if block.proposer == record.node:
                yield block


class HotStuffRecorder:
    """Follows the replicas of one run in the spec. It is a `SpecRecorder`.

    Args:
        size: of the cluster.
        spec: the run of the spec.
        nodes: by name, the correct replicas as they start.
    """

    def __init__(self, size: Size, spec: SpecRun, nodes: Mapping[str, hotstuff.Node]) -> None:
        self._spec = spec
        self._byzantine = size.byzantine
        self._nodes = dict(nodes)
        self._genesis = next(iter(nodes.values())).config.genesis
        self._chains = Chains(self._genesis)
        self._stored: dict[str, set[Value]] = {name: set() for name in nodes}
        self._said: set[tuple[Any, ...]] = set()

    # --- `tlacheck.harness.SpecRecorder`

    def observe(self) -> Mapping[str, Value]:
        """All variables but messages and blocks: what is sent is compared at each step."""
        return observed(self._nodes, self._chains)

    def shown(self, states: Sequence[OracleState], *, is_whole: bool) -> list[State]:
        """The states of a trace."""
        del is_whole
        return [state.values for state in states]

    def on_step(self, record: StepRecord) -> None:
        """Follow a step of an honest replica."""
        if record.node in self._byzantine:
            return
        before, node = self._spec.at, record.after.node
        steps = list(self._steps(record.node, record.commands))
        for step in steps:
            self._spec.follow(step)
        fresh = [said for said in said_in(record) if _key(said) not in self._said]
        self._said.update(map(_key, fresh))
        is_same = _shown(node) == _shown(self._nodes[record.node])
        self._nodes[record.node] = node
        if not steps and not fresh and is_same:
            return
        sent = frozenset(self._message(record.node, said) for said in fresh)
        if not self._spec.oracle.holds("Sends", before, sent, after=self._spec.at):
            self._spec.fail(f"after {record.input!r}, the spec sends something else than {record.node}")
        self._compare(record.node, f"after {record.input!r}")
        self._forget()

    def on_restart(self, node: str, state: Any) -> None:
        """Follow a replica that comes back."""
        self._nodes[node] = state.node
        self._spec.follow(_call("Restart", node))
        self._compare(node, f"after {node} came back")

    # --- which steps of the spec it was

    def _steps(self, name: str, commands: Iterable[Any]) -> Iterator[SpecStep]:
        """The steps of the spec that a step of a replica is: as the core tells of them, in order."""
        for command in commands:
            match command:
                case Notify(what=hotstuff.Proposed(block=block)):
                    chain: Any = self._learned(block)
                    yield _call("Propose", name, batch=chain[-1]["batch"])
                case Notify(what=hotstuff.Stored(block=block)):
                    yield from self._storing(name, block)
                case Notify(what=hotstuff.Voted(block=digest)):
                    yield _call("Vote", name, block=self._chains[digest])
                case Notify(what=hotstuff.Learned(block=digest)):
                    yield _call("Learn", name, block=self._chains[digest])
                case Notify(what=hotstuff.TimedOut()):
                    yield _call("TimeOut", name)
                case Notify(what=hotstuff.Joined(view=view)):
                    yield _call("Join", name, view=view)
                case Notify(what=hotstuff.Entered(view=view)):
                    yield _call("Enter", name, view=view)

    def _storing(self, name: str, block: Block) -> Iterator[SpecStep]:
        if self._chains.is_forgotten(block):
            return
        chain: Any = self._learned(block)
        stored = self._stored[name]  # it may be there: the spec does not tell all blocks apart
        missing = itertools.takewhile(
            lambda each: each not in stored, (chain[:length] for length in range(len(chain), 0, -1))
        )
        for each in reversed(list(missing)):  # several, if a snapshot stands for them
            stored.add(each)
            yield spec_step("Store", node=ModelValue(name), block=each).by("StoreStep")

    def _learned(self, block: Block) -> Value:
        digest = proofs.block_digest(block)
        return self._chains[digest] if self._chains.knows(digest) else self._chains.add(block)

    def _message(self, name: str, said: Vote | Timeout | Block) -> Value:
        source = ModelValue(name)
        match said:
            case Vote(block=block):
                return immutabledict(type="Vote", source=source, block=self._chains[block])
            case Timeout(view=view, high=high):
                return immutabledict(type="Timeout", source=source, view=view, high=self._chains[high.block])
            case _:
                return immutabledict(type="Proposal", source=source, block=self._learned(said))

    def _compare(self, name: str, when: str) -> None:
        shown = observed({name: self._nodes[name]}, self._chains)
        values: list[Any] = [shown[each] for each in ("view", "voted", "timed", "high", "lock", "committed")]
        node = ModelValue(name)
        if not self._spec.holds("Shows", node, *(value[node] for value in values)):
            self._spec.compare(self.observe(), when)
            self._spec.fail(f"{when}, the spec does not have what {name} shows")

    # --- forgetting

    def _forget(self) -> None:
        """Forget what cannot matter any more, if it is much."""
        chains: list[Any] = [self._chains[node.durable.committed] for node in self._nodes.values()]
        shortest = min(chains, key=len)
        if len(shortest) < _KEPT + _FORGOTTEN_AT_ONCE:
            return
        base = shortest[: 1 - _KEPT]
        self._spec.follow(spec_step("Forget", block=base).by("Forget"))
        self._chains.cut(base)
        for name, stored in self._stored.items():
            self._stored[name] = {after for chain in stored if (after := self._chains.after_cut(chain, base))}


def _call(action: str, name: str, **arguments: Value) -> SpecStep:
    return spec_step(action, node=ModelValue(name), **arguments).by(f"{action}Event")


def _shown(node: hotstuff.Node) -> tuple[Any, ...]:
    durable = node.durable
    blocks = (durable.high.block, durable.lock.block, durable.committed)
    return (node.view, durable.voted, durable.timed, *blocks)


def _key(said: Vote | Timeout | Block) -> tuple[Any, ...]:
    match said:
        case Vote(view=view, block=block, source=source):
            return ("vote", source, view, block)
        case Timeout(view=view, high=high, source=source):
            return ("timeout", source, view, high.block)
        case _:
            return ("block", proofs.block_digest(said))
