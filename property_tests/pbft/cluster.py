"""A simulated PBFT cluster: correct replicas with their hosts, traitors with their strategies, clients and faults.

The replicas live in a `tlacheck.sim.Cluster` (`hosting.py`). Every step of a correct replica is told to `Safety`, and,
if the run is recorded, to a `Journal`, which finds the steps of the spec in it. What either of them finds wrong ends the
run: `Diverged`.

A crash within a step leaves either the whole step, of which the messages that were not sent yet are lost, or none
of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import attrs

from impl import pbft
from property_tests.judged import Violated
from property_tests.pbft.hosting import Hosted, PbftCore, Taken, Times, whole
from property_tests.pbft.safety import Safety
from property_tests.pbft.strategies import Den, behaviours
from property_tests.replicas import Replicas
from tlacheck.sim import Cluster as Simulated
from tlacheck.sim import Fault, Network, Uniform

__all__ = ["Cluster", "Recorder", "Setting", "views_ahead"]


#: How many entries of the log of a failing run are written.
_SHOWN_ENTRIES: Final = 400


class Recorder(Protocol):
    """Who writes down what correct replicas do, as steps of the spec."""

    def step(self, taken: Taken) -> None:
        """A correct replica took a step."""


@attrs.frozen(kw_only=True)
class Setting(Replicas):
    """Which cluster to simulate.

    Attributes:
        f: how many the others allow for; the greatest tolerated if None.
        window: how far beyond its stable checkpoint a replica goes.
        interval: how many numbers a checkpoint is apart from the next.
        batch_max: how many requests a batch may have.
        patience_max: how patient a replica becomes at most.
        service: what is replicated.
        times: how long things take.
    """

    f: int | None = None
    window: int = 8
    interval: int = 4
    batch_max: int = 4
    patience_max: int = 4
    service: pbft.Service = pbft.LEDGER
    times: Times = attrs.field(factory=Times)

    def liveness_bound_ms(self, ahead: int) -> int:
        """How long a healed cluster may take to answer a new request at all correct replicas, virtual milliseconds.

        The traitors may be the next primaries one after the other, each of whom costs the longest patience; as much
        again for correct primaries of whom too many others were still in another view; and once more for the checkpoint
        from which a replica that lags takes over the state.

        Args:
            ahead: how many views some correct replicas are ahead of the others, too few for these to join them (paper,
                4.5.2). It takes timers that fired too early. The others leave one view after the other until they
                are there.
        """
        return (2 * len(self.traitors) + 4 + ahead) * self.patience_max * self.times.timeout_ms


def views_ahead(views: Iterable[int], f: int) -> int:
    """How many views the first correct replicas are ahead of the first that the others would join, f + 1 of them."""
    latest = sorted(views, reverse=True)
    return latest[0] - latest[f]


class Cluster:
    """A cluster, its traitors, its clients, and the judges of each step.

    Args:
        setting: which replicas there are.
        seed: decides delays, and what strategies draw.
        network: what the network does by itself; by default each message takes 1 to 20 ms.
        only: which properties end the run if they are broken; all if None.
        record: makes of the configurations of all replicas and the names of the traitors who writes down the steps.

    Attributes:
        sometimes: how often each interesting situation was met.
        steps: how many steps correct replicas took.
        broken: the properties that do not hold, each with the first time in words.
        safety: the judge.
        den: what the traitors share.
        correct: the names of the replicas that are not traitors.
        simulated: all replicas in their world.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        seed: int,
        network: Network | None = None,
        only: frozenset[str] | None = None,
        record: Callable[[dict[str, pbft.Config], frozenset[str]], Recorder] | None = None,
    ) -> None:
        self.setting = setting
        self.sometimes: Counter[str] = Counter()
        self.steps = 0
        self.broken: dict[str, str] = {}
        limits: dict[str, Any] = {} if setting.f is None else {"f": setting.f}
        self.configs = {
            name: pbft.Config(
                name,
                setting.names,
                pbft.SymbolicKeys(name),
                window=setting.window,
                interval=setting.interval,
                batch_max=setting.batch_max,
                patience_max=setting.patience_max,
                service=setting.service,
                **limits,
            )
            for name in setting.names
        }
        self.den = Den(self.configs, setting.traitors)
        self.correct = self.den.honest
        self.safety = Safety({name: self.configs[name] for name in self.correct})
        self._only = only
        self._recorder = record(self.configs, self.den.traitors) if record else None
        self._clients: Counter[str] = Counter()
        self.simulated: Simulated[Hosted, Any, Any] = Simulated(
            PbftCore(self.configs, times=setting.times, watch=self._watch),
            setting.names,
            seed=seed,
            network=network or Network(delay=Uniform(1, 20)),
            behaviours=behaviours(self.den),
            tear=whole,
        )

    @property
    def world(self) -> Any:
        """Time, timers and messages in flight."""
        return self.simulated.world

    @property
    def log_text(self) -> str:
        """The last entries of the log, one a line."""
        return "".join(f"{entry}\n" for entry in self.simulated.log[-_SHOWN_ENTRIES:])

    def node(self, name: str) -> pbft.Node:
        """A replica as it is; of one that is down, as it was."""
        return self.simulated.states[name].node

    # --- time, clients, faults

    def advance(self, for_ms: int) -> None:
        """Let so many virtual milliseconds pass.

        Raises:
            Violated: a property does not hold.
        """
        self.simulated.advance(for_ms)

    def ask(self, client: str, operation: pbft.Value, replicas: Iterable[str] | None = None) -> pbft.Request:
        """A client asks for something, of all replicas or of some; its timestamps grow."""
        self._clients[client] += 1
        request = pbft.Request(client=client, timestamp=self._clients[client], operation=operation)
        request = pbft.signed(request, pbft.SymbolicKeys(client))
        self.safety.asked(request)
        self.ask_again(request, replicas)
        return request

    def ask_again(self, request: pbft.Request, replicas: Iterable[str] | None = None) -> None:
        """The same request once more."""
        for name in replicas if replicas is not None else self.setting.names:
            self.simulated.request(name, pbft.Receive(request))

    def lose_patience(self, name: str) -> None:
        """The view-change timer of a replica fires too early."""
        self.simulated.request(name, pbft.Timeout())

    def inflict(self, name: str, **parameters: object) -> bool:
        """Let the fault of this name happen. False if it found nothing to do."""
        is_done = self.simulated.inflict(Fault.of(name, **parameters))
        self.sometimes[name] += is_done
        return is_done

    def betray(self, traitor: str, strategy: str) -> None:
        """From now on a traitor follows this strategy."""
        self.inflict("betray", node=traitor, behaviour=strategy)

    # --- liveness

    def conclude(self) -> None:
        """The run is over: all faults but the traitors' end, and the cluster makes progress.

        Raises:
            Violated: as `heal_and_expect_progress`.
        """
        self.heal_and_expect_progress()

    def heal_and_expect_progress(self) -> None:
        """End all faults but the traitors'; what a client asks for then must be executed by all correct replicas.

        Other clients go on asking, so that checkpoints are made, from which replicas that were left behind recover.

        Raises:
            Violated: it is not, within `Setting.liveness_bound_ms`.
        """
        self.simulated.simulation.stabilise()
        views = [self.node(name).durable.view for name in self.correct]
        bound_ms = self.setting.liveness_bound_ms(views_ahead(views, self.configs["r0"].f))
        until_ms = self.world.now_ms + bound_ms
        request = self.ask("healed", self.world.now_ms)
        known = max(self.node(name).durable.executed for name in self.correct)
        while self.world.now_ms < until_ms:
            if self._is_executed(request, beyond=known):
                self.sometimes["all faults end and the cluster makes progress"] += 1
                return
            self.advance(self.setting.times.again_ms)
            self.ask_again(request)
            self.ask("meanwhile", self.world.now_ms)
        where = ", ".join(
            f"{name} in view {node.durable.view}{' changing' if node.durable.changing else ''}, executed "
            f"{node.durable.executed}, stable {node.durable.stable.seq}"
            for name, node in ((name, self.node(name)) for name in self.correct)
        )
        raise Violated(
            (
                "Progress",
                f"{bound_ms} ms after all faults ended, a request is not executed: {where}",
            )
        )

    def _is_executed(self, request: pbft.Request, *, beyond: int) -> bool:
        """Return whether its client believes an answer, and all correct replicas have executed it, and more than before."""
        durables = [self.node(name).durable for name in self.correct]
        answers = [durable.state.last_answer(request.client) for durable in durables]
        return (
            self.safety.believes(request)
            and all(last is not None and last.timestamp >= request.timestamp for last in answers)
            and all(durable.executed > beyond for durable in durables)
        )

    # --- watching

    def _watch(self, taken: Taken) -> None:
        if taken.name in self.den.traitors or self._is_undone(taken):
            return
        self.steps += taken.input is not None
        self._note(taken)
        broken = list(self.safety.step(taken))
        if self._recorder is not None:
            self._recorder.step(taken)
        for each in broken:
            self.broken.setdefault(each[0], each[1])
            if self._only is None or each[0] in self._only:
                raise Violated(each)

    def _is_undone(self, taken: Taken) -> bool:
        """Return whether a crash comes before what this step writes is on the disk: then it never happened."""
        cut = self.simulated.simulation.crashes_in_step(taken.name)
        if cut is None or taken.before is None:
            return False
        persists = any(isinstance(effect, pbft.Persist) for effect in taken.effects)
        self.sometimes["a step is lost in a crash"] += persists and cut["done"] < 2
        return persists and cut["done"] < 2

    def _note(self, taken: Taken) -> None:
        """Count what is interesting."""
        for effect in taken.effects:
            match effect:
                case pbft.EnteredView(view=view):
                    self.sometimes["a view is entered"] += 1
                    certificates = taken.after.durable.entered
                    if certificates is not None and any(made.batch for made in certificates.proposals):
                        self.sometimes["a view change carries a batch over"] += 1
                    if certificates is not None and any(not made.batch for made in certificates.proposals):
                        self.sometimes["a null batch fills a gap"] += 1
                    if self.configs[taken.name].primary(view) in self.den.traitors:
                        self.sometimes["a traitor begins a view"] += 1
                case pbft.Executed():
                    self.sometimes["a batch is executed"] += 1
                case pbft.Transferred():
                    self.sometimes["a state is transferred"] += 1
                case pbft.Refused(why=why):
                    self.sometimes[f"refused: {why.name}"] += 1
        before = taken.before.durable if taken.before is not None else taken.after.durable
        self.sometimes["a checkpoint is stable"] += before.stable is not taken.after.durable.stable
        self.sometimes["a timer fires"] += isinstance(taken.input, pbft.Timeout)
        self.sometimes["a replica comes back from a crash"] += taken.before is None
