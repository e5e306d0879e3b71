"""A campaign: a real cluster under faults drawn from a seed, then rest, final reads, and the judges.

| fault     | what happens to the processes                                                              |
|-----------|--------------------------------------------------------------------------------------------|
| `crash`   | SIGKILL; with its forgetful disk a node loses what was not synced; it comes back           |
| `crash at`| a node comes back armed: it ends at a named point of its work (`node.points`)              |
| `pause`   | SIGSTOP, later SIGCONT                                                                     |
| `partition` | some nodes and the others go silent to each other                                        |
| `cut`     | one node goes silent to another, one way                                                   |
| `delay`   | what one node sends to another is late                                                     |
| `reset`   | all connections between two nodes are closed                                               |
| `forge`   | a client, with a certificate of its own, sends a node what only another node may say       |

The seed decides which faults come, to whom, in which order and how long they last. Threads, networks and
disks decide the rest: a seed repeats a plan, not a run. The logs of the run are kept, and `check` judges
them again.

A run establishes something only if it was interesting: a node was killed and came back, a leader followed
another one, and clients were answered. On a slow machine clients therefore go on for a while after the
faults; if even that was not enough, the run is inconclusive.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from immutabledict import immutabledict

from impl import hotstuff, pbft, raft
from node.authority import Credentials
from node.client import Unknown
from node.cluster import Cluster, Running, init_cluster, loopback
from node.engine import Core
from node.errors import NodeError
from node.points import POINTS
from node.protocols import core_of
from node.quorum_client import client_of
from node.stamps import Stamp, Stamped
from node.transport import framed
from property_tests.chaos.answers import write_answers
from property_tests.chaos.clients import Clients
from property_tests.chaos.proxies import Proxy
from tlacheck.histories import write

__all__ = ["ANSWERS", "FAULTS", "Plan", "Run", "run_campaign"]

#: Answers without which a run says nothing: what is counted -> how often at least.
ANSWERS: Final = immutabledict({"changes": 10, "reads": 10})
#: Answers before the first fault, so that there is something to lose.
FIRST_ANSWERS: Final = immutabledict({"changes": 1})
_ANSWERS_WITHIN_S: Final = 60.0
_FORGED_TERM: Final = 1 << 40
#: The shortest election timeout of Raft; of PBFT, which takes more steps, and HotStuff the first of a view.
_ELECTION_MS: Final = immutabledict({"raft": 400, "pbft": 1000, "hotstuff": 500})
_HEARTBEAT_MS: Final = 80
_FIRST_S: Final = 10.0
#: So long the cluster may take to serve once all faults have ended, in seconds.
SERVES_WITHIN_S: Final = 20.0


@attrs.frozen(kw_only=True)
class Plan:
    """The plan of a campaign.

    Attributes:
        seed: decides the faults.
        seconds: how long faults go on.
        protocol: what they run.
        nodes: how many nodes there are.
        clients: how many clients ask.
        faults: which faults may come; all unless said.
        points: the points of `crash at`.
        command: how a node is started; for nodes with seeded bugs.
    """

    seed: int = 0
    seconds: float = 10.0
    protocol: str = "raft"
    nodes: int = 3
    clients: int = 4
    faults: tuple[str, ...] = ()
    points: tuple[str, ...] = POINTS
    command: Sequence[str] = (sys.executable, "-m", "node")


@attrs.frozen
class Run:
    """The outcome of a campaign, before it is judged.

    Attributes:
        folder: of the cluster, with logs, history and `run.json`.
        met: how often each thing happened.
        broken: what nodes must not do and did, in words.
        recovery_s: how long the cluster took to serve once all faults had ended; None if it did not.
    """

    folder: Path
    met: dict[str, int]
    broken: tuple[str, ...]
    recovery_s: float | None


def run_campaign(folder: Path, plan: Plan, *, note: Callable[[str], None] = lambda _: None) -> Run:
    """Run a campaign, and end all that it started.

    Args:
        folder: where the cluster goes; it holds none yet.
        plan: what to do.
        note: told each fault.

    Raises:
        NodeError: a node cannot start at all.
    """
    settings = loopback(
        plan.nodes,
        cluster="chaos",
        protocol=plan.protocol,
        heartbeat_ms=_HEARTBEAT_MS,
        election_ms=_ELECTION_MS[plan.protocol],
    )
    clients = [f"c{number}" for number in range(1, plan.clients + 1)]
    cluster = init_cluster(folder, settings, clients=("admin", "forger", *clients))
    return asyncio.run(_Campaign(cluster, plan, note).run())


class _Campaign:
    """A campaign at work."""

    def __init__(self, cluster: Cluster, plan: Plan, note: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._plan = plan
        self._note = note
        self._random = random.Random(plan.seed)  # noqa: S311 - a reproducible plan, no secret
        self._names = cluster.settings.names
        self._running: dict[str, Running] = {}
        self._paused: set[str] = set()
        self._proxies: dict[tuple[str, str], Proxy] = {}
        self._met: Counter[str] = Counter()
        self._broken: list[str] = []
        self._timeline: list[dict[str, Any]] = []
        self._begun = time.monotonic()

    async def run(self) -> Run:
        """Run it."""
        clients = Clients(self._cluster, self._plan.clients, self._plan.seed)
        recovery: float | None = None
        asking: asyncio.Task[None] | None = None
        try:
            await self._start_proxies()
            for name in self._names:
                self._start(name)
            for name in self._names:
                await asyncio.to_thread(self._running[name].wait_until_up)
            asking = asyncio.create_task(clients.run())
            await self._answers(clients, FIRST_ANSWERS)
            await self._disturb()
            await self._heal()
            recovery = await self._serves(clients)
            await self._answers(clients, ANSWERS)
            clients.end()
            await asyncio.wait_for(asking, SERVES_WITHIN_S)
            await self._read_finally(clients)
        finally:
            if asking is not None:
                asking.cancel()
            await self._end_all()
        return self._written(clients, recovery)

    # --- nodes

    async def _start_proxies(self) -> None:
        for dest in self._cluster.settings.places:
            for source in self._names:
                if source != dest.name:
                    proxy = self._proxies[source, dest.name] = Proxy((dest.host, dest.port))
                    await proxy.start()

    def _start(self, name: str, fail_point: str = "") -> None:
        peers = [
            f"--peer={dest}=127.0.0.1:{proxy.port}"
            for (source, dest), proxy in self._proxies.items()
            if source == name
        ]
        limit = f"--for={self._plan.seconds + 300}"
        options = [*peers, limit, "--forgetful-disk", f"--fail-point={fail_point}"]
        self._running[name] = Running(self._cluster, name, options, self._plan.command)

    async def _ended(self, name: str) -> None:
        """A node has ended; by a kill, or there is something wrong with it."""
        node = self._running[name]
        status = await asyncio.to_thread(node.wait)
        if status != -signal.SIGKILL:
            log = self._cluster.node_folder(name) / "log.txt"
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            self._broken.append(f"{name} ended by itself with status {status}: {' '.join(last)}")

    # --- faults

    async def _disturb(self) -> None:
        wanted = list(self._plan.faults or FAULTS)
        order: list[str] = []
        await self._kill_first_leader()
        until = time.monotonic() + self._plan.seconds
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(0.2, 0.8))
            order = order or self._random.sample(wanted, len(wanted))
            name = order.pop()
            said = await FAULTS[name](self)
            self._met[name] += 1
            self._say(f"{name}: {said}")
            await self._revive()

    async def _kill_first_leader(self) -> None:
        """Kill the first leader, so that another one follows in every run."""
        leader = await self._leader()
        if leader is not None:
            self._running[leader].kill()
            self._say(f"crash: {leader}, the first leader")
            self._say(f"{await self._leader(other_than=leader)} leads")
            await self._revive()

    async def _leader(self, *, other_than: str = "") -> str | None:
        """A node that leads, as soon as one says that it does; None if none does in time."""
        until = time.monotonic() + _FIRST_S
        names = [name for name in self._names if name != other_than]
        async with client_of(self._cluster.settings, self._cluster.client()) as client:
            while time.monotonic() < until:
                for name in names:
                    try:
                        said = await client.ask(name, "status")
                    except Unknown:
                        continue
                    if said["is_leader"] and said["is_ready"]:
                        return name
                await asyncio.sleep(0.1)
        return None

    def _say(self, what: str) -> None:
        self._timeline.append({"at_s": round(time.monotonic() - self._begun, 3), "what": what})
        self._note(what)

    def _some(self) -> str:
        """A node that runs."""
        up = [name for name in self._names if self._running[name].is_up]
        return self._random.choice(up or list(self._names))

    def _pair(self) -> tuple[str, str]:
        source, dest = self._random.sample(self._names, 2)
        return source, dest

    async def _revive(self) -> None:
        """Start again the nodes that ended."""
        for name in self._names:
            if not self._running[name].is_up:
                await self._ended(name)
                self._met["killed"] += 1
                self._start(name)
                self._met["came back"] += 1

    async def crash(self) -> str:
        """Kill a node, and start it again a little later."""
        name = self._some()
        self._running[name].kill()
        await asyncio.sleep(self._random.uniform(0, 1))
        return name

    async def crash_at(self) -> str:
        """Start a node again so that it ends at a point of its work, and wait until it does."""
        name, point = self._some(), self._random.choice(self._plan.points)
        self._running[name].kill()
        await self._ended(name)
        self._met["killed"] += 1
        self._start(name, f"{point}:{self._random.randint(1, 12)}")
        self._met["came back"] += 1
        with contextlib.suppress(NodeError):  # it may reach the point before it listens
            await asyncio.to_thread(self._running[name].wait_until_up)
        await asyncio.to_thread(self._running[name].ends_within, 3.0)
        if self._running[name].is_up:
            self._running[name].kill()  # it comes back without the point, which must not end it later
            return f"{name} did not reach {point}: killed"
        self._met[f"crash {point}"] += 1
        return f"{name} {point}"

    async def pause(self) -> str:
        """Stop a node for a while."""
        name = self._some()
        self._running[name].signal(signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(0.3, 1.2))
        self._running[name].signal(signal.SIGCONT)
        return name

    async def partition(self) -> str:
        """Let some nodes and the others go silent to each other."""
        group = frozenset(self._random.sample(self._names, self._random.randint(1, len(self._names) // 2)))
        hit = [
            proxy for (one, other), proxy in self._proxies.items() if (one in group) is not (other in group)
        ]
        await self._stall(hit)
        return ", ".join(sorted(group))

    async def cut(self) -> str:
        """Let a node go silent to another one."""
        pair = self._pair()
        await self._stall([self._proxies[pair]])
        return " to ".join(pair)

    async def _stall(self, proxies: Sequence[Proxy]) -> None:
        for proxy in proxies:
            proxy.stall()
        await asyncio.sleep(self._random.uniform(0.5, 1.5))
        for proxy in proxies:
            proxy.flow()

    async def delay(self) -> str:
        """Let what a node sends to another be late, until all heals."""
        pair = self._pair()
        self._proxies[pair].delay_s = self._random.uniform(0.01, 0.15)
        return " to ".join(pair)

    async def reset(self) -> str:
        """Close the connections between two nodes."""
        pair = self._pair()
        self._proxies[pair].reset()
        return " to ".join(pair)

    async def forge(self) -> str:
        """Send a node, with a client's certificate, what only another node may say: that a new term began."""
        dest, source = self._pair()
        place = self._cluster.settings.place(dest)
        core = core_of(self._cluster.settings, dest, self._cluster.node_folder(dest))
        forger = self._cluster.client("forger")
        taken = await _forge(forger, (place.host, place.port), core, _forged(core.protocol, source, dest))
        return f"{dest} as {source}" + ("" if taken else ", not reached")

    # --- the end

    async def _heal(self) -> None:
        for proxy in self._proxies.values():
            proxy.flow()
        await self._revive()
        for node in self._running.values():
            try:
                await asyncio.to_thread(node.wait_until_up)
            except NodeError as error:
                self._broken.append(str(error))
        self._say("all faults end")

    async def _serves(self, clients: Clients) -> float | None:
        try:
            return await clients.read_all(SERVES_WITHIN_S)
        except Unknown:
            self._broken.append(f"the cluster did not serve within {SERVES_WITHIN_S:g} s after all faults")
            return None

    async def _answers(self, clients: Clients, wanted: Mapping[str, int]) -> None:
        """Wait until clients have got so many answers, for a while."""
        until = time.monotonic() + _ANSWERS_WITHIN_S
        while time.monotonic() < until:
            if all(clients.met[what] >= least for what, least in wanted.items()):
                break
            await asyncio.sleep(0.1)

    async def _read_finally(self, clients: Clients) -> None:
        try:
            await clients.read_all(SERVES_WITHIN_S)
        except Unknown:
            self._broken.append("the last reads were not answered")

    async def _end_all(self) -> None:
        for name, node in self._running.items():
            if not node.is_up:
                await self._ended(name)
                continue
            status = await asyncio.to_thread(node.end)
            if status != 0:
                self._broken.append(f"{name} ended with status {status} when it was asked to end")
        for proxy in self._proxies.values():
            await proxy.close()
        await asyncio.sleep(0.1)  # what was aborted is closed before the loop is

    def _written(self, clients: Clients, recovery: float | None) -> Run:
        folder = self._cluster.folder
        write(clients.recorder.history(model="kv"), folder / "history.ndjson")
        write_answers(clients.answered, folder)
        met = {**self._met, **clients.met}
        said = {
            "plan": {
                "seed": self._plan.seed,
                "seconds": self._plan.seconds,
                "nodes": self._plan.nodes,
                "protocol": self._plan.protocol,
            },
            "met": met,
            "broken": self._broken,
            "recovery_s": recovery,
            "timeline": self._timeline,
        }
        (folder / "run.json").write_text(json.dumps(said, indent=1), encoding="utf-8")
        return Run(folder, met, tuple(self._broken), recovery)


def _forged(protocol: str, source: str, dest: str) -> Any:
    """A message that only `source` may send."""
    if protocol == "pbft":
        return pbft.Commit(view=0, seq=1, digest="0" * 64, source=source, signature=b"forged")
    if protocol == "hotstuff":
        return hotstuff.Vote(view=_FORGED_TERM, block="0" * 64, source=source, signature=b"forged")
    return raft.RequestVoteRequest(
        term=_FORGED_TERM,
        source=source,
        dest=dest,
        last_log_index=_FORGED_TERM,
        last_log_term=_FORGED_TERM,
        transfer=True,
    )


async def _forge(credentials: Credentials, address: tuple[str, int], core: Core, message: Any) -> bool:
    """Send a forged message. False if nobody took the connection."""
    source: str = message.source
    body = core.codec.encode(Stamped(Stamp(source, 1, _FORGED_TERM, 0), message))
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(*address, ssl=credentials.client_context())
            writer.write(framed(body))
            await reader.read(1)
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
    return True


#: The faults by their names.
FAULTS: Final[dict[str, Callable[[_Campaign], Coroutine[Any, Any, str]]]] = {
    "crash": _Campaign.crash,
    "crash at": _Campaign.crash_at,
    "pause": _Campaign.pause,
    "partition": _Campaign.partition,
    "cut": _Campaign.cut,
    "delay": _Campaign.delay,
    "reset": _Campaign.reset,
    "forge": _Campaign.forge,
}
