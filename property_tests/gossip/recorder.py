"""Three of hundreds of nodes, each step of which `specs/gossip/GossipRelay.tla` judges.

All other nodes are the environment of the spec: they may bring whatever is true of one of the three.

| one of the three                                | in the spec                                              |
|-------------------------------------------------|----------------------------------------------------------|
| writes, deletes, collects, suspects, withdraws  | the action; under the name of a fourth node, `Write`     |
| merges what a message says of one of the three, | `Relay`, whoever sent the message, and whoever gets the  |
| and answers                                     | answer                                                   |
| refutes, buries or comes back                   | `RefuteRelayed`, `BuryRelayed`, `ReturnRelayed`, whoever |
|                                                 | accused or forgot                                        |
| forgets                                         | `Forget`                                                 |
| crashes                                         | `Recover` or `Restart`, when it is back                  |

After each step the node has of the three what the spec says. The spec does not judge whether a fourth node
really accuses or forgot somebody, nor anything that the fourth one owns.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from impl import gossip
from impl.gossip.records import level_of
from property_tests.gossip.adapter import NO_DELTA, entry_to_spec
from tlacheck.harness import SpecRun, SpecStep, spec_step
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Origin
from tlacheck.values import ModelValue, Value

__all__ = ["CONFIGS", "COUNT", "Projection", "oracle"]

#: How many nodes the spec follows.
COUNT: Final = 3
#: The configurations of the spec that are read here, without `.cfg`.
CONFIGS: Final = ("Relay3",)
_SPECS: Final = Path(__file__).resolve().parents[2] / "specs" / "gossip"
_TRACE_MAX: Final = 200
_DELETED: Final = ModelValue("deleted")
#: Arguments of actions that name nodes, and actions of GossipRelay.tla, which note the event themselves.
_NODES: Final = frozenset({"node", "owner", "accused"})
_RELAYED: Final = ("Relay", "RefuteRelayed", "BuryRelayed", "ReturnRelayed")


@functools.cache
def oracle() -> SpecOracle:
    """The oracle, loaded once a process."""
    return SpecOracle(Spec.load(_SPECS / "GossipRelay.tla", _SPECS / f"{CONFIGS[0]}.cfg"))


class Projection:
    """Follows three nodes of a cluster in the spec.

    Args:
        nodes: all nodes as they begin, each in its first generation.
        names: the three.
        command: repeats the run, for the trace.
    """

    def __init__(self, nodes: Mapping[str, gossip.Node], names: Sequence[str], command: str = "") -> None:
        self._names = {name: ModelValue(f"n{number}") for number, name in enumerate(names, start=1)}
        origin = Origin(
            source="simulation", spec="GossipRelay.tla", config=f"{CONFIGS[0]}.cfg", command=command
        )
        self._run = SpecRun(oracle(), origin, trace_max=_TRACE_MAX)
        begin = {part: self._each(nodes, part) for part in ("copy", "dead", "forgotten")}
        states = frozenset(
            immutabledict(self._copy(gossip.own_copy(nodes[name])), owner=value)
            for name, value in self._names.items()
        )
        event = immutabledict(action="Init")
        self._run.start_at(
            oracle().state({**begin, "messages": frozenset(), "history": states, "event": event})
        )

    @property
    def steps(self) -> int:
        """The number of steps of the spec that were taken."""
        return self._run.steps

    def on_step(
        self, before: gossip.Node, inp: gossip.Input, after: gossip.Node, effects: Sequence[gossip.Effect]
    ) -> None:
        """A node has taken a step; nothing happens unless it is one of the three.

        Raises:
            Diverged: the spec does not allow it.
        """
        if before.name in self._names:
            self._follow(after, self._steps(before, inp, after, effects))

    def on_restart(self, node: gossip.Node, *, keeps_keys: bool) -> None:
        """A node is back, with its keys or with its generation alone; raises as `on_step`."""
        if node.name in self._names:
            self._follow(node, [self._step("Recover" if keeps_keys else "Restart", node=node.name)])

    def _follow(self, node: gossip.Node, steps: Iterable[SpecStep]) -> None:
        begun = self._run.steps
        for step in steps:
            self._run.follow(step)
        if self._run.steps == begun:
            return
        name = self._names[node.name]
        for part in ("copy", "dead", "forgotten"):
            now, shown = self._run.at.value(part)[name], self._of_node(node, part)
            if now != shown:
                self._run.compare({part: self._run.at.value(part).set(name, shown)}, f"of {node.name}")

    # --- steps

    def _step(self, action: str, **arguments: Any) -> SpecStep:
        """A step by the action's operator; names of the three are those of the spec."""
        for key in _NODES & arguments.keys():
            arguments[key] = self._names[arguments[key]]
        return spec_step(action, **arguments).by(action if action in _RELAYED else f"{action}Event")

    def _steps(
        self, before: gossip.Node, inp: gossip.Input, after: gossip.Node, effects: Sequence[gossip.Effect]
    ) -> Iterator[SpecStep]:
        match inp:
            case gossip.Round():
                yield from self._round(before, after)
            case gossip.Receive(message=gossip.Syn() | gossip.Reply() | gossip.Ack() as message):
                yield from self._received(before, message, after, effects)
            case _:
                yield from self._own(before, after)

    def _own(self, before: gossip.Node, after: gossip.Node) -> Iterator[SpecStep]:
        """The steps for all that a node has written since, in order."""
        node, was, own = before.name, gossip.own_copy(before), gossip.own_copy(after)
        if own.collected > was.collected:
            yield self._step("Collect", node=node, version=own.collected)
        for key, record in own.above(was.version):
            other = key[1:] if key.startswith("@") else ""
            if other == node:
                yield self._step("RefuteRelayed", node=node, level=tuple(self._accused_at(before, node)))
            elif other in self._names:
                action = "Withdraw" if record.is_tombstone else "Suspect"
                yield self._step(action, node=node, accused=other)
            elif record.is_tombstone:
                yield self._step("Delete", node=node, key=key)
            else:
                yield self._step("Write", node=node, key=self._key(key), value=self._value(record))

    def _round(self, before: gossip.Node, after: gossip.Node) -> Iterator[SpecStep]:
        yield from self._own(before, after)
        for other in self._names:
            buried = after.dead.get(other)
            if buried is not None and buried != before.dead.get(other):
                level = tuple(self._accused_at(after, other))
                yield self._step("BuryRelayed", node=before.name, accused=other, level=level)
            if after.holdings.forgotten.get(other) != before.holdings.forgotten.get(other):
                yield self._step("Forget", node=before.name, accused=other)

    @staticmethod
    def _accused_at(node: gossip.Node, accused: str) -> gossip.Level:
        """The greatest level at which a node has read of a suspicion of another one."""
        copies = (node.holdings.get(other) for other in node.holdings.known() if other != accused)
        return max((level_of(copy, accused) for copy in copies), default=gossip.NEVER)

    def _received(
        self,
        before: gossip.Node,
        message: gossip.Syn | gossip.Reply | gossip.Ack,
        after: gossip.Node,
        effects: Sequence[gossip.Effect],
    ) -> Iterator[SpecStep]:
        digest = {} if isinstance(message, gossip.Ack) else dict(message.digest)
        brought = {} if isinstance(message, gossip.Syn) else dict(message.deltas)
        answers = [
            each.message
            for each in effects
            if isinstance(each, gossip.Send) and isinstance(each.message, gossip.Reply | gossip.Ack)
        ]
        answered = dict(answers[0].deltas) if answers else {}
        if gossip.own_copy(after).generation > gossip.own_copy(before).generation:
            told = entry_to_spec(digest[before.name])
            yield self._step("ReturnRelayed", node=before.name, digest=told)
        for owner in self._names:
            if owner in brought or owner in answered:
                yield self._step(
                    "Relay",
                    node=before.name,
                    owner=owner,
                    delta=self._delta(brought.get(owner)),
                    digest=entry_to_spec(digest.get(owner, gossip.Entry())),
                    answer=self._delta(answered.get(owner)),
                )

    # --- values

    def _key(self, key: str) -> Value:
        return self._names.get(key[1:], key) if key.startswith("@") else key

    @staticmethod
    def _value(record: gossip.Record) -> Any:
        if record.is_tombstone:
            return _DELETED
        return tuple(record.value) if isinstance(record.value, gossip.Level) else record.value

    def _record(self, key: str, record: gossip.Record) -> Value:
        return immutabledict(key=self._key(key), version=record.version, value=self._value(record))

    def _copy(self, copy: gossip.Copy) -> Value:
        records = frozenset(self._record(key, record) for key, record in copy.records.items())
        return immutabledict(gen=copy.generation, gc=copy.collected, max=copy.version, recs=records)

    def _delta(self, delta: gossip.Delta | None) -> Value:
        if delta is None:
            return NO_DELTA
        records = frozenset(self._record(key, record) for key, record in delta.records)
        fields = {"gen": delta.generation, "from": delta.begin, "upto": delta.end, "gc": delta.collected}
        return immutabledict(fields, recs=records)

    def _of_node(self, node: gossip.Node, part: str) -> Value:
        made: dict[Value, Value] = {}
        for other, value in self._names.items():
            if part == "copy":
                made[value] = self._copy(node.holdings.get(other))
            elif part == "dead":
                made[value] = tuple(node.dead[other].level if other in node.dead else gossip.NEVER)
            else:
                made[value] = node.holdings.forgotten.get(other, 0)
        return immutabledict(made)

    def _each(self, nodes: Mapping[str, gossip.Node], part: str) -> Value:
        return immutabledict((value, self._of_node(nodes[name], part)) for name, value in self._names.items())
