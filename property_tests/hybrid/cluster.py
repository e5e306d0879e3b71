"""A simulated cluster of the hybrid: correct replicas with their hosts, traitors with their strategies, clients and faults.

The replicas and the clients live in a `tlacheck.sim.Cluster` (`hosting.py`). Every step of a correct replica is told to
`Safety`, and, if the run is recorded, to a `Recorder`. What either of them finds wrong ends the run: `Violated`.

A crash within a step leaves either the whole step, of which the messages that were not sent yet are lost, or none
of it.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import attrs

from impl import hybrid, pbft, threat
from property_tests.hybrid.hosting import Ask, Hosted, HybridCore, Raised, State, Taken, Times, whole
from property_tests.hybrid.safety import Safety, links
from property_tests.hybrid.strategies import Den, behaviours
from property_tests.judged import Broken, Violated
from property_tests.pbft.cluster import views_ahead
from property_tests.replicas import Replicas
from tlacheck.histories import Legality, Limits, check, key_value
from tlacheck.histories import Recorder as Notes
from tlacheck.sim import Behaviour, Fault, Network, Uniform
from tlacheck.sim import Cluster as Simulated

__all__ = ["HEALED", "Cluster", "Recorder", "Registers", "Setting"]

#: The client whose operations show that a healed cluster serves.
HEALED: Final = "healed"

#: What a check of a history may cost.
_LIMITS: Final = Limits(configurations=400_000)

#: How many entries of the log of a failing run are written.
_SHOWN_ENTRIES: Final = 400


class Recorder(Protocol):
    """Who writes down what correct replicas do, and what clients believe, as steps of the spec."""

    def step(self, taken: Taken) -> None:
        """A correct replica took a step."""

    def believes(self, client: str, believed: hybrid.Believed) -> None:
        """A client came to believe something."""


@attrs.frozen
class Registers:
    """The ledger of all that was ever done, in its order, and a map from keys to values.

    | operation               | does                              | answers (with the number of the operation) |
    |-------------------------|-----------------------------------|--------------------------------------------|
    | `("get", key)`          | nothing                           | what is there, None if nothing is          |
    | `("put", key, value)`   | writes                            | None                                       |
    | `("cas", key, old, new)`| writes if the old value is there  | whether it did                             |
    | anything else           | nothing                           | `"what?"`                                  |
    """

    @property
    def initial(self) -> pbft.Value:
        """Nothing was done."""
        return (pbft.LEDGER.initial, ())

    def apply(self, value: pbft.Value, request: pbft.Request) -> tuple[pbft.Value, pbft.Value]:
        """One operation more."""
        held: Any
        done, held = value if isinstance(value, tuple) and len(value) == 2 else ((), ())
        done, number = pbft.LEDGER.apply(done, request)
        cells: dict[Any, Any] = dict(held) if isinstance(held, tuple) else {}
        answer: pbft.Value = "what?"
        match request.operation:
            case ("get", str() as key):
                answer = cells.get(key)
            case ("put", str() as key, item):
                cells[key], answer = item, None
            case ("cas", str() as key, old, new):
                answer = cells.get(key) == old
                if answer:
                    cells[key] = new
        return (done, tuple(sorted(cells.items()))), (number, answer)

    @staticmethod
    def done(value: Any) -> Any:
        """The ledger in a state."""
        return value[0]


@attrs.frozen(kw_only=True)
class Setting(Replicas):
    """Which cluster to simulate.

    Attributes:
        clients: the names of the correct clients, beside `HEALED`.
        f: how many the others allow for; the greatest tolerated if None.
        limits: further settings of `impl.hybrid.Config`.
        threat: settings of `impl.threat.Config`.
        times: how long things take.
    """

    clients: tuple[str, ...] = ("c0", "c1", "c2", "c3")
    f: int | None = None
    limits: Mapping[str, Any] = attrs.field(
        factory=lambda: {
            "chain_max": 10,
            "standstill_ticks": 14,
            "dwell_ticks": 6,
            "backoff_max": 4,
            "window": 16,
            "interval": 8,
            "batch_max": 4,
            "patience_max": 4,
            "service": Registers(),
        }
    )
    threat: Mapping[str, Any] = attrs.field(
        factory=lambda: {"decay": 5, "dwell_ticks": 3, "calm_ticks": 6, "restate_ticks": 2}
    )
    times: Times = attrs.field(factory=Times)

    def config(self, name: str) -> hybrid.Config:
        """The configuration of a replica."""
        limits: dict[str, Any] = {} if self.f is None else {"f": self.f}
        level = threat.Config(name, self.names, **limits, **self.threat)
        return hybrid.Config(name, self.names, pbft.SymbolicKeys(name), **limits, **self.limits, threat=level)

    def client(self, name: str) -> hybrid.Client:
        """A client as it begins."""
        f = self.config("r0").f
        return hybrid.Client(name=name, replicas=self.names, f=f, keys=pbft.SymbolicKeys(name))

    def pbft_bound_ms(self, ahead: int = 0) -> int:
        """How long PBFT may take to decide on something new at all correct replicas: `property_tests.pbft.cluster` says why."""
        patience_max = self.config("r0").patience_max
        return (2 * len(self.traitors) + 4 + ahead) * patience_max * self.times.view_ms

    def progress_bound_ms(self, ahead: int) -> int:
        """How long a healed cluster may take to serve a new client, whatever traitors do, virtual milliseconds.

        Its Raft epoch may stand still, be closed, and be followed by a BFT epoch in which the operation is decided. What traitors
        do may end that one before, once: then all of it again.

        Args:
            ahead: as `property_tests.pbft.cluster` has it.
        """
        standstill = self.config("r0").standstill_ticks * self.times.tick_ms
        return 2 * (standstill + 2 * self.pbft_bound_ms(ahead))

    @property
    def return_bound_ms(self) -> int:
        """How long a healed cluster may take, when the attack is over, until a Raft epoch serves, virtual milliseconds.

        All scores fade, each level is left after its dwell, the longest BFT epoch lasts for its dwell, one Raft epoch may come
        to nothing, and each switch is a decision of PBFT.
        """
        config = self.config("r0")
        fading = config.threat.score_max // config.threat.decay
        calm = fading + 3 * config.threat.dwell_ticks + config.threat.calm_ticks
        ticks = calm + 2 * config.dwell_ticks * config.backoff_max + 2 * config.standstill_ticks
        return ticks * self.times.tick_ms + 3 * self.pbft_bound_ms()


class Cluster:
    """A cluster, its traitors, its clients, and the judges of each step.

    Args:
        setting: which replicas there are.
        seed: decides delays, and what strategies draw.
        network: what the network does by itself; by default each message takes 1 to 20 ms.
        only: which properties end the run if they are broken; all if None.
        record: makes of the configurations of all replicas and the names of the traitors who writes down the steps.
        further: behaviours of traitors by name, besides those of `strategies.py`.

    Attributes:
        sometimes: how often each interesting situation was met.
        steps: how many steps correct replicas took.
        broken: the properties that do not hold, each with the first time in words.
        safety: the judge.
        den: what the traitors share.
        correct: the names of the replicas that are not traitors.
        simulated: all replicas and clients in their world.
        notes: what the clients asked, and what they believe, for `tlacheck.histories`.
        believed: what each client believed last.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        seed: int,
        network: Network | None = None,
        only: frozenset[str] | None = None,
        record: Callable[[dict[str, hybrid.Config], frozenset[str]], Recorder] | None = None,
        further: Mapping[str, Behaviour] | None = None,
    ) -> None:
        self.setting = setting
        self.sometimes: Counter[str] = Counter()
        self.steps = 0
        self.broken: dict[str, str] = {}
        self.configs = {name: setting.config(name) for name in setting.names}
        self.den = Den(self.configs, setting.traitors)
        self.correct = self.den.honest
        self.safety = Safety({name: self.configs[name] for name in self.correct})
        self.notes = Notes()
        self.believed: dict[str, hybrid.Believed] = {}
        self._open: dict[str, int] = {}
        self._switched: set[tuple[int, str]] = set()
        self._only = only
        self._recorder = record(self.configs, self.den.traitors) if record else None
        clients = {name: setting.client(name) for name in (*setting.clients, HEALED)}
        self.simulated: Simulated[State, Any, Any] = Simulated(
            HybridCore(
                self.configs,
                clients,
                times=setting.times,
                watch=self._watch,
                watch_clients=self._watch_clients,
            ),
            (*setting.names, *clients),
            seed=seed,
            network=network or Network(delay=Uniform(1, 20)),
            behaviours={**behaviours(self.den), **(further or {})},
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

    def node(self, name: str) -> hybrid.Node:
        """A replica as it is; of one that is down, as it was."""
        hosted = self.simulated.states[name]
        if not isinstance(hosted, Hosted):
            raise KeyError(f"{name} is a client")
        return hosted.node

    def client(self, name: str) -> hybrid.Client:
        """A client as it is."""
        client = self.simulated.states[name]
        if not isinstance(client, hybrid.Client):
            raise KeyError(f"{name} is a replica")
        return client

    # --- time, clients, faults

    def advance(self, for_ms: int) -> None:
        """Let so many virtual milliseconds pass.

        Raises:
            Violated: a property does not hold.
        """
        self._total(lambda: self.simulated.advance(for_ms))

    def ask(self, client: str, what: pbft.Value) -> bool:
        """A client asks for something, of all replicas, again and again until it knows. False if it still waits."""
        if not self.client(client).is_done:
            return False
        self._total(lambda: self.simulated.request(client, Ask(what)))
        return True

    def give(self, request: pbft.Request, replicas: Iterable[str] | None = None) -> None:
        """A request that a client of whatever kind signed comes to these replicas, or to all."""
        self.safety.asked(request)
        for name in replicas if replicas is not None else self.setting.names:
            self._total(functools.partial(self.simulated.request, name, hybrid.Receive(request)))

    def lose_patience(self, name: str, timer: hybrid.Input) -> None:
        """A timer of a replica fires too early."""
        self._total(lambda: self.simulated.request(name, timer))

    def disturb(self, name: str, message: object) -> None:
        """A stranger sends something to a replica."""
        self._total(lambda: self.simulated.request(name, hybrid.Receive(message)))

    def inflict(self, name: str, **parameters: object) -> bool:
        """Let the fault of this name happen. False if it found nothing to do."""
        is_done = False

        def happen() -> None:
            nonlocal is_done
            is_done = self.simulated.inflict(Fault.of(name, **parameters))

        self._total(happen)
        self.sometimes[name] += is_done
        return is_done

    def betray(self, traitor: str, strategy: str) -> None:
        """From now on a traitor follows this strategy."""
        self.inflict("betray", node=traitor, behaviour=strategy)

    def _total(self, happen: Callable[[], object]) -> None:
        """Let something happen; that a step raises is a property as well."""
        try:
            happen()
        except Raised as error:
            self._found(("Total", str(error)))

    def judge_history(self) -> None:
        """What the clients of the run saw is linearizable, over all its switches.

        Raises:
            Violated: it is not.
        """
        result = check(self.notes.history(), key_value(), limits=_LIMITS)
        if result.legality is Legality.OK:
            self.sometimes["operations of a linearizable history"] += result.operations
        elif result.legality is Legality.ILLEGAL:
            self._found(("Linearizable", result.reason))

    # --- liveness

    def conclude(self) -> None:
        """The run is over: all faults but the traitors' end, the cluster makes progress, and clients have seen one service.

        Raises:
            Violated: as `expect_progress` and `judge_history`.
        """
        self.heal()
        self.expect_progress()
        self.judge_history()

    def heal(self) -> None:
        """End all faults but the traitors'."""
        self._total(self.simulated.simulation.stabilise)

    def expect_progress(self) -> None:
        """All faults but the traitors' have ended: what a client asks for now must be believed.

        Raises:
            Violated: it is not, within `Setting.progress_bound_ms`.
        """
        views = [self.node(name).pbft.durable.view for name in self.correct]
        bound_ms = self.setting.progress_bound_ms(views_ahead(views, self.configs["r0"].f))
        self._expect("Progress", bound_ms, lambda _: True)
        self.sometimes["all faults end and the cluster makes progress"] += 1

    def expect_return(self) -> None:
        """The attack is over as well: a Raft epoch must serve.

        Raises:
            Violated: it does not, within `Setting.return_bound_ms`.
        """
        self._expect("Return", self.setting.return_bound_ms, lambda believed: believed.term > 0)
        self.sometimes["the attack ends and a Raft epoch serves"] += 1

    def _expect(self, rule: str, bound_ms: int, is_enough: Callable[[hybrid.Believed], bool]) -> None:
        """A client asks, now and again, until it believes something that it asked for after now, and that is enough."""
        until_ms = self.world.now_ms + bound_ms
        first = self.client(HEALED).sequence + 1
        while self.world.now_ms < until_ms:
            self.ask(HEALED, ("put", HEALED, self.world.now_ms))
            self.advance(self.setting.times.heartbeat_ms)
            believed = self.believed.get(HEALED)
            if believed is not None and believed.sequence >= first and is_enough(believed):
                return
        where = "; ".join(self.described(name) for name in self.correct)
        self._found((rule, f"{bound_ms} ms after all faults ended a client is not served so: {where}"))

    def described(self, name: str) -> str:
        """A replica in a few words."""
        node = self.node(name)
        state = hybrid.health(node)
        durable, server = node.pbft.durable, node.raft
        term = f", term {server.durable.current_term} {type(server.role).__name__}" if server else ""
        return (
            f"{name} in {state.protocol} epoch {state.epoch}{'' if state.takes_part else ' stopped'}{term}, level "
            f"{state.level}, held {state.held}, stops {state.stops}, calms {len(node.calms)}, view {durable.view}"
            f"{' changing' if durable.changing else ''}, executed {durable.executed}, waiting {state.waiting}"
        )

    # --- watching

    def _found(self, broken: Broken) -> None:
        self.broken.setdefault(*broken)
        if self._only is None or broken[0] in self._only:
            raise Violated(broken)

    def _watch(self, taken: Taken) -> None:
        if taken.name in self.den.traitors or self._is_undone(taken):
            return
        self.steps += taken.input is not None
        broken = list(self.safety.step(taken))
        self._note(taken)
        if self._recorder is not None:
            self._recorder.step(taken)
        for each in broken:
            self._found(each)

    def _watch_clients(self, client: hybrid.Client, said: pbft.Request | hybrid.Believed) -> None:
        if isinstance(said, pbft.Request):
            self.safety.asked(said)
            self._invoked(client)
            return
        self.believed[client.name] = said
        self._answered(client, said)
        where = "in the book" if said.term == 0 else "by a seal"
        self.sometimes[f"an operation is believed {where}"] += 1
        if self._recorder is not None:
            self._recorder.believes(client.name, said)
        for each in list(self.safety.believes(client.name, said)):
            self._found(each)

    def _invoked(self, client: hybrid.Client) -> None:
        if client.name in self._open:
            return
        match client.what:
            case ("get", key):
                number = self.notes.invoke(client.name, "get", key=key)
            case ("put", key, item):
                number = self.notes.invoke(client.name, "put", key=key, value=item)
            case ("cas", key, old, new):
                number = self.notes.invoke(client.name, "cas", key=key, old=old, new=new)
            case _:
                return
        self._open[client.name] = number

    def _answered(self, client: hybrid.Client, said: hybrid.Believed) -> None:
        number = self._open.pop(client.name, None)
        match said.result:
            case (_, answer) if number is not None:
                self.notes.answer(number, answer)

    def _is_undone(self, taken: Taken) -> bool:
        """Return whether a crash comes before what this step writes is on the disk: then it never happened."""
        cut = self.simulated.simulation.crashes_in_step(taken.name)
        if cut is None or taken.before is None:
            return False
        persists = any(isinstance(effect, hybrid.Persist) for effect in taken.effects)
        self.sometimes["a step is lost in a crash"] += persists and cut["done"] < 2
        return persists and cut["done"] < 2

    def _note(self, taken: Taken) -> None:
        """Count what is interesting."""
        before, after = taken.before, taken.after
        if before is None:
            self.sometimes["a replica comes back from a crash"] += 1
            self.sometimes["a replica comes back stopped"] += (
                after.raft_epoch is not None and after.serving is None
            )
            return
        for effect in taken.effects:
            match effect:
                case hybrid.EpochBegan(epoch=epoch, protocol=protocol):
                    self._note_switch(before, epoch, protocol)
                case hybrid.StoppedEpoch(reason=reason):
                    self.sometimes[f"stopped: {reason}"] += 1
                case hybrid.LevelChanged(new=new):
                    self.sometimes[f"level: {new}"] += 1
                case hybrid.Executed(epoch=epoch):
                    held = before.raft_epoch.held if before.raft_epoch is not None else None
                    chain = before.raft_epoch.chain if before.raft_epoch is not None else ()
                    now = after.raft_epoch.chain if after.raft_epoch is not None else ()
                    undone = held is not None and held.epoch == epoch and now[: len(chain)] != chain
                    self.sometimes["a tentative execution is undone"] += undone
        self.sometimes["a view is entered"] += (
            before.pbft.durable.entered is not after.pbft.durable.entered
            and after.pbft.durable.entered is not None
        )
        self.sometimes["a state is transferred"] += (
            after.pbft.durable.executed - before.pbft.durable.executed > 1
        )
        proved = {*after.threat.durable.proved, *after.guard.proved}
        self.sometimes["a traitor is proved faulty"] += bool(
            proved - {*before.threat.durable.proved, *before.guard.proved}
        )
        self.sometimes["a leader is elected"] += after.is_leader and not before.is_leader

    def _note_switch(self, before: hybrid.Node, epoch: int, protocol: str) -> None:
        if before.epoch + 1 < epoch:
            self.sometimes["a replica skips an epoch"] += 1
            return
        held = before.raft_epoch.held if before.raft_epoch is not None else None
        taken_over = self.safety.taken_over.get(epoch - 1, ())
        behind = held.index if held is not None else 0
        self.sometimes["a replica learns from a close what it did not hold"] += (
            not before.is_bft and len(taken_over) > behind
        )
        if before.raft_epoch is not None:
            chain = links(before.raft_epoch.chain)
            self.sometimes["a tentative execution is undone"] += chain != taken_over[: len(chain)]
        if (epoch, protocol) in self._switched:
            return
        self._switched.add((epoch, protocol))
        direction = f"{'bft' if before.is_bft else 'raft'} to {protocol}"
        self.sometimes[f"switch: {direction}"] += 1
        self.sometimes["a close takes over a chain"] += not before.is_bft and bool(taken_over)
