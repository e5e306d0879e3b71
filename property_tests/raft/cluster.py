"""A simulated Raft cluster: `RaftSystem` in a `World`, every step of it taken in lockstep with the spec.

The world says what is due; the cluster says which spec action that is. Timeouts are those of the
source documents: 150 to 300 ms for elections, 50 ms for heartbeats (RAFT-1).
"""

from collections import Counter
from typing import Final

from immutabledict import immutabledict

from impl import raft
from property_tests.raft.adapter import RaftSystem, message_to_spec
from property_tests.raft.safety import Safety
from tlacheck.conform.lockstep import Lockstep
from tlacheck.conform.system import NotPossible
from tlacheck.sim import Flight, Timer, World
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.values import ModelValue, Value

__all__ = ["ELECTION_TIMEOUT_MS", "HEARTBEAT_MS", "LIVENESS_BOUND_MS", "Cluster"]

#: The least and the greatest election timeout, virtual milliseconds (A102).
ELECTION_TIMEOUT_MS: Final = (150, 300)
#: The time between two requests of a leader to a peer, virtual milliseconds (A102).
HEARTBEAT_MS: Final = 50
#: How long a healed cluster may take to elect a leader and to commit at all servers, virtual
#: milliseconds: 30 of the longest election timeouts. Split votes repeat with a chance well under
#: one half, so that 30 in a row do not happen; a cluster that is stuck stays stuck.
LIVENESS_BOUND_MS: Final = 30 * ELECTION_TIMEOUT_MS[1]

_ELECTION: Final = "election"
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

    Attributes:
        sometimes: how often each interesting situation was met.
        steps: the number of spec steps taken.
    """

    def __init__(
        self,
        oracle: SpecOracle,
        servers: tuple[str, ...],
        *,
        seed: int,
        judged: bool = True,
        command: str = "",
    ) -> None:
        self.servers = servers
        self.world: World[raft.Message] = World(seed=seed)
        self.sometimes: Counter[str] = Counter()
        self.steps = 0
        self._safety = Safety()
        self.system = RaftSystem(on_effect=self._on_effect)
        self.lockstep = Lockstep(self.system, oracle, judged=judged, seed=seed, command=command)
        for server in servers:
            self._reset_election_timer(server)

    @property
    def leader(self) -> str | None:
        """A server that is up and believes that it leads; None if there is none."""
        return next((server for server in self.servers if self._leads(server) and self._is_up(server)), None)

    # --- time passes

    def advance(self, for_ms: int) -> None:
        """Let `for_ms` virtual milliseconds pass; whatever becomes due happens."""
        until = self.world.now_ms + for_ms
        while (due := self.world.next_due(until)) is not None:
            self._happen(due)

    def _happen(self, due: Timer | Flight[raft.Message]) -> None:
        match due:
            case Timer(node=node, name="election"):
                if self._leads(node):
                    self._reset_election_timer(node)
                else:
                    self._perform("Timeout", node=ModelValue(node))
            case Timer(node=node, name=peer):
                if self._leads(node):
                    self.world.set_timer(node, peer, HEARTBEAT_MS)
                    self._perform("AppendEntries", node=ModelValue(node), peer=ModelValue(str(peer)))
            case Flight() if self.world.reaches(due):
                kind = type(due.message).__name__
                record = message_to_spec(due.message)
                self._perform(f"Handle{kind}", node=ModelValue(due.dest), message=record)
            case Flight():
                self._perform("DropMessage", message=message_to_spec(due.message))

    # --- clients and faults, each under the name that the spec or the simulator gives it

    def client_request(self, value: str, node: str | None = None) -> bool:
        """Submit a value to a server that leads, or to `node`. False if it does not lead."""
        target = node or self.leader
        if target is None or not self._leads(target) or not self._is_up(target):
            return False
        self._perform("ClientRequest", node=ModelValue(target), value=ModelValue(value))
        for peer in self.system.nodes[target].config.peers:
            self.world.set_timer(target, peer, 0)
        return True

    def drop(self, flight: Flight[raft.Message]) -> None:
        """The network loses a message."""
        self.world.drop(flight)
        self._perform("DropMessage", message=message_to_spec(flight.message))

    def duplicate(self, flight: Flight[raft.Message]) -> None:
        """The network makes a second copy of a message."""
        self.world.duplicate(flight)
        self._perform("DuplicateMessage", message=message_to_spec(flight.message))

    def crash(self, node: str) -> None:
        """A server stops, and loses what was not on its disk."""
        if self._leads(node):
            self.sometimes["a leader crashes"] += 1
        self.world.crash(node)

    def restart(self, node: str) -> None:
        """A crashed server comes back with what is on its disk."""
        self.world.restart(node)
        self._perform("Restart", node=ModelValue(node))
        self._reset_election_timer(node)

    # --- liveness

    def heal_and_expect_progress(self) -> None:
        """End all faults; within LIVENESS_BOUND_MS a leader must commit a new value at all servers.

        Raises:
            Diverged: it does not (or a step on the way is wrong).
        """
        self.world.heal()
        for server in sorted(self.world.down):
            self.restart(server)
        deadline = self.world.now_ms + LIVENESS_BOUND_MS
        target: int | None = None
        term = 0
        while self.world.now_ms < deadline:
            self.advance(HEARTBEAT_MS)
            leaders = [server for server in self.servers if self._leads(server)]
            terms = {self.system.nodes[server].durable.current_term for server in self.servers}
            if target is None or terms != {term}:
                target = None
                if len(leaders) == 1 and len(terms) == 1 and self.client_request("v1", leaders[0]):
                    target, term = len(self.system.nodes[leaders[0]].durable.log), terms.pop()
            elif all(self.system.nodes[server].commit_index >= target for server in self.servers):
                return
        roles = ", ".join(
            f"{server} {type(node.role).__name__} in term {node.durable.current_term}, "
            f"log {len(node.durable.log)}, committed {node.commit_index}"
            for server, node in self.system.nodes.items()
        )
        self.lockstep.fail(
            "Progress",
            (
                f"{LIVENESS_BOUND_MS} ms after all faults ended, no new value is committed at all servers:",
                roles,
            ),
            lasting=True,
        )

    # --- one step

    def _perform(self, action: str, **arguments: Value) -> None:
        before = self.lockstep.state
        try:
            after = self.lockstep.perform(action, immutabledict(arguments))
        except NotPossible as refusal:  # the world holds only what the system sent
            raise RuntimeError(
                f"the simulated network is out of step with the system: {refusal}"
            ) from refusal
        self.steps += 1
        restarted = arguments["node"] if action == "Restart" else _NOWHERE
        if broken := self._safety.step(before, after, restarted):
            self.lockstep.fail(broken[0], (broken[1],))
        self._notice(action, before, after, arguments.get("node"))

    def _notice(self, action: str, before: Value, after: Value, node: Value | None) -> None:
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
                self.world.send(node, message.dest, message)
            case raft.ResetElectionTimer():
                self._reset_election_timer(node)
            case raft.BecameLeader():
                for peer in self.system.nodes[node].config.peers:
                    self.world.set_timer(node, peer, 0)
            case raft.Apply(index=index, value=value):
                self._safety.applied(node, index, value)
            case raft.Persist() | raft.NotLeader():
                pass

    def _reset_election_timer(self, node: str) -> None:
        self.world.set_timer(node, _ELECTION, self.world.random.randint(*ELECTION_TIMEOUT_MS))

    def _leads(self, node: str) -> bool:
        return isinstance(self.system.nodes[node].role, raft.Leader)

    def _is_up(self, node: str) -> bool:
        return node not in self.world.down
