"""The settings of a threat machine, the same for all replicas but for the name."""

import itertools
from typing import Final

import attrs

from impl import quorum
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.threat.inputs import Suspicion
from impl.threat.levels import Level

__all__ = ["Config", "Weights"]

#: The levels that have thresholds.
_RAISED: Final = tuple(Level)[1:]


@attrs.frozen(kw_only=True)
class Weights:
    """The points that observations add to the score, each at least 1.

    Attributes:
        signature: for a signature that does not hold.
        refused: for a message that is refused as malformed, unproven or of a stranger.
        tampering: for contents that were altered, without a proof of who did it.
        timing: for an answer that is late; it counts apart, up to `Config.timing_max`.
    """

    signature: int = 15
    refused: int = 10
    tampering: int = 60
    timing: int = 5

    def of(self, kind: Suspicion) -> int:
        """The points that a kind of observation adds."""
        weight: int = getattr(self, kind.name.lower())
        return weight


def _greatest_f(config: "Config") -> int:
    return quorum.byzantine_faults_tolerated_formula(len(config.replicas)) if config.replicas else 0


@attrs.frozen
class Config:
    """The name of this replica, and the settings, the same for all replicas.

    Attributes:
        node: this replica.
        replicas: all of them.
        f: how many Byzantine replicas are allowed for; the greatest tolerated unless given.
        score_max: the greatest score.
        up: the cluster scores from which on the level is Low, Medium, High, Critical.
        down: the cluster scores below which the level is left again, likewise; each less than its `up`.
        weights: what observations add.
        timing_max: what timing adds at most; less than the score that is needed to stay at High.
        decay: how much each score loses in a tick, at least 1.
        dwell_ticks: for how many ticks in a row the score must be below `down` before Low, Medium or High is
            left.
        calm_ticks: likewise for Critical, with no new proof; longer than `dwell_ticks`.
        restate_ticks: after how many ticks a replica repeats its score, if that is not 0.

    Raises:
        InvalidConfig: if there are not more than 3f replicas, one is named twice or `node` is none of them,
            or thresholds or limits cannot be.
    """

    node: NodeId
    replicas: tuple[NodeId, ...]
    f: int = attrs.field(default=attrs.Factory(_greatest_f, takes_self=True))
    score_max: int = attrs.field(default=100, kw_only=True)
    up: tuple[int, int, int, int] = attrs.field(default=(10, 30, 60, 90), kw_only=True)
    down: tuple[int, int, int, int] = attrs.field(default=(5, 20, 45, 75), kw_only=True)
    weights: Weights = attrs.field(factory=Weights, kw_only=True)
    timing_max: int = attrs.field(default=40, kw_only=True)
    decay: int = attrs.field(default=1, kw_only=True)
    dwell_ticks: int = attrs.field(default=20, kw_only=True)
    calm_ticks: int = attrs.field(default=120, kw_only=True)
    restate_ticks: int = attrs.field(default=5, kw_only=True)

    def __attrs_post_init__(self) -> None:
        self._check_replicas()
        self._check_thresholds()
        self._check_evidence()
        for name in ("decay", "dwell_ticks", "restate_ticks"):
            if (limit := getattr(self, name)) < 1:
                raise InvalidConfig(f"{name} is {limit}: use at least 1")
        if self.calm_ticks <= self.dwell_ticks:
            raise InvalidConfig(
                f"calm_ticks is {self.calm_ticks} and dwell_ticks {self.dwell_ticks}: "
                f"Critical is left after a longer calm than the others, use at least {self.dwell_ticks + 1}"
            )

    def _check_replicas(self) -> None:
        n = len(self.replicas)
        if not n:
            raise InvalidConfig(
                f"replica {self.node!r} has 0 replicas: name all of the cluster, itself among them"
            )
        if len(set(self.replicas)) < n:
            raise InvalidConfig(f"replicas {self.replicas} name one twice: each replica has one score")
        if self.node not in self.replicas:
            raise InvalidConfig(f"{self.node!r} is none of the replicas {self.replicas}: name it among them")
        if self.f < 0:
            raise InvalidConfig(f"f is {self.f}: a count of faulty replicas starts at 0")
        if n < (needed := quorum.byzantine_nodes_needed(self.f)):
            raise InvalidConfig(
                f"{n} replicas cannot tolerate f = {self.f} Byzantine ones: it takes {needed}. "
                f"Add {needed - n}, or allow for f = {quorum.byzantine_faults_tolerated(n)} at most"
            )

    def _check_thresholds(self) -> None:
        for name in ("up", "down"):
            thresholds = getattr(self, name)
            if len(thresholds) != len(_RAISED):
                raise InvalidConfig(
                    f"{name} is {thresholds}: it takes {len(_RAISED)} scores, for Low, Medium, "
                    "High and Critical"
                )
            if any(low >= high for low, high in itertools.pairwise(thresholds)):
                raise InvalidConfig(f"{name} is {thresholds}: a higher level takes a higher score")
        for level, up, down in zip(_RAISED, self.up, self.down, strict=True):
            if not 1 <= down < up:
                raise InvalidConfig(
                    f"{level.name} is entered at {up} and left below {down}: leave it below 1 to {up - 1}, "
                    "or it is never left, or flaps at every change of the score"
                )
        if self.score_max < self.up[-1]:
            raise InvalidConfig(
                f"score_max is {self.score_max}: no score leads to Critical, use at least {self.up[-1]}"
            )

    def _check_evidence(self) -> None:
        for name in ("signature", "refused", "tampering", "timing"):
            if (weight := getattr(self.weights, name)) < 1:
                raise InvalidConfig(
                    f"the weight of {name} is {weight}: use at least 1, or do not hand it over"
                )
        limit = self.down[Level.HIGH - 1]
        if not 0 <= self.timing_max < limit:
            raise InvalidConfig(
                f"timing_max is {self.timing_max}: a slow network is no attack, "
                f"and must neither lead to High nor keep the level there. Use 0 to {limit - 1}"
            )

    @property
    def n(self) -> int:
        """The number of replicas."""
        return len(self.replicas)
