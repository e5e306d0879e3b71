"""A simulated Raft cluster: `JournaledSystem` in a `Simulation`, every step of it in lockstep with the spec.

The simulation says what is due and which faults come; the cluster says which spec actions that is. It
plays the host of each server (`timers.py` has the times): ticks, heartbeats, compaction of logs that
grow long, disks that take their time, leases, the way out of a joint configuration, the end of a
handing over that does not come about. Which parts of Raft there are says its `Setting`.

Faults are the spec's steps where the spec has them (`FAULTS`). A crash is none: what the server was
is seen no more, and `Restart` is the step. A crash *within* a step leaves either the whole step, of
which the messages that were not sent yet are lost, or none of it, and then the message that came in
is lost. A core that sends before it persists does neither, and is caught.

A fault sets clocks wrong in two ways. Timers of servers go by them as they are. Ticks, on which leases
rest, are kept together as far as the setting's `skew_max` says (`Clocks`), so that the spec's `Tick` is
always enabled where one is taken.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import raft
from impl.raft import rules
from property_tests.raft.adapter import configuration_to_spec, message_to_spec
from property_tests.raft.features import PLAIN, Setting
from property_tests.raft.journal import JournaledSystem
from property_tests.raft.safety import Broken, Safety
from property_tests.raft.situations import situations
from property_tests.raft.timers import (
    COMPACTION_MS,
    DISK_MS,
    ELECTION_TIMEOUT_MS,
    HEARTBEAT_MS,
    RENEWAL_MS,
    TICK_MS,
    Clocks,
    Due,
)
from tlacheck.conform.comparison import observed
from tlacheck.conform.liveness import Bound, TimedRun, eventually, judge
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.sim import Fault, FaultPlan, Flight, Network, Request, Simulation, SpecFaults, World
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["ELECTION_TIMEOUT_MS", "FAULTS", "HEARTBEAT_MS", "LIVENESS_BOUND_MS", "Cluster"]

#: How long a healed cluster may take to elect a leader and to commit at all servers, virtual
#: milliseconds: 30 of the longest election timeouts. Split votes repeat with a chance well under
#: one half, so that 30 in a row do not happen; a cluster that is stuck stays stuck.
LIVENESS_BOUND_MS: Final = 30 * ELECTION_TIMEOUT_MS[1]

#: What each fault is in `specs/raft`. What the network or a clock does unseen is no step.
FAULTS: Final = SpecFaults.of(
    drop="DropMessage",
    duplicate="DuplicateMessage",
    restart="Restart",
    crash=None,
    crash_during=None,
    reorder=None,
    delay=None,
    degrade=None,
    partition=None,
    cut=None,
    heal=None,
    pause=None,
    resume=None,
    skew=None,
    drift=None,
)

#: What is noted when one of these faults happens; other faults are noted as steps, or by their names.
_NOTED: Final = immutabledict(
    cut="a link is cut one way",
    pause="a server is paused",
    skew="a clock is skewed",
    drift="a clock drifts",
)

_NOOP: Final = ModelValue("NoOp")
#: What a client or an operator may hand a server as it is; anything else is a value to be replicated.
_REQUESTS: Final = (
    raft.ClientRequest | raft.ReadIndex | raft.LeaseRead | raft.ChangeMembership | raft.TransferLeadership
)


class Cluster:
    """A cluster, its world, and the judges of each step: the spec (if `judged`) and `Safety`.

    Args:
        oracle: the spec for this number of servers, with the constants of `setting`.
        servers: the servers' names.
        seed: decides delays and election timeouts.
        judged: whether each step is checked against the spec.
        command: the command that repeats this run, for the trace.
        network: what the network does by itself; by default each message takes 1 to 20 ms.
        setting: which parts of Raft are on.
        recorded: whether there is a trace. Without it a run is several times as quick, `judged` has no
            effect, and a failure has no steps: repeat the run with the same seed, recorded.
        on_effect: told every effect of the servers as well, with the server's name.

    Attributes:
        sometimes: how often each interesting situation was met.
        steps: the number of spec steps taken.
        simulation: the loop of events, with the log and what faults were met.
        safety: the second judge, which knows what was committed.
    """

    def __init__(
        self,
        oracle: SpecOracle,
        servers: tuple[str, ...],
        *,
        seed: int,
        judged: bool = True,
        command: str = "",
        network: Network | None = None,
        setting: Setting = PLAIN,
        recorded: bool = True,
        on_effect: Callable[[str, raft.Effect], None] | None = None,
    ) -> None:
        self.servers = servers
        self.setting = setting
        self.world: World[raft.Message] = World(seed=seed, network=network)
        self.simulation: Simulation[raft.Message] = Simulation(self.world, self, servers)
        self.sometimes: Counter[str] = Counter()
        self.steps = 0
        self._recorded = recorded
        self._told = on_effect
        self._times_ms = [0]
        self._clocks = Clocks(servers, setting.skew_max)
        self._writing: set[str] = set()
        self.system = JournaledSystem(
            on_effect=self._on_effect,
            features=setting.features,
            entries_max=setting.entries_max,
            unacknowledged_max=setting.unacknowledged_max,
            election_ticks=setting.election_ticks,
            lease_ticks=setting.lease_ticks,
        )
        self.lockstep = Lockstep(self.system, oracle, judged=judged and recorded, seed=seed, command=command)
        self.safety = Safety(self.system.nodes)
        self._news: list[raft.Effect] = []
        for server in servers:
            self._reset_election_timer(server)
            self._start_clock(server)

    @property
    def leader(self) -> str | None:
        """A server that is up and believes that it leads, the one of the latest term; None if there is none."""
        leading = [server for server in self.servers if self._leads(server) and self._is_up(server)]
        return max(leading, key=lambda server: self.system.nodes[server].durable.current_term, default=None)

    @property
    def run(self) -> TimedRun:
        """The run so far with its clock, for properties of liveness."""
        return TimedRun.of_trace(self.lockstep.trace, self._times_ms, ends_ms=self.world.now_ms)

    # --- time, clients, operators, faults

    def advance(self, for_ms: int) -> None:
        """Let `for_ms` virtual milliseconds pass; whatever becomes due happens."""
        self.simulation.advance(for_ms)

    def play(self, plan: FaultPlan, *, until_ms: int, workload: Iterable[Request] = ()) -> None:
        """Let time pass with faults and clients' values at their times, counted from now."""
        self.simulation.play(plan, until_ms=until_ms, workload=workload)

    def client_request(self, value: Any, node: str | None = None) -> bool:
        """Submit a value to a server that leads, or to `node`. False if it does not take it."""
        return self.ask(raft.ClientRequest(value), node)

    def ask(self, request: raft.Input, node: str | None = None) -> bool:
        """Hand a client's or an operator's request to a server that leads, or to `node`. False if it is refused."""
        target = node or self.leader
        return target is not None and self.simulation.submit(target, request)

    def inflict(self, name: str, **parameters: object) -> bool:
        """Let the fault of this name happen. False if it found nothing to do."""
        FAULTS.action(name)  # a fault of which nobody has said what it is in the spec is none
        is_done = self.simulation.inflict(Fault.of(name, **parameters))
        self.sometimes[_NOTED.get(name, name)] += is_done
        return is_done

    def drop(self, flight: Flight[raft.Message]) -> None:
        """The network loses a message."""
        self.inflict("drop", position=self.world.flights.index(flight))

    def duplicate(self, flight: Flight[raft.Message]) -> None:
        """The network makes a second copy of a message."""
        self.inflict("duplicate", position=self.world.flights.index(flight))

    def crash(self, node: str) -> None:
        """A server stops, and loses what was not on its disk."""
        self.inflict("crash", node=node)

    def restart(self, node: str) -> None:
        """A crashed server comes back with what is on its disk; one that is up crashes first."""
        if node not in self.world.down:
            self.crash(node)
        self.inflict("restart", node=node)

    # --- liveness

    def heal_and_expect_progress(self) -> None:
        """End all faults; within LIVENESS_BOUND_MS a value that is new must be committed at all members.

        Clients submit values meanwhile, once to each new leader: with clients that never cease, no
        state comes back, and a cluster that goes round in a loop looks busy.

        Raises:
            Diverged: it is not (or a step on the way is wrong). The trace has the loop, if the
                cluster goes round in one.
        """
        self.simulation.stabilise()
        since_ms = self.world.now_ms
        known = max(node.durable.last_index for node in self.system.nodes.values())
        progress = eventually("Progress", _has_progressed_beyond(known))
        asked: set[tuple[str, int]] = set()
        while self.world.now_ms < since_ms + LIVENESS_BOUND_MS:
            if progress.goal(self._state):
                break
            leaders = [server for server in self.servers if self._leads(server)]
            if len(leaders) == 1:
                durable = self.system.nodes[leaders[0]].durable
                turn = leaders[0], durable.current_term
                if turn not in asked and self.client_request("v1", leaders[0]):
                    asked.add(turn)
                    for _ in range(known - durable.last_index):
                        self.client_request("v1", leaders[0])
            self.advance(HEARTBEAT_MS)
        self.advance(1)  # so that a bound which is reached has passed
        first = f"{LIVENESS_BOUND_MS} ms after all faults ended, no new value is committed at all servers:"
        if not self._recorded:
            if self.world.now_ms > since_ms + LIVENESS_BOUND_MS:
                self.lockstep.fail("Progress", (first, self._who_is_where()), lasting=True)
            return
        judgement = judge(progress, self.run, bound=Bound(ms=LIVENESS_BOUND_MS), since_ms=since_ms)
        if judgement.verdict.is_established:
            return
        violation = judgement.trace.violation
        if violation is None:
            raise RuntimeError(f"the run was watched for too short a time: {judgement.verdict}")
        lines = (first, self._who_is_where(), *violation.explanation)
        raise Diverged(attrs.evolve(judgement.trace, violation=attrs.evolve(violation, explanation=lines)))

    @property
    def _state(self) -> State:
        return self.lockstep.state if self._recorded else observed(self.system)

    def _who_is_where(self) -> str:
        return ", ".join(
            f"{server} {type(node.role).__name__} in term {node.durable.current_term}, "
            f"log {node.durable.last_index}, committed {node.commit_index}"
            for server, node in self.system.nodes.items()
        )

    # --- what the simulation calls: this is a `Host`

    def on_timer(self, node: str, name: Any) -> None:
        """A timer fires: one of `Due`, or that of a peer that is due a request."""
        server = self.system.nodes[node]
        leads = isinstance(server.role, raft.Leader)
        match name:
            case Due.ELECTION:
                if leads or server.heard or not rules.may_campaign(server):
                    self._reset_election_timer(node)
                else:
                    self._take("Timeout", node, raft.Timeout())
            case Due.TICK:
                self.world.set_timer(node, Due.TICK, TICK_MS)
                self._tick(node)
            case Due.COMPACTION:
                if server.commit_index > server.durable.snapshot.index:
                    self._take("Compact", node, raft.Compact(self.system.applied[node]))
            case Due.DISK:
                self._writing.discard(node)
                if server.synced < server.durable.last_index:
                    self._take("DiskSynced", node, raft.DiskSynced(server.durable.last_index))
            case _ if isinstance(server.role, raft.Leader):
                self._lead(node, server.role, name)

    def _lead(self, node: str, role: raft.Leader, name: Any) -> None:
        """What is due to a leader."""
        match name:
            case Due.DUTIES:
                self.world.set_timer(node, name, ELECTION_TIMEOUT_MS[0])
                if self.setting.has("CheckQuorum"):
                    self._take("CheckQuorum", node, raft.CheckQuorum())
                if self._is_up(node):
                    self._leave_joint(node)
            case Due.RENEWAL:
                self.world.set_timer(node, name, RENEWAL_MS)
                if role.transferee is None and rules.may_hold_lease(role):
                    self._take("RenewLease", node, raft.RenewLease())
                    self._heartbeat_now(node)
            case Due.ABORT:
                if role.transferee is not None:
                    self._take("AbortTransfer", node, raft.AbortTransfer())
            case _ if (progress := role.of(name)) is not None:
                self.world.set_timer(node, name, HEARTBEAT_MS)
                snapshot = self.system.nodes[node].durable.snapshot
                needs = rules.needs_snapshot(progress.next_index, snapshot)
                self._take("InstallSnapshot" if needs else "AppendEntries", node, raft.AppendEntries(name))

    def on_message(self, flight: Flight[raft.Message]) -> None:
        """A message arrives."""
        message = flight.message
        self._take(f"Handle{type(message).__name__}", flight.dest, raft.Receive(message))

    def on_lost(self, flight: Flight[raft.Message]) -> None:
        """A message is lost."""
        self._lose(flight.message)

    def on_double(self, flight: Flight[raft.Message]) -> None:
        """A message gets a second copy."""
        if self._recorded:
            self._perform_fault("duplicate", message=message_to_spec(flight.message))
        else:
            self.system.network[flight.message] += 1
            self._count("DuplicateMessage")

    def on_request(self, node: str, inp: Any) -> bool:
        """A client or operator asks for something; a leader that takes it tells its peers at once."""
        request = inp if isinstance(inp, _REQUESTS) else raft.ClientRequest(inp)
        _, effects = raft.step(self.system.nodes[node], request)
        if any(isinstance(effect, raft.Refused) for effect in effects):
            self.sometimes["a request is refused"] += 1
            return False
        if isinstance(request, raft.ReadIndex | raft.LeaseRead):
            by_clock = isinstance(request, raft.LeaseRead)
            self.safety.asked(request.read, may_be_stale=by_clock and not self.setting.leases_are_safe)
        self._take(type(request).__name__, node, request)
        if self._is_up(node) and not isinstance(request, raft.LeaseRead):
            self._heartbeat_now(node)
            if isinstance(request, raft.TransferLeadership):
                self.world.set_timer(node, Due.ABORT, ELECTION_TIMEOUT_MS[1])
        return True

    def on_crash(self, node: str, *, kept: int, torn: bool) -> None:
        """A server stops: what was written and not synced is lost."""
        if self._leads(node):
            self.sometimes["a leader crashes"] += 1
        self._writing.discard(node)
        self.system.journals[node].disk.crash(kept=kept, torn=torn)

    def on_restart(self, node: str) -> None:
        """A server comes back with what its journal holds."""
        try:
            if self._recorded:
                last = self.system.journals[node].recover().last_index
                self._perform_fault("restart", node=ModelValue(node), lastIndex=last)
            else:
                self.system.come_back(node)
                self._count("Restart")
        except NotPossible as refusal:
            self._fail(("DurableStays", str(refusal)))
        self._judge("Restart", node, restarted=True)
        self._reset_election_timer(node)
        self._start_clock(node)

    def on_betrayal(self, node: str, behaviour: str | None) -> None:
        """Raft trusts its servers: there is nothing that it promises if one lies."""
        raise AdapterError(f"Raft tolerates no traitor, so that {node} cannot be one ({behaviour})")

    # --- one step

    def _take(self, action: str, node: str, inp: raft.Input) -> None:
        """A step of a server, or as much of it as is done before the server crashes."""
        cut = self.simulation.crashes_in_step(node)
        if cut is None:
            self._perform(action, node, inp)
            return
        _, effects = raft.step(self.system.nodes[node], inp)
        done, rest = effects[: cut["done"]], effects[cut["done"] :]
        if any(isinstance(effect, raft.Persist) for effect in rest):
            self._lose_step(node, done, rest, inp, is_torn=cut["torn"])
        else:
            unsent = sum(isinstance(effect, raft.Send) for effect in rest)
            self._perform(action, node, inp)
            for flight in self.world.flights[len(self.world.flights) - unsent :]:
                self.drop(flight)
            self.simulation.cut_short(node)

    def _lose_step(
        self,
        node: str,
        done: tuple[raft.Effect, ...],
        rest: tuple[raft.Effect, ...],
        inp: raft.Input,
        *,
        is_torn: bool,
    ) -> None:
        """A crash before `Persist`: the step was not taken, but what it had sent by then is on its way."""
        self.sometimes["a step is lost in a crash"] += 1
        for effect in done:
            if isinstance(effect, raft.Send):
                self.system.network[effect.message] += 1
                self._send(effect.message)
        if is_torn and isinstance(rest[0], raft.Persist):
            self.sometimes["a write is torn"] += 1
            self.system.journals[node].begin(rest[0].durable)
        self.simulation.cut_short(node, torn=is_torn)
        if isinstance(inp, raft.Receive):
            self._lose(inp.message)

    def _lose(self, message: raft.Message) -> None:
        if self._recorded:
            self._perform_fault("drop", message=message_to_spec(message))
        else:
            self.system.lose(message)
            self._count("DropMessage")

    def _perform_fault(self, fault: str, **arguments: Value) -> None:
        action = FAULTS.action(fault)
        if action is not None:
            self._record(action, **arguments)

    def _perform(self, action: str, node: str, inp: raft.Input) -> None:
        if self._recorded:
            self._record(action, node=ModelValue(node), **_arguments(inp))
        else:
            self.system.take(node, inp)
            self._count(action)
        self._judge(action, node)

    def _record(self, action: str, **arguments: Value) -> None:
        self.lockstep.perform(action, immutabledict(arguments))
        self._times_ms.append(self.world.now_ms)
        self._count(action)

    def _count(self, action: str) -> None:
        self.steps += 1
        self.sometimes[action] += 1

    def _judge(self, action: str, node: str, *, restarted: bool = False) -> None:
        """Hand a server's step to `Safety`, and count what makes a run worth looking at."""
        before, after = self.safety.nodes[node], self.system.nodes[node]
        news, self._news = self._news, []
        committed = len(self.safety.committed)
        broken = self.safety.step(node, after, restarted=restarted)
        if self.setting.features and (news or restarted):
            self.safety.holds(node, self.system.applied[node])
        if broken:
            self._fail(broken)
        self.sometimes.update(situations(self.safety, action, before, after, news=news, committed=committed))

    def _fail(self, broken: Broken) -> None:
        self.lockstep.fail(broken[0], (broken[1],), lasting=not self._recorded)

    def _tick(self, node: str) -> None:
        """A server's clock is due to tick; with leases, no clock gets too far ahead (`Clocks`).

        A tick asks for nothing, so that there is no step in which a crash could come.
        """
        if not self.setting.has("Leases"):
            if self.system.nodes[node].heard:
                self._perform("Tick", node, raft.Tick())
            return
        for other in self._clocks.tick(node, self.world.down | self.world.paused):
            self._perform("Tick", other, raft.Tick())

    def _leave_joint(self, node: str) -> None:
        """A leader whose joint configuration is committed goes on to the new voters (paper, 6)."""
        server = self.system.nodes[node]
        if not isinstance(server.role, raft.Leader) or not server.configuration.is_joint:
            return
        new = raft.Configuration(server.configuration.voters, learners=server.configuration.learners)
        self.simulation.submit(node, raft.ChangeMembership(new))

    # --- what a step asks of the host

    def _on_effect(self, node: str, effect: raft.Effect) -> None:
        match effect:
            case raft.Send(message=message):
                if isinstance(message, raft.AppendEntriesResponse) and message.conflict.index:
                    self.sometimes["a refusal says where to go on"] += 1
                self._send(message)
            case raft.ResetElectionTimer():
                self._reset_election_timer(node)
            case raft.BecameLeader():
                self._news.append(effect)
                self._heartbeat_now(node)
                if not self.setting.features.isdisjoint({"CheckQuorum", "Membership"}):
                    self.world.set_timer(node, Due.DUTIES, ELECTION_TIMEOUT_MS[0])
                if self.setting.has("Leases"):
                    self.world.set_timer(node, Due.RENEWAL, 0)
            case raft.SteppedDown():
                self._news.append(effect)
                self._reset_election_timer(node)
            case raft.Apply(index=index, value=value):
                self._news.append(effect)
                self.safety.applied(node, index, value)
                self._compact_soon(node, index)
            case raft.Restore(index=index):
                self._news.append(effect)
                self.safety.restored(node, index)
            case raft.ReadReady(read=read, index=index):
                self._news.append(effect)
                self.safety.answered(node, read, index)
            case raft.ReadFailed() | raft.Refused():
                self._news.append(effect)
            case raft.Write():
                if node not in self._writing:
                    self._writing.add(node)
                    self.world.set_timer(node, Due.DISK, self.world.random.randint(*DISK_MS))
            case raft.Persist():
                if node in self._writing:
                    self._writing.discard(node)
                    self.world.stop_timer(node, Due.DISK)
        if self._told is not None:
            self._told(node, effect)

    def _compact_soon(self, node: str, index: int) -> None:
        if not self.setting.has("Snapshots"):
            return
        if index - self.system.nodes[node].durable.snapshot.index == self.setting.compact_at:
            self.world.set_timer(node, Due.COMPACTION, self.world.random.randint(0, COMPACTION_MS))

    def _send(self, message: raft.Message) -> None:
        self.safety.sent(message)
        self.world.send(message.source, message.dest, message)

    def _heartbeat_now(self, node: str) -> None:
        role = self.system.nodes[node].role
        if isinstance(role, raft.Leader):
            for progress in role.progress:
                self.world.set_timer(node, progress.peer, 0)

    def _reset_election_timer(self, node: str) -> None:
        self.world.set_timer(node, Due.ELECTION, self.world.random.randint(*ELECTION_TIMEOUT_MS))

    def _start_clock(self, node: str) -> None:
        if self.setting.counts_time:
            self.world.set_timer(node, Due.TICK, self.world.random.randint(0, TICK_MS))

    def _leads(self, node: str) -> bool:
        return isinstance(self.system.nodes[node].role, raft.Leader)

    def _is_up(self, node: str) -> bool:
        return node not in self.world.down and node not in self.world.paused


def _arguments(inp: raft.Input) -> dict[str, Value]:
    """What the spec's action is told of an input, besides the server."""
    match inp:
        case raft.Receive(message=message):
            return {"message": message_to_spec(message)}
        case raft.ClientRequest(value=value):
            return {"value": ModelValue(str(value))}
        case raft.AppendEntries(peer=peer) | raft.TransferLeadership(peer=peer):
            return {"peer": ModelValue(peer)}
        case raft.ReadIndex(read=read) | raft.LeaseRead(read=read):
            return {"read": ModelValue(str(read))}
        case raft.DiskSynced(index=index):
            return {"lastIndex": index}
        case raft.ChangeMembership(configuration=configuration):
            return {"configuration": configuration_to_spec(configuration)}
        case _:
            return {}


def _has_progressed_beyond(known: int) -> Callable[[State], bool]:
    """Return whether all members hold as committed a client's value behind the log index `known`.

    Who belongs to the cluster says the leader of the latest term; nobody does while voters change hands.
    """

    def has_progressed(state: State) -> bool:
        leaders = [server for server, role in state["role"].items() if role == "Leader"]
        if not leaders:
            return False
        leader = max(leaders, key=lambda server: state["currentTerm"][server])
        changes = [
            entry["value"] for entry in state["log"][leader] if not isinstance(entry["value"], ModelValue)
        ]
        configuration = changes[-1] if changes else state["snapshot"][leader]["configuration"]
        if configuration["outgoing"]:
            return False
        members = configuration["voters"] | configuration["learners"]
        lowest = min(state["commitIndex"][server] for server in members)
        committed = [item["entry"]["value"] for item in state["committed"][known:lowest]]
        return any(isinstance(value, ModelValue) and value != _NOOP for value in committed)

    return has_progressed
