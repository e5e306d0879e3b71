"""The settings of a cluster, and the name of one of its replicas."""

import attrs

from impl import quorum
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.common.service import LEDGER, Service, State
from impl.pbft.limits import RateLimit

__all__ = ["Config"]


def _greatest_f(config: "Config") -> int:
    return quorum.byzantine_faults_tolerated_formula(len(config.replicas)) if config.replicas else 0


@attrs.frozen
class Config:
    """The name of this replica, and the settings, the same for all replicas.

    Attributes:
        node: this replica.
        replicas: all of them, in the order in which they become primary.
        keys: the secret key of this replica and the public keys of replicas and clients; not compared.
        f: how many Byzantine replicas are allowed for; the greatest tolerated unless given.
        window: how far beyond its stable checkpoint a replica goes; the paper's k, there 200.
        interval: a checkpoint is made after so many sequence numbers, at most `window`; the paper's 100.
        batch_max: how many requests a batch may have, at least 1.
        request_bytes_max: how large a request may be in its canonical bytes.
        waiting_max: how many clients' requests may wait to be ordered.
        multiplier_max: the greatest multiple of the duration of the view-change timer.
        rate_limit: how often a client may ask; None: as often as it likes. With a limit the host gives ticks,
            or clients that have used it up are never heard again.
        service: what is replicated.

    Raises:
        InvalidConfig: if there are not more than 3f replicas, one is named twice or `node` is none of
            them, or a limit cannot be.
    """

    node: NodeId
    replicas: tuple[NodeId, ...]
    keys: Keys = attrs.field(eq=False, repr=False)
    f: int = attrs.field(default=attrs.Factory(_greatest_f, takes_self=True))
    window: int = 200
    interval: int = 100
    batch_max: int = 64
    request_bytes_max: int = 1 << 16
    waiting_max: int = 1024
    multiplier_max: int = 1 << 16
    rate_limit: RateLimit | None = attrs.field(default=None, kw_only=True)
    service: Service = attrs.field(default=LEDGER, kw_only=True)

    def __attrs_post_init__(self) -> None:
        n = self.n
        if not self.replicas:
            raise InvalidConfig(
                f"replica {self.node!r} has 0 replicas: name all of the cluster, itself among them"
            )
        if len(set(self.replicas)) < n:
            raise InvalidConfig(f"replicas {self.replicas} name one twice: each replica has one vote")
        if self.node not in self.replicas:
            raise InvalidConfig(f"{self.node!r} is none of the replicas {self.replicas}: name it among them")
        if self.f < 0:
            raise InvalidConfig(f"f is {self.f}: a count of faulty replicas starts at 0")
        if n < (needed := quorum.byzantine_nodes_needed(self.f)):
            raise InvalidConfig(
                f"{n} replicas cannot tolerate f = {self.f} Byzantine ones: it takes {needed}. "
                f"Add {needed - n}, or allow for f = {quorum.byzantine_faults_tolerated(n)} at most"
            )
        if self.window < 1:
            raise InvalidConfig(f"window is {self.window}: nothing could be proposed, use at least 1")
        if not 1 <= self.interval <= self.window:
            raise InvalidConfig(
                f"interval is {self.interval} and window {self.window}: "
                "a checkpoint must be made within each window, or the window never moves. "
                f"Use 1 to {self.window}; half the window is common"
            )
        for name in ("batch_max", "request_bytes_max", "waiting_max", "multiplier_max"):
            if (limit := getattr(self, name)) < 1:
                raise InvalidConfig(f"{name} is {limit}: use at least 1")

    @property
    def n(self) -> int:
        """The number of replicas."""
        return len(self.replicas)

    @property
    def quorum(self) -> int:
        """The size of a quorum: any two share a correct replica."""
        return quorum.byzantine_quorum(self.n, self.f)

    @property
    def checkpoints_max(self) -> int:
        """The number of checkpoints that a correct replica can have made from its stable one on."""
        return self.window // self.interval + 1

    @property
    def first_state(self) -> State:
        """The state before the first request."""
        return State(self.service.initial)

    def primary(self, view: int) -> NodeId:
        """The primary of a view (paper, section 4)."""
        return self.replicas[view % self.n]
