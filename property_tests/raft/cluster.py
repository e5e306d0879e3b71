"""A simulated Raft cluster: `JournaledSystem` in a `Simulation`, every step of it in lockstep with the spec.

The simulation says what is due and which faults come; the cluster says which spec actions that is.
Timeouts are those of the source documents: 150 to 300 ms for elections, 50 ms for heartbeats (RAFT-1).

Faults are the spec's steps where the spec has them (`FAULTS`). A crash is none: what the server was
is seen no more, and `Restart` is the step. A crash *within* a step leaves either the whole step, of
which the messages that were not sent yet are lost, or none of it, and then the message that came in
is lost. A core that sends before it persists does neither, and is caught.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import raft
from property_tests.raft.adapter import message_to_spec
from property_tests.raft.journal import JournaledSystem
from property_tests.raft.safety import Safety
from tlacheck.conform.liveness import Bound, TimedRun, eventually, judge
from tlacheck.conform.lockstep import Diverged, Lockstep
from tlacheck.conform.system import NotPossible
from tlacheck.errors import AdapterError
from tlacheck.sim import Fault, FaultPlan, Flight, Network, Request, Simulation, SpecFaults, World
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.trace import State
from tlacheck.values import ModelValue, Value

__all__ = ["ELECTION_TIMEOUT_MS", "FAULTS", "HEARTBEAT_MS", "LIVENESS_BOUND_MS", "Cluster"]

#: The least and the greatest election timeout, virtual milliseconds (A102).
ELECTION_TIMEOUT_MS: Final = (150, 300)
#: The time between two requests of a leader to a peer, virtual milliseconds (A102).
HEARTBEAT_MS: Final = 50
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

_ELECTION: Final = "election"
_NOOP: Final = ModelValue("NoOp")
#: The server that a network fault happens at: none.
_NOWHERE: Final = None


class Cluster:
    """A cluster, its world, and the judges of each step: the spec (if `judged`) and `Safety`.

    Args:
        oracle: the spec for this number of servers.
        servers: the servers' names.
        seed: decides delays and election timeouts.
        judged: whether each step is checked against the spec.
        command: the command that repeats this run, for the trace.
        network: what the network does by itself; by default each message takes 1 to 20 ms.

    Attributes:
        sometimes: how often each interesting situation was met.
        steps: the number of spec steps taken.
        simulation: the loop of events, with the log and what faults were met.
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
    ) -> None:
        self.servers = servers
        self.world: World[raft.Message] = World(seed=seed, network=network)
        self.simulation: Simulation[raft.Message] = Simulation(self.world, self, servers)
        self.sometimes: Counter[str] = Counter()
        self.steps = 0
        self._safety = Safety()
        self._times_ms = [0]
        self.system = JournaledSystem(on_effect=self._on_effect)
        self.lockstep = Lockstep(self.system, oracle, judged=judged, seed=seed, command=command)
        for server in servers:
            self._reset_election_timer(server)

    @property
    def leader(self) -> str | None:
        """A server that is up and believes that it leads; None if there is none."""
        return next((server for server in self.servers if self._leads(server) and self._is_up(server)), None)

    @property
    def run(self) -> TimedRun:
        """The run so far with its clock, for properties of liveness."""
        return TimedRun.of_trace(self.lockstep.trace, self._times_ms, ends_ms=self.world.now_ms)

    # --- time, clients, faults

    def advance(self, for_ms: int) -> None:
        """Let `for_ms` virtual milliseconds pass; whatever becomes due happens."""
        self.simulation.advance(for_ms)

    def play(self, plan: FaultPlan, *, until_ms: int, workload: Iterable[Request] = ()) -> None:
        """Let time pass with faults and clients' values at their times, counted from now."""
        self.simulation.play(plan, until_ms=until_ms, workload=workload)

    def client_request(self, value: str, node: str | None = None) -> bool:
        """Submit a value to a server that leads, or to `node`. False if it does not lead."""
        target = node or self.leader
        return target is not None and self.simulation.submit(target, value)

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
        """End all faults; within LIVENESS_BOUND_MS a value that is new must be committed at all servers.

        Clients submit values meanwhile, once to each new leader: with clients that never cease, no
        state comes back, and a cluster that goes round in a loop looks busy.

        Raises:
            Diverged: it is not (or a step on the way is wrong). The trace has the loop, if the
                cluster goes round in one.
        """
        self.simulation.stabilise()
        since_ms = self.world.now_ms
        known = max(len(node.durable.log) for node in self.system.nodes.values())
        progress = eventually("Progress", _has_progressed_beyond(known))
        asked: set[tuple[str, int]] = set()
        while self.world.now_ms < since_ms + LIVENESS_BOUND_MS:
            if progress.goal(self.lockstep.state):
                break
            leaders = [server for server in self.servers if self._leads(server)]
            if len(leaders) == 1:
                durable = self.system.nodes[leaders[0]].durable
                if (leaders[0], durable.current_term) not in asked:
                    asked.add((leaders[0], durable.current_term))
                    for _ in range(max(1, known + 1 - len(durable.log))):
                        self.client_request("v1", leaders[0])
            self.advance(HEARTBEAT_MS)
        self.advance(1)  # so that a bound which is reached has passed
        judgement = judge(progress, self.run, bound=Bound(ms=LIVENESS_BOUND_MS), since_ms=since_ms)
        if judgement.verdict.is_established:
            return
        roles = ", ".join(
            f"{server} {type(node.role).__name__} in term {node.durable.current_term}, "
            f"log {len(node.durable.log)}, committed {node.commit_index}"
            for server, node in self.system.nodes.items()
        )
        violation = judgement.trace.violation
        if violation is None:
            raise RuntimeError(f"the run was watched for too short a time: {judgement.verdict}")
        first = f"{LIVENESS_BOUND_MS} ms after all faults ended, no new value is committed at all servers:"
        raise Diverged(
            attrs.evolve(
                judgement.trace,
                violation=attrs.evolve(violation, explanation=(first, roles, *violation.explanation)),
            )
        )

    # --- what the simulation calls: this is a `Host`

    def on_timer(self, node: str, name: str) -> None:
        """A timer fires: the election timer, or that of a peer that is due a request."""
        if name == _ELECTION:
            if self._leads(node):
                self._reset_election_timer(node)
            else:
                self._take("Timeout", node, raft.Timeout())
        elif self._leads(node):
            self.world.set_timer(node, name, HEARTBEAT_MS)
            self._take("AppendEntries", node, raft.AppendEntries(name), peer=ModelValue(name))

    def on_message(self, flight: Flight[raft.Message]) -> None:
        """A message arrives."""
        message = flight.message
        action = f"Handle{type(message).__name__}"
        self._take(action, flight.dest, raft.Receive(message), message=message_to_spec(message))

    def on_lost(self, flight: Flight[raft.Message]) -> None:
        """A message is lost."""
        self._perform_fault("drop", message=message_to_spec(flight.message))

    def on_double(self, flight: Flight[raft.Message]) -> None:
        """A message gets a second copy."""
        self._perform_fault("duplicate", message=message_to_spec(flight.message))

    def on_request(self, node: str, inp: str) -> bool:
        """A client submits a value; only a leader takes it, and tells its peers at once."""
        if not self._leads(node):
            return False
        self._take("ClientRequest", node, raft.ClientRequest(inp), value=ModelValue(inp))
        if self._is_up(node):
            self._heartbeat_now(node)
        return True

    def on_crash(self, node: str, *, kept: int, torn: bool) -> None:
        """A server stops: what was written and not synced is lost."""
        if self._leads(node):
            self.sometimes["a leader crashes"] += 1
        self.system.journals[node].disk.crash(kept=kept, torn=torn)

    def on_restart(self, node: str) -> None:
        """A server comes back with what its journal holds."""
        self._perform_fault("restart", node=ModelValue(node))
        self._reset_election_timer(node)

    def on_betrayal(self, node: str, behaviour: str | None) -> None:
        """Raft trusts its servers: there is nothing that it promises if one lies."""
        raise AdapterError(f"Raft tolerates no traitor, so that {node} cannot be one ({behaviour})")

    # --- one step

    def _take(self, action: str, node: str, inp: raft.Input, **arguments: Value) -> None:
        """A step of a server, or as much of it as is done before the server crashes."""
        cut = self.simulation.crashes_in_step(node)
        whole = {"node": ModelValue(node), **arguments}
        if cut is None:
            self._perform(action, **whole)
            return
        _, effects = raft.step(self.system.nodes[node], inp)
        done, rest = effects[: cut["done"]], effects[cut["done"] :]
        if any(isinstance(effect, raft.Persist) for effect in rest):
            self._lose_step(node, done, rest, inp, is_torn=cut["torn"])
        else:
            unsent = sum(isinstance(effect, raft.Send) for effect in rest)
            self._perform(action, **whole)
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
            self._perform_fault("drop", message=message_to_spec(inp.message))

    def _perform_fault(self, fault: str, **arguments: Value) -> None:
        action = FAULTS.action(fault)
        if action is not None:
            self._perform(action, **arguments)

    def _perform(self, action: str, **arguments: Value) -> None:
        before = self.lockstep.state
        try:
            after = self.lockstep.perform(action, immutabledict(arguments))
        except NotPossible as refusal:  # the world holds only what the system sent
            raise RuntimeError(
                f"the simulated network is out of step with the system: {refusal}"
            ) from refusal
        self.steps += 1
        self._times_ms.append(self.world.now_ms)
        restarted = arguments["node"] if action == FAULTS.action("restart") else _NOWHERE
        if broken := self._safety.step(before, after, restarted):
            self.lockstep.fail(broken[0], (broken[1],))
        self._notice(action, before, after, arguments.get("node"))

    def _notice(self, action: str, before: State, after: State, node: Value | None) -> None:
        """Count what makes a run worth looking at."""
        sometimes = self.sometimes
        sometimes[action] += 1
        if len(after["elected"]) > len(before["elected"]):
            sometimes["a leader is elected"] += 1
            if len(after["elected"]) >= 3:
                sometimes["a third leader is elected"] += 1
        if len(after["committed"]) > len(before["committed"]):
            sometimes["an entry is committed"] += 1
            if after["committed"][len(before["committed"])]["entry"]["term"] < after["currentTerm"][node]:
                sometimes["an entry of an earlier term is committed"] += 1
        if node is not None and after["log"][node][: len(before["log"][node])] != before["log"][node]:
            sometimes["a conflicting entry is removed"] += 1
        if list(after["role"].values()).count("Leader") > 1:
            sometimes["two servers believe that they lead"] += 1

    def _on_effect(self, node: str, effect: raft.Effect) -> None:
        match effect:
            case raft.Send(message=message):
                self._send(message)
            case raft.ResetElectionTimer():
                self._reset_election_timer(node)
            case raft.BecameLeader():
                self._heartbeat_now(node)
            case raft.Apply(index=index, value=value):
                self._safety.applied(node, index, value)
            case raft.Persist() | raft.NotLeader():
                pass

    def _send(self, message: raft.Message) -> None:
        self._safety.sent(message)
        self.world.send(message.source, message.dest, message)

    def _heartbeat_now(self, node: str) -> None:
        for peer in self.system.nodes[node].config.peers:
            self.world.set_timer(node, peer, 0)

    def _reset_election_timer(self, node: str) -> None:
        self.world.set_timer(node, _ELECTION, self.world.random.randint(*ELECTION_TIMEOUT_MS))

    def _leads(self, node: str) -> bool:
        return isinstance(self.system.nodes[node].role, raft.Leader)

    def _is_up(self, node: str) -> bool:
        return node not in self.world.down and node not in self.world.paused


def _has_progressed_beyond(known: int) -> Callable[[State], bool]:
    """Whether all servers hold as committed a client's value behind the log index `known`."""

    def has_progressed(state: State) -> bool:
        lowest = min(state["commitIndex"], key=lambda server: state["commitIndex"][server])
        committed = state["log"][lowest][known : state["commitIndex"][lowest]]
        return any(entry["value"] != _NOOP for entry in committed)

    return has_progressed
