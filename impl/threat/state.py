"""The state of a threat machine, and queries on it."""

from collections.abc import Mapping

import attrs

from impl.common.identities import NodeId
from impl.threat import rules
from impl.threat.configuration import Config
from impl.threat.inputs import Proof
from impl.threat.levels import Level

__all__ = ["Durable", "Threat", "cluster_score", "level", "own_score"]


@attrs.frozen
class Durable:
    """The state that a crash must not lose. It is bounded: a number and a proof for each replica.

    Attributes:
        level: or a crash would be a way out of Critical.
        number: of this replica's last statement, or others would ignore all later ones.
        heard: the number of the last statement of each replica that made one, or old ones would count again.
        proved: against whom there is proof, and which: the gravest, of these the first.
    """

    level: Level = Level.NONE
    number: int = 0
    heard: Mapping[NodeId, int] = attrs.field(factory=dict)
    proved: Mapping[NodeId, Proof] = attrs.field(factory=dict)


@attrs.frozen
class Threat:
    """The machine of one replica.

    Attributes:
        config: of this replica; never changes.
        durable: what it has on its disk.
        evidence: what it saw itself, but for timing, decayed.
        timing: what it saw of timing, decayed.
        scores: the last statements of others, decayed; 0 for whoever made none.
        calm: for how many ticks in a row the cluster score was low enough to leave the level.
        unstated: how many ticks ago it stated its score.
    """

    config: Config
    durable: Durable = attrs.field(factory=Durable)
    evidence: int = 0
    timing: int = 0
    scores: Mapping[NodeId, int] = attrs.field(factory=dict)
    calm: int = 0
    unstated: int = 0


def level(threat: Threat) -> Level:
    """The level at which a replica is."""
    return threat.durable.level


def own_score(threat: Threat) -> int:
    """The replica's score from its own observations."""
    return rules.own_score(threat.evidence, threat.timing)


def cluster_score(threat: Threat) -> int:
    """The cluster score from the replica's own score and the statements of others."""
    config = threat.config
    others = [threat.scores.get(name, 0) for name in config.replicas if name != config.node]
    return rules.cluster_score(config.f, [own_score(threat), *others])
