"""Storms: hundreds of real cores under loss, partitions and churn, and the calm after them. GOSSIP-4.

A storm is drawn from its seed. While it blows, nodes write and delete; a part of all messages is lost; each
second a hundredth of the nodes crashes, and comes back seconds later, with its memory or with its generation
alone; now and then the cluster is cut in two. Then there is calm.

| judged                                        | when                                              |
|-----------------------------------------------|---------------------------------------------------|
| `Grows`: collection version and version       | each step of a node, for a sample of owners       |
| `OwnerHad`: a record is one that was written   | each step of a node, for a sample of owners       |
| `NoResurrection`: what was deleted stays so    | each step of a node, for a sample of owners       |
| `Converges`: all have the same                | `CALM_S` after the storm                          |
| `Refuted`: nobody alive is held for dead      | `CALM_S` after the storm                          |
| the spec: see `recorder`                      | each step of three nodes, of what these three own |

    python -m property_tests.gossip --nodes 593 --seeds 100 --jobs 2 --campaign storms.jsonl

plays a campaign, which can be resumed ([campaigns.md](../../docs/campaigns.md)).
"""

import heapq
import random
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import attrs

from impl import gossip
from impl.gossip.detector import SECOND_NS
from impl.gossip.node import is_held_dead
from property_tests.gossip.agents import Cores
from property_tests.gossip.recorder import COUNT, Projection, oracle
from tlacheck import itf
from tlacheck.campaign.work import Done, digest_of
from tlacheck.conform.lockstep import Diverged

__all__ = ["CALM_S", "GOALS", "ROOM", "Broken", "Storm", "StormWork"]

#: After so many seconds of calm all must have the same. An accusation takes 5 s to be outdone or to end in a
#: burial, one who was forgotten comes back after as long, and a write needs about as many rounds as log7 n.
CALM_S: Final = 30
#: What some storm of a campaign must have met.
GOALS: Final = (
    "a partition",
    "a restart without memory",
    "a living node is held for dead",
    "a node is forgotten",
    "a tombstone is collected elsewhere",
)

#: Of messages, as `gossip.Config` has it.
ROOM: Final = 32_768
_SECOND_MS: Final = 1_000
_SAMPLE: Final = 8
#: Times short enough that a storm meets burial, oblivion and collection.
_TIMES: Final = {
    "suspicion_ns": 5 * SECOND_NS,
    "grace_ns": 8 * SECOND_NS,
    "tombstone_ns": 5 * SECOND_NS,
}

#: What an owner wrote: owner, generation and version -> key and record.
_Ledger = dict[tuple[str, int, int], tuple[str, gossip.Record]]


class Broken(Exception):
    """A property broke.

    Args:
        name: of the property.
        explanation: what there is, and what there should be.
    """

    def __init__(self, name: str, explanation: str) -> None:
        super().__init__(f"{name}: {explanation}")
        self.name, self.explanation = name, explanation


class Storm:
    """One storm.

    Args:
        nodes: how many.
        seconds: how long it lasts.
        seed: decides all of it.
        judged: True to have the spec judge three nodes.
        room: how many bytes of records a message has room for; with little of it deltas are cut.

    Attributes:
        goals: how often each of `GOALS` was met.
        steps: how many steps of nodes were judged.
        projection: judges three nodes by the spec; None if nobody asked for that.
    """

    def __init__(
        self, nodes: int, seconds: int, seed: int, *, judged: bool = False, room: int = ROOM
    ) -> None:
        self._rng = random.Random(f"storm {seed}")  # noqa: S311 - a seed repeats the run
        loss = self._rng.choice((0.0, 0.05, 0.2))
        self._cores = Cores(nodes, seed=seed, loss=loss, config={**_TIMES, "room": room})
        self._seconds = seconds
        self._sample = self._rng.sample(self._cores.names, min(_SAMPLE, nodes))
        self._ledger: _Ledger = {}
        self._deleted: dict[tuple[str, int, str], list[int]] = {}
        self._back: list[tuple[int, str]] = []
        self.goals = Counter[str](dict.fromkeys(GOALS, 0))
        self.steps = 0
        self.projection: Projection | None = None
        if judged:
            self.projection = Projection(self._cores.nodes, self._sample[:COUNT])
            self._cores.tell = self.projection.on_step

    def play(self) -> None:
        """Let it blow, and look at the calm after it.

        Raises:
            Broken: a property broke.
        """
        for second in range(self._seconds):
            self._faults(second)
            self._write()
            self._cores.advance(_SECOND_MS, self._judge)
        self._cores.world.heal()
        while self._back:
            self._return(heapq.heappop(self._back)[1])
        self._cores.advance(CALM_S * _SECOND_MS, self._judge)
        self._look_at_the_calm()

    def digest(self) -> str:
        """SHA-256 of what there is at the end, and of how it came to be."""
        roots = {name: node.holdings.root for name, node in self._cores.nodes.items()}
        return digest_of([roots, self._cores.messages, self._cores.bytes, dict(self.goals), self.steps])

    # --- what happens

    def _faults(self, second: int) -> None:
        world, rng = self._cores.world, self._rng
        if second % 15 == 5:
            size = rng.choice((2, len(self._cores.names) // 10, len(self._cores.names) // 2))
            world.partition(rng.sample(self._cores.names, max(1, size)))
            self.goals["a partition"] += 1
        if second % 15 == 13:
            world.heal()
        for name in rng.sample(self._cores.names[1:], max(1, len(self._cores.names) // 100)):
            if name not in world.down:
                world.crash(name)
                heapq.heappush(self._back, (world.now_ms + rng.choice((2, 8, 20)) * _SECOND_MS, name))
        while self._back and self._back[0][0] <= world.now_ms:
            self._return(heapq.heappop(self._back)[1])

    def _return(self, name: str) -> None:
        node, rng = self._cores.nodes[name], self._rng
        keeps_keys = rng.random() < 0.5
        if keeps_keys:
            back = gossip.recover(node.config, node.durable)
        else:
            back = gossip.restart(node.config, node.durable)
            self.goals["a restart without memory"] += 1
        self._cores.nodes[name] = back
        if self.projection is not None:
            self.projection.on_restart(back, keeps_keys=keeps_keys)
        self._cores.world.restart(name)
        self._cores.world.set_timer(name, "round", rng.randrange(_SECOND_MS))

    def _write(self) -> None:
        rng = self._rng
        for name in (
            *rng.sample(self._sample, max(1, len(self._sample) // 4)),
            rng.choice(self._cores.names),
        ):
            if name in self._cores.world.down:
                continue
            key = rng.choice("abc")
            record = gossip.own_copy(self._cores.nodes[name]).records.get(key)
            has_it = record is not None and not record.is_tombstone
            self._cores.step(name, gossip.Delete(key) if has_it else gossip.Write(key, rng.randrange(1_000)))
            self._note(name)

    # --- what is judged

    def _note(self, owner: str) -> None:
        """Write down what an owner has written since."""
        copy = gossip.own_copy(self._cores.nodes[owner])
        for key, record in copy.records.items():
            place = (owner, copy.generation, record.version)
            if place in self._ledger:
                continue
            self._ledger[place] = (key, record)
            if record.is_tombstone:
                self._deleted.setdefault((owner, copy.generation, key), []).append(record.version)

    def _judge(self, name: str, before: gossip.Node) -> None:
        self.steps += 1
        after = self._cores.nodes[name]
        if name in self._sample:
            self._note(name)
        if after.holdings is not before.holdings:
            for owner in self._sample:
                copy = after.holdings.get(owner)
                if copy is not before.holdings.get(owner):
                    self._judge_copy(name, owner, before.holdings.get(owner), copy)
        if len(after.dead) > len(before.dead):
            for other in after.dead.keys() - before.dead.keys():
                alive = other not in self._cores.world.down and is_held_dead(after, other)
                self.goals["a living node is held for dead"] += alive
        self.goals["a node is forgotten"] += len(after.holdings.forgotten) > len(before.holdings.forgotten)

    def _judge_copy(self, name: str, owner: str, before: gossip.Copy, copy: gossip.Copy) -> None:
        if copy.generation == before.generation and (copy.collected, copy.version) < (
            before.collected,
            before.version,
        ):
            raise Broken("Grows", f"{name} went back from {before} of {owner} to {copy}")
        self.goals["a tombstone is collected elsewhere"] += name != owner and copy.collected > 0
        for key, record in copy.records.items():
            if self._ledger.get((owner, copy.generation, record.version)) != (key, record):
                raise Broken("OwnerHad", f"{name} has {record} under {key} of {owner}, which never wrote it")
            for deleted in self._deleted.get((owner, copy.generation, key), ()):
                if record.version < deleted <= max(copy.version, copy.collected):
                    raise Broken(
                        "NoResurrection",
                        f"{name} shows {key} of {owner} in version {record.version}; {deleted} deleted it",
                    )

    def _look_at_the_calm(self) -> None:
        nodes = self._cores.nodes
        for node in nodes.values():
            for other in nodes:
                if other != node.name and gossip.standing(node, other) is not gossip.Standing.ALIVE:
                    raise Broken(
                        "Refuted",
                        f"{other} is {gossip.standing(node, other).value} for {node.name}, and lives",
                    )
        roots = Counter(node.holdings.root for node in nodes.values())
        if len(roots) > 1:
            counts = ", ".join(str(count) for _, count in roots.most_common(5))
            raise Broken(
                "Converges", f"after {CALM_S} s there are {len(roots)} states: {counts} nodes have them"
            )


@attrs.frozen(kw_only=True)
class StormWork:
    """Storms as the work of a campaign: a case is a seed.

    Attributes:
        nodes: how many.
        storm_s: how many seconds it blows.
        judged: True to have the spec judge three nodes.
        room: of a message, bytes.
    """

    nodes: int
    storm_s: int
    judged: bool = True
    room: int = ROOM

    #: Nothing of a storm stays in its process.
    needs_fresh_process = False

    @property
    def name(self) -> str:
        """The storms in a few words."""
        return f"storms of {self.nodes} nodes"

    def configuration(self) -> Mapping[str, Any]:
        """All that decides the results."""
        return {"kind": "gossip storms", "calm_s": CALM_S, **attrs.asdict(self)}

    def prepare(self) -> None:
        """Load the spec."""
        if self.judged:
            oracle()

    def do(self, case: str) -> Done:
        """Play one storm."""
        began = time.process_time()
        command = (
            f"python -m property_tests.gossip --nodes {self.nodes} --storm {self.storm_s} "
            f"--room {self.room} --seed {case} --seeds 1{'' if self.judged else ' --not-judged'}"
        )
        storm = Storm(self.nodes, self.storm_s, int(case), judged=self.judged, room=self.room)
        name, explanation, files = "", tuple[str, ...](), dict[str, str]()
        try:
            storm.play()
        except Broken as found:
            name, explanation = found.name, (found.explanation,)
        except Diverged as found:
            if found.trace.violation is not None:
                name, explanation = found.trace.violation.property, found.trace.violation.explanation
            files = {f"storm-{case}.itf.json": itf.to_json(found.trace)}
        return Done(
            digest=storm.digest(),
            seconds=time.process_time() - began,
            steps=storm.steps,
            goals=dict(storm.goals),
            property=name,
            explanation=explanation,
            command=command,
            files=files,
            data={"spec_steps": storm.projection.steps if storm.projection is not None else 0},
        )
