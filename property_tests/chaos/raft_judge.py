"""The judge of Raft's part of a real run: its steps, as `property_tests.raft.recorder` takes them.

The configuration of the spec is written for the run: it names the servers, the proposals and the reads that
its logs speak of.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from impl import raft
from node.proposals import Proposal
from property_tests.chaos.second_run import CameBack, Happened, Taken
from property_tests.raft.host import Applied, Server
from property_tests.raft.recorder import RaftRecorder
from property_tests.raft.settings import SPECS, Setting
from tlacheck.harness import Size, SpecRun
from tlacheck.sim import Command, Notify, Send, StepRecord
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin

__all__ = ["FEATURES", "RaftFollower"]

#: The parts of the spec that a node has on (`node.raft_core.config_for`).
FEATURES: Final = ("PreVote", "CheckQuorum", "Reads", "Pipelining", "ConflictTerm")
_INVARIANTS: Final = (
    "TypeOK",
    "ElectionSafety",
    "LogMatching",
    "LeaderCompleteness",
    "StateMachineSafety",
    "CommitIndexInLog",
    "CommittedIsDurable",
    "ProgressIsSane",
    "MatchIndexIsTrue",
    "AppliedOnce",
    "LinearizableReads",
)
_TRACE_MAX: Final = 40


class RaftFollower:
    """Follows one run in `RaftEvents`. It is a `property_tests.chaos.judge.Follower`.

    Args:
        folder: where the configuration of the spec goes.
        nodes: the founders.
        runs: what happened to each server.

    Attributes:
        spec: the run of the spec.
        met: how often each thing happened.
    """

    def __init__(self, folder: Path, nodes: tuple[str, ...], runs: Mapping[str, Sequence[Happened]]) -> None:
        self.met: Counter[str] = Counter()
        config = folder / "RaftCluster.cfg"
        config.write_text(_configuration(nodes, runs.values()), encoding="utf-8")
        oracle = SpecOracle(Spec.load(SPECS / "RaftEvents.tla", config))
        origin = Origin(source="cluster", spec="RaftEvents.tla", config=config.name)
        self.spec = SpecRun(oracle, origin, trace_max=_TRACE_MAX)
        setting = Setting(
            founders=nodes,
            features=frozenset(FEATURES),
            entries_max=64,
            unacknowledged_max=256,
            election_ticks=10,
        )
        self._recorder = RaftRecorder(setting, Size(nodes), self.spec)
        self.spec.recorder = self._recorder

    def take(self, event: Taken) -> None:
        """Follow a step.

        Raises:
            Diverged: the spec does not allow it.
        """
        self.met["leaders"] += sum(isinstance(effect, raft.BecameLeader) for effect in event.effects)
        inp = event.logged.input
        message = inp.message if isinstance(inp, raft.Receive) else None
        self._recorder.on_step(
            StepRecord(
                at_ms=event.logged.at // 1_000_000,
                node=event.node,
                input=inp,
                sender=None if message is None else message.source,
                message=message,
                before=Server(event.before, None, 0),
                after=Server(event.after, None, 0, inputs=(inp,)),
                commands=tuple(_commands(event.effects)),
            )
        )

    def lose(self, message: Any) -> None:
        """Note that a message was lost."""
        self._recorder.on_lost(message)

    def come_back(self, event: CameBack) -> None:
        """Follow a restart."""
        self._recorder.on_restart(event.node, Server(event.state, None, 0))

    def finish(self) -> None:
        """Compare all at the end.

        Raises:
            Diverged: the spec has something else.
        """
        self.spec.finish(self._recorder.observe())


def _commands(effects: Iterable[raft.Effect]) -> Iterable[Command]:
    for effect in effects:
        match effect:
            case raft.Send(message=message):
                yield Send(message.dest, message)
            case raft.Apply(index=index, value=value):
                yield Notify(Applied(index, value, None))
            case raft.BecameLeader() | raft.ReadReady() | raft.ReadFailed() | raft.Refused():
                yield Notify(effect)


def _configuration(founders: tuple[str, ...], runs: Iterable[Sequence[Happened]]) -> str:
    """The configuration of the spec that speaks of this run."""
    values: set[str] = set()
    reads: set[str] = set()
    for run in runs:
        for event in run:
            match event:
                case Taken(logged=logged):
                    match logged.input:
                        case raft.ClientRequest(value=Proposal() as value):
                            values.add(str(value))
                        case raft.ReadIndex(read=read):
                            reads.add(str(read))
                case _:
                    pass

    def names(of: Iterable[str]) -> str:
        return "{" + ", ".join(sorted(of)) + "}"

    return f"""\\* A run of a real cluster, written by property_tests/chaos: its servers, proposals and reads.
SPECIFICATION EventSpec
CONSTANTS
    Server = {names(founders)}
    Founders = {names(founders)}
    Value = {names(values or {"v"})}
    Read = {names(reads or {"r"})}
    Nil = Nil
    NoOp = NoOp
    Features = {{{", ".join(f'"{feature}"' for feature in FEATURES)}}}
    MaxEntries = 64
    MaxUnacknowledged = 256
    ElectionTicks = 10
    LeaseTicks = 0
    MaxSkew = 1000000
VIEW EventView
INVARIANTS
    {" ".join(_INVARIANTS)}
"""
