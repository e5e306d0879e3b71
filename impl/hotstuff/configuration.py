"""The settings of a cluster, and the name of one of its replicas."""

import functools

import attrs

from impl import quorum
from impl.common.encoding import Digest, digest
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.common.service import LEDGER, Service, State

__all__ = ["Config"]


def _greatest_f(config: "Config") -> int:
    return quorum.byzantine_faults_tolerated_formula(len(config.replicas)) if config.replicas else 0


@attrs.frozen
class Config:
    """The name of this replica, and the settings, the same for all replicas.

    Attributes:
        node: this replica.
        replicas: all of them, in the order in which they lead.
        keys: the secret key of this replica and the public keys of replicas and clients; not compared.
        f: how many Byzantine replicas are allowed for; the greatest tolerated unless given.
        cluster: the name of the cluster, which every signature covers: votes of another one count for
            nothing.
        batch_max: how many requests a block may have, at least 1.
        request_bytes_max: how large a request may be in its canonical bytes.
        waiting_max: how many clients' requests may wait to be ordered.
        retained: how many committed blocks are kept for replicas that ask for them.
        variants_max: how many blocks of one view are kept that nothing certifies.
        fetch_max: how many blocks are sent at once to a replica that asks.
        multiplier_max: the greatest multiple of the duration of a view's timer.
        service: what is replicated.

    Raises:
        InvalidConfig: if there are not more than 3f replicas, one is named twice or `node` is none of
            them, or a limit cannot be.
    """

    node: NodeId
    replicas: tuple[NodeId, ...]
    keys: Keys = attrs.field(eq=False, repr=False)
    f: int = attrs.field(default=attrs.Factory(_greatest_f, takes_self=True))
    cluster: str = "hotstuff"
    batch_max: int = 64
    request_bytes_max: int = 1 << 16
    waiting_max: int = 1024
    retained: int = 64
    variants_max: int = 2
    fetch_max: int = 32
    multiplier_max: int = 64
    service: Service = attrs.field(default=LEDGER, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.replicas:
            raise InvalidConfig("there are no replicas: name at least one")
        if len(set(self.replicas)) < self.n:
            raise InvalidConfig(f"a replica is named twice among {', '.join(self.replicas)}")
        if self.node not in self.replicas:
            raise InvalidConfig(f"{self.node!r} is none of the replicas {', '.join(self.replicas)}")
        if self.f < 0:
            raise InvalidConfig(f"f is {self.f}: a count of faulty replicas starts at 0")
        if self.n < (needed := quorum.byzantine_nodes_needed(self.f)):
            raise InvalidConfig(
                f"{self.n} replicas cannot tolerate f = {self.f} Byzantine ones: it takes {needed}. Add "
                f"{needed - self.n}, or allow for f = {quorum.byzantine_faults_tolerated(self.n)} at most"
            )
        limits = ("batch_max", "request_bytes_max", "waiting_max", "retained", "variants_max", "fetch_max")
        for name in (*limits, "multiplier_max"):
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
    def bitmap_bytes(self) -> int:
        """The bytes of a bitmap of replicas."""
        return (self.n + 7) // 8

    @property
    def first_state(self) -> State:
        """The state before the first request."""
        return State(self.service.initial)

    @property
    def genesis(self) -> Digest:
        """The digest that stands for the block before the first."""
        return _genesis(self.cluster)

    def leader(self, view: int) -> NodeId:
        """The leader of a view: replicas take turns."""
        return self.replicas[view % self.n]


@functools.lru_cache(maxsize=64)
def _genesis(cluster: str) -> Digest:
    return digest(("genesis", cluster))
