"""The settings of a hybrid cluster, and the name of one of its replicas."""

from typing import Final

import attrs

from impl import pbft, quorum, raft, threat
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.hybrid.book import BookKeeper
from impl.pbft.service import LEDGER, Service

__all__ = ["Config"]

#: How large a close may be in canonical bytes: it holds the chain of an epoch.
_CLOSE_BYTES_MAX: Final = 1 << 26


def _threat(config: "Config") -> threat.Config:
    return threat.Config(config.node, config.replicas, config.f)


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
        chain_max: a Raft epoch with so long a chain ends, and another one begins.
        standstill_ticks: how long a client may wait in a Raft epoch before its replica gives the epoch up.
        dwell_ticks: how long a BFT epoch lasts at least; twice as long, four times as long, ... up to `backoff_max`
            times, after so many Raft epochs in a row that ended before anything was done in them.
        backoff_max: see there, at least 1.
        window: of PBFT, as in `impl.pbft.Config`.
        interval: likewise.
        batch_max: likewise.
        patience_max: likewise.
        request_bytes_max: how large a client's request may be in canonical bytes.
        waiting_max: how many clients may wait.
        service: what is replicated.
        threat: of the threat level.

    Raises:
        InvalidConfig: if there are not more than 3f replicas, one is named twice or `node` is none of them, or a limit
            is below 1.
    """

    node: NodeId
    replicas: tuple[NodeId, ...]
    keys: Keys = attrs.field(eq=False, repr=False)
    f: int = attrs.field(default=attrs.Factory(_greatest_f, takes_self=True))
    chain_max: int = attrs.field(default=256, kw_only=True)
    standstill_ticks: int = attrs.field(default=20, kw_only=True)
    dwell_ticks: int = attrs.field(default=20, kw_only=True)
    backoff_max: int = attrs.field(default=16, kw_only=True)
    window: int = attrs.field(default=200, kw_only=True)
    interval: int = attrs.field(default=100, kw_only=True)
    batch_max: int = attrs.field(default=64, kw_only=True)
    patience_max: int = attrs.field(default=1 << 16, kw_only=True)
    request_bytes_max: int = attrs.field(default=1 << 16, kw_only=True)
    waiting_max: int = attrs.field(default=1024, kw_only=True)
    service: Service = attrs.field(default=LEDGER, kw_only=True)
    threat: "threat.Config" = attrs.field(default=attrs.Factory(_threat, takes_self=True), kw_only=True)
    pbft: "pbft.Config" = attrs.field(init=False, eq=False, repr=False)
    raft: "raft.Config" = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("chain_max", "standstill_ticks", "dwell_ticks", "backoff_max", "request_bytes_max"):
            if (limit := getattr(self, name)) < 1:
                raise InvalidConfig(f"{name} is {limit}: use at least 1")
        try:
            configured = pbft.Config(
                self.node,
                self.replicas,
                self.keys,
                self.f,
                self.window,
                self.interval,
                self.batch_max,
                _CLOSE_BYTES_MAX,
                self.waiting_max + len(self.replicas),
                self.patience_max,
                service=BookKeeper(self.replicas, self.f, self.keys, self.service),
            )
        except pbft.InvalidConfig as error:
            raise InvalidConfig(str(error)) from None
        object.__setattr__(self, "pbft", configured)
        object.__setattr__(self, "raft", raft.Config(self.node, self.replicas))

    @property
    def n(self) -> int:
        """The number of replicas."""
        return len(self.replicas)

    @property
    def log_max(self) -> int:
        """The greatest length of Raft's log in an epoch: some longer than the chain with which the epoch is to end.

        A Byzantine leader has as many entries as it likes. Beyond this they are not taken, and nothing is acked.
        """
        return 4 * self.chain_max + 64

    @property
    def quorum(self) -> int:
        """The number of acks that make a seal, of like answers that a client believes, of calms that open an epoch."""
        return quorum.byzantine_quorum(self.n, self.f)

    @property
    def stops_needed(self) -> int:
        """The number of stops that close an epoch: as many as correct replicas alone can give."""
        return self.n - self.f

    @property
    def weak_quorum(self) -> int:
        """The number of replicas that are sure to have a correct one among them."""
        return self.f + 1
