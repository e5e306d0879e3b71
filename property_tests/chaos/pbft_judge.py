"""The judge of PBFT's part of a real run: its steps, as `property_tests.pbft` takes those of the simulator.

Each step goes to the recorder and the spec, and to `property_tests.pbft.invariants.Safety`, which knows what
the spec leaves out: answers to clients, requests that nobody made, refusals of what a right replica said.

The spec's state of a replica is the requests that were executed; that of the service is a snapshot. So the
decided batches are executed once more here, which tells by which requests each state came about. A state to
which they do not lead is a contradiction. A client's timestamps, which may be large, are counted off.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from impl import pbft
from impl.common.service import applied
from impl.pbft import rules
from node.pbft_core import PbftCore
from node.service import MACHINE
from property_tests.chaos.logs import Contradiction
from property_tests.chaos.second_run import CameBack, Happened, Taken
from property_tests.pbft.invariants import Safety
from property_tests.pbft.recorder import PbftRecorder
from tlacheck.conform.system import NotPossible
from tlacheck.harness import Broken, Size, SpecRun
from tlacheck.sim import StepRecord
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin

__all__ = ["PbftFollower"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "pbft"
#: The requests that were executed, in order: each its client, and its number among those of the client.
_Ledger: TypeAlias = tuple[tuple[str, int], ...]
_TRACE_MAX: Final = 40
_INVARIANTS: Final = (
    "Agreement",
    "CertificatesAgree",
    "VotesOnce",
    "CheckpointSafety",
    "LogIsBounded",
    "CertificatesAreProvable",
    "NewViewsAreWhole",
)


@attrs.frozen
class _Replica:
    """A replica, where the simulator has its host."""

    node: pbft.Node


class PbftFollower:
    """Follows one run in `PbftRuns`. It is a `property_tests.chaos.judge.Follower`.

    Args:
        folder: where the configuration of the spec goes.
        cores: replica -> its core.
        runs: what happened to each replica.

    Attributes:
        spec: the run of the spec.
        met: how often each thing happened.
    """

    def __init__(
        self, folder: Path, cores: Mapping[str, PbftCore], runs: Mapping[str, Sequence[Happened]]
    ) -> None:
        self.met: Counter[str] = Counter(leaders=1)  # the primary of view 0
        configs = {name: core.config for name, core in cores.items()}
        one = next(iter(configs.values()))
        config = folder / "PbftCluster.cfg"
        config.write_text(_configuration(one), encoding="utf-8")
        oracle = SpecOracle(Spec.load(_SPECS / "PbftRuns.tla", config))
        origin = Origin(source="cluster", spec="PbftRuns.tla", config=config.name)
        self.spec = SpecRun(oracle, origin, trace_max=_TRACE_MAX)
        steps = [event for run in runs.values() for event in run if isinstance(event, Taken)]
        numbers = _numbers(steps)
        self._executed = _executed(one, steps, numbers)
        size = Size(one.replicas)
        self._recorder = PbftRecorder(
            size,
            self.spec,
            configs=configs,
            name=lambda client, timestamp: (client, numbers[client, timestamp]),
            executed=self._ledger,
        )
        self.spec.recorder = self._recorder
        self._safety = Safety(size, one)

    def take(self, event: Taken) -> None:
        """Follow a step.

        Raises:
            Contradiction: it breaks a property that the spec does not have.
            Diverged: the spec does not allow it.
        """
        self.met["leaders"] += sum(
            isinstance(effect, pbft.EnteredView) and effect.primary == event.node for effect in event.effects
        )
        inp = event.logged.input
        if event.logged.stamp is None:
            _check(self._safety.on_request(event.node, inp))
        record = StepRecord(
            at_ms=event.logged.at // 1_000_000,
            node=event.node,
            input=inp,
            sender=None,
            before=_Replica(event.before),
            after=_Replica(event.after),
            commands=(),
            effects=event.effects,
        )
        _check(self._safety.on_step(record))
        try:
            self._recorder.on_step(record)
        except NotPossible as error:
            raise Contradiction("CheckpointSafety", str(error)) from error

    def lose(self, message: Any) -> None:
        """Note nothing: what the spec's replicas have sent they may not yet have heard."""

    def come_back(self, event: CameBack) -> None:
        """Follow a restart: nothing that was on the disk is lost."""
        _check(self._safety.on_restart(event.node, _Replica(event.state)))

    def finish(self) -> None:
        """Compare all at the end.

        Raises:
            Diverged: the spec has something else.
        """
        self.spec.finish(self._recorder.observe())

    def _ledger(self, state: pbft.State) -> _Ledger:
        if state not in self._executed:
            raise NotPossible("a replica has a state to which the decided batches do not lead")
        return self._executed[state]


def _check(broken: Iterator[Broken]) -> None:
    for each in broken:
        raise Contradiction(each.property, each.why)


def _numbers(steps: Iterable[Taken]) -> dict[tuple[str, int], int]:
    """The timestamps of each client's requests, counted off in their order: (client, timestamp) -> number."""
    stamps: defaultdict[str, set[int]] = defaultdict(set)
    for event in steps:
        inp = event.logged.input
        found: tuple[pbft.Request, ...] = ()
        if isinstance(inp, pbft.Receive) and isinstance(inp.message, pbft.Request):
            found = (inp.message,)
        elif isinstance(inp, pbft.Propose):
            found = inp.batch
        for effect in event.effects:
            if isinstance(effect, pbft.Executed):
                found += effect.batch
        for proposal in event.after.durable.accepted.values() if event.after is not event.before else ():
            found += proposal.batch
        for request in found:
            stamps[request.client].add(request.timestamp)
    return {
        (client, stamp): number
        for client, all_stamps in stamps.items()
        for number, stamp in enumerate(sorted(all_stamps), start=1)
    }


def _executed(
    config: pbft.Config, steps: Iterable[Taken], numbers: Mapping[tuple[str, int], int]
) -> dict[pbft.State, _Ledger]:
    """The states to which the decided batches lead, each with the requests that led there."""
    decided: dict[int, pbft.Batch] = {}
    for event in steps:
        for effect in event.effects:
            if isinstance(effect, pbft.Executed):
                decided.setdefault(effect.seq, effect.batch)
    state = config.first_state
    ledger: _Ledger = ()
    found: dict[pbft.State, _Ledger] = {state: ledger}
    seq = 1
    while (batch := decided.get(seq)) is not None:
        for request in batch:
            if rules.may_execute(state, request):
                state, _ = applied(MACHINE, state, request)
                ledger = (*ledger, (request.client, numbers[request.client, request.timestamp]))
        found[state] = ledger
        seq += 1
    return found


def _configuration(config: pbft.Config) -> str:
    """The configuration of the spec that speaks of this cluster."""
    return f"""\\* A run of a real cluster, written by property_tests/chaos: its replicas.
SPECIFICATION RunSpec
CONSTANTS
    Members = {{{", ".join(config.replicas)}}}
    Byzantine = {{}}
    MaxFaulty = {config.f}
    Rotation <- AnyRotation
    Primary <- PrimaryInRun
    Batch <- RunBatches
    MayExecute <- MayExecuteInRun
    Window = {config.window}
    Interval = {config.interval}
VIEW EventView
INVARIANTS
    {" ".join(_INVARIANTS)}
"""
