"""The judge of HotStuff's part of a real run, as `property_tests.hotstuff` judges those of the simulator.

Each step goes to the recorder and the spec, and to the invariants and judges that know no spec. These know
the simulator's service; so that replicas which committed the same block have the same state is judged here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from impl import hotstuff
from impl.common.requests import Reply
from node.hotstuff_core import HotStuffCore
from property_tests.chaos.logs import Contradiction
from property_tests.chaos.second_run import CameBack, Happened, Taken
from property_tests.hotstuff.host import ReplicaHost
from property_tests.hotstuff.invariants import INVARIANTS, History, Linearizable
from property_tests.hotstuff.recorder import HotStuffRecorder
from tlacheck.conform.system import NotPossible
from tlacheck.errors import ConfigError
from tlacheck.harness import Broken, Finding, Size, SpecRun
from tlacheck.sim import Command, Notify, Send, StepRecord
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin

__all__ = ["HotStuffFollower"]

_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "hotstuff"
_TRACE_MAX: Final = 40
_ROTATIONS: Final = {4: "FourReplicas", 7: "SevenReplicas"}
_INVARIANTS: Final = ("TypeOK", "Agreement")


class HotStuffFollower:
    """Follows one run in `HotStuffRuns`. It is a `property_tests.chaos.judge.Follower`.

    Args:
        folder: where the configuration of the spec goes.
        cores: replica -> its core.
        runs: what happened to each replica.

    Attributes:
        spec: the run of the spec.
        met: how often each thing happened.

    Raises:
        ConfigError: the spec has no rotation of so many replicas.
    """

    def __init__(
        self, folder: Path, cores: Mapping[str, HotStuffCore], runs: Mapping[str, Sequence[Happened]]
    ) -> None:
        del runs
        self.met: Counter[str] = Counter(leaders=1)  # that of view 1
        one = next(iter(cores.values())).config
        config = folder / "HotStuffCluster.cfg"
        config.write_text(_configuration(one), encoding="utf-8")
        oracle = SpecOracle(Spec.load(_SPECS / "HotStuffRuns.tla", config))
        origin = Origin(source="cluster", spec="HotStuffRuns.tla", config=config.name)
        self.spec = SpecRun(oracle, origin, trace_max=_TRACE_MAX)
        nodes = {name: core.first() for name, core in cores.items()}
        size = Size(one.replicas)
        self._recorder = HotStuffRecorder(size, self.spec, nodes)
        self.spec.recorder = self._recorder
        self._hosts = {name: ReplicaHost(node) for name, node in nodes.items()}
        self._judges = (History(size), Linearizable(size))
        self._states: dict[str, Any] = {}
        self._left: set[int] = set()

    def take(self, event: Taken) -> None:
        """Follow a step.

        Raises:
            Contradiction: it breaks a property that the spec does not have.
            Diverged: the spec does not allow it.
        """
        own = tuple(message for dest, message in event.messages if dest == event.node)
        host = ReplicaHost(event.after, own)
        record = StepRecord(
            at_ms=event.logged.at // 1_000_000,
            node=event.node,
            input=event.logged.input,
            sender=None,
            before=self._hosts[event.node],
            after=host,
            commands=tuple(_commands(event)),
        )
        self._hosts[event.node] = host
        for judge in self._judges:
            _check(judge.on_step(record))
        try:
            self._recorder.on_step(record)
        except NotPossible as error:
            raise Contradiction("Known", str(error)) from error
        self._compare(event)

    def lose(self, message: Any) -> None:
        """Note nothing: what the spec's replicas have sent they may not yet have heard."""

    def come_back(self, event: CameBack) -> None:
        """Follow a restart: nothing that was on the disk is lost."""
        self._hosts[event.node] = ReplicaHost(event.state)
        self._recorder.on_restart(event.node, self._hosts[event.node])

    def finish(self) -> None:
        """Compare all at the end.

        Raises:
            Diverged: the spec has something else.
        """
        self.spec.finish(self._recorder.observe())

    def _compare(self, event: Taken) -> None:
        """Hold a replica against the invariants, and its state against that of others at the same block."""
        self._left |= {each.view for each in event.effects if isinstance(each, hotstuff.Entered)}
        self.met["leaders"] = 1 + len(self._left)
        durable = event.after.durable
        if durable is event.before.durable:
            return
        for invariant in INVARIANTS:
            if why := invariant.broken(self._hosts):
                raise Contradiction(invariant.name, why)
        state = self._states.setdefault(durable.committed, durable.state)
        if state != durable.state:
            raise Contradiction(
                "StateMachineSafety",
                f"{event.node} has another state than a replica that committed the same block",
            )


def _commands(event: Taken) -> Iterator[Command]:
    for dest, message in event.messages:
        if dest != event.node:
            yield Send(dest, message)
    for effect in event.effects:
        if not isinstance(effect, hotstuff.Send):
            yield Notify(effect)
        elif isinstance(effect.message, Reply):
            yield Notify(effect.message)


def _check(findings: Iterable[Finding]) -> None:
    for each in findings:
        if isinstance(each, Broken):
            raise Contradiction(each.property, each.why)


def _configuration(config: hotstuff.Config) -> str:
    """The configuration of the spec that speaks of this cluster: replicas by their places in the rotation."""
    rotation = _ROTATIONS.get(config.n)
    if rotation is None:
        known = " or ".join(str(count) for count in _ROTATIONS)
        raise ConfigError(f"runs of HotStuff with {config.n} nodes are not judged: use {known}")
    names = [*config.replicas, *(f"none{place}" for place in range(config.n, max(_ROTATIONS)))]
    places = "\n".join(f"    r{place} = {name}" for place, name in enumerate(names))
    return f"""\\* A run of a real cluster, written by property_tests/chaos: its replicas.
SPECIFICATION EventSpec
CONSTANTS
{places}
    x = x
    y = y
    Rotation <- {rotation}
    Byzantine = {{}}
    MaxFaulty = {config.f}
    Batch = {{x, y}}
    MaxView = 0
    Impatient = {{}}
    Crashing = {{}}
VIEW EventView
INVARIANTS
    {" ".join(_INVARIANTS)}
"""
