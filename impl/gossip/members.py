"""Failures and membership: whom a node watches, suspects, buries and forgets, and when it refutes (SWIM).

Each suspicion is a record of the suspecting node, so that a liar speaks for itself only. This module
evaluates the suspicions of others.
"""

import attrs

from impl.common.identities import NodeId
from impl.gossip import detector, ownership
from impl.gossip.detector import Intervals
from impl.gossip.effects import Changed, Effect, Standing
from impl.gossip.node import Node, Since, is_held_dead, own_copy
from impl.gossip.records import is_membership, level_of
from impl.gossip.ring import before, with_places, with_ring

__all__ = [
    "absent",
    "beat",
    "burying",
    "collecting",
    "forgetting",
    "moved_on",
    "refuting",
    "suspecting",
    "withdrawing",
]


def absent(node: Node) -> tuple[NodeId, ...]:
    """The dead, forgotten or never met nodes, greeted in turn in case they live."""
    holdings = node.holdings
    gone = {other for other in node.dead if is_held_dead(node, other)}
    gone |= {
        other for other in (*holdings.forgotten, *node.config.seeds) if not holdings.get(other).generation
    }
    return tuple(sorted(gone - {node.name}))


# --- heartbeats


def beat(node: Node, source: NodeId, generation: int, now_ns: int) -> Node:
    """Record a heartbeat of a watched node, unless its generation is earlier than the known one."""
    heard = node.heard.get(source)
    if heard is None or generation < node.holdings.get(source).generation:
        return node
    later = heard.heard(now_ns, node.config.detector)
    return attrs.evolve(node, heard={**node.heard, source: later})


def _watching(node: Node, now_ns: int, gap_ns: int) -> Node:
    """Watch the present neighbours and no others. The node's own pause is no silence of theirs."""
    heard: dict[NodeId, Intervals] = {}
    for other in before(node):
        known = node.heard.get(other)
        if known is None:
            heard[other] = Intervals.begin(now_ns, node.config.detector)
        else:
            heard[other] = known.shifted(gap_ns) if gap_ns else known
    return attrs.evolve(node, heard=heard)


# --- what a round does


def moved_on(node: Node, now_ns: int) -> tuple[Node, list[Effect]]:
    """Let time pass: collect, suspect, refute, withdraw, bury, forget, in this order.

    After a pause of its own, longer than two intervals, the node suspects nobody in this round.
    """
    config = node.config
    passed = 0 if node.now_ns is None else now_ns - node.now_ns
    gap = passed - config.interval_ns if passed > 3 * config.interval_ns else 0
    node = attrs.evolve(node, now_ns=now_ns, turn=node.turn + 1)
    node = _watching(with_ring(collecting(node, now_ns)), now_ns, gap)
    node, accused = (node, []) if gap else suspecting(node, now_ns)
    node, buried = burying(withdrawing(refuting(node)), now_ns)
    node, lost = forgetting(node, now_ns)
    return with_ring(node), [*accused, *buried, *lost]


def collecting(node: Node, now_ns: int) -> Node:
    """Collect the tombstones that are old enough (`Collect`)."""
    own = own_copy(node)
    versions = [record.version for record in own.records.values() if record.is_tombstone]
    seen = {version: node.tombstones.get(version, now_ns) for version in versions}
    old = [version for version, at_ns in seen.items() if now_ns - at_ns >= node.config.tombstone_ns]
    young = [version for version in versions if version not in old]
    due = max((version for version in old if version < min(young, default=version + 1)), default=0)
    node = attrs.evolve(node, tombstones=seen) if seen != node.tombstones else node
    return ownership.collected(node, due) if due else node


def suspecting(node: Node, now_ns: int) -> tuple[Node, list[Effect]]:
    """Suspect the watched nodes that have been silent for too long (`Suspect`)."""
    effects: list[Effect] = []
    for other, heard in node.heard.items():
        level = node.holdings.level(other)
        if not level.generation or is_held_dead(node, other) or level_of(own_copy(node), other) >= level:
            continue
        if detector.suspects(heard, now_ns, node.config.detector):
            effects.append(Changed(other, Standing.SUSPECTED, level))
            node = ownership.suspected(node, other)
    return node, effects


def refuting(node: Node) -> Node:
    """Refute a suspicion at the present level by a higher one (`Refute`)."""
    known = node.holdings.level(node.name)
    levels = node.holdings.accusations.get(node.name, {})
    is_accused = any(level == known for accuser, level in levels.items() if accuser != node.name)
    return ownership.refuted(node) if is_accused else node


def withdrawing(node: Node) -> Node:
    """Withdraw accusations at a level that is outdone or forgotten (`Withdraw`)."""
    holdings = node.holdings
    for key in own_copy(node).records:
        other = key[1:]
        level = level_of(own_copy(node), other)
        if not is_membership(key) or other == node.name or not level.generation:
            continue
        if level < holdings.level(other) or level.generation <= holdings.forgotten.get(other, 0):
            node = ownership.withdrawn(node, other)
    return node


def burying(node: Node, now_ns: int) -> tuple[Node, list[Effect]]:
    """Bury the nodes that were accused for long enough without a refutation (`Bury`)."""
    config, holdings = node.config, node.holdings
    accused: dict[NodeId, Since] = {}
    buried: dict[NodeId, Since] = {}
    for other in holdings.accusations:
        if other == node.name or is_held_dead(node, other) or not holdings.get(other).generation:
            continue
        if len(holdings.accusers(other)) < config.accusers:
            continue
        level = holdings.level(other)
        known = node.accused.get(other)
        since = known if known is not None and known.level == level else Since(level, now_ns)
        if now_ns - since.at_ns < config.suspicion_ns:
            accused[other] = since
        else:
            buried[other] = Since(level, now_ns)
    node = attrs.evolve(node, accused=accused)
    if buried:
        node = with_places(attrs.evolve(node, dead={**node.dead, **buried}), buried)
    return node, [Changed(other, Standing.DEAD, since.level) for other, since in buried.items()]


def forgetting(node: Node, now_ns: int) -> tuple[Node, list[Effect]]:
    """Forget the nodes that have been dead for long enough, except for their generations (`Forget`)."""
    effects: list[Effect] = []
    for other, since in tuple(node.dead.items()):
        if now_ns - since.at_ns < node.config.grace_ns or not is_held_dead(node, other):
            continue
        generation = node.holdings.get(other).generation
        dead = {name: each for name, each in node.dead.items() if name != other}
        node = attrs.evolve(node, holdings=node.holdings.forget(other, generation), dead=dead)
        node = with_places(node, (other,))
        effects.append(Changed(other, Standing.FORGOTTEN, since.level))
    return node, effects
