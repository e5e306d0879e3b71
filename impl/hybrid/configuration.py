"""The settings of a hybrid cluster, and the name of one of its replicas."""

from typing import Any, Final

import attrs

from impl import quorum, raft, threat
from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.common.service import LEDGER, Service
from impl.hybrid.control import ControlStateMachine
from impl.hybrid.engines import ENGINES, Engine, Settings

__all__ = ["Config"]

#: The greatest size of an epoch-end command in canonical bytes: it holds the log prefix of an epoch.
_END_BYTES_MAX: Final = 1 << 26


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
        prefix_max: a Raft epoch whose locked prefix is this long ends, and the next one starts.
        stall_ticks: how many ticks a client may wait in a Raft epoch before its replica aborts the epoch.
        cooldown_ticks: how many ticks a BFT epoch lasts at least; doubled with each fruitless Raft epoch in a
            row, up to `backoff_max` times.
        backoff_max: the greatest multiple of `cooldown_ticks`, at least 1.
        bft_protocol: the BFT protocol, `pbft` or `hotstuff`; `consensus.bft.protocol` in the source
            document's cluster file.
        window: of PBFT, as in `impl.pbft.Config`; HotStuff keeps so many committed blocks.
        interval: of PBFT, likewise.
        batch_max: how many requests are proposed at once.
        multiplier_max: the greatest multiple of the view timer's duration.
        request_bytes_max: how large a client's request may be in canonical bytes.
        waiting_max: how many clients may wait.
        service: what is replicated.
        threat: of the threat level.

    Raises:
        InvalidConfig: if there are not more than 3f replicas, one is named twice or `node` is none of them,
            a limit is below 1, or there is no such BFT protocol.
    """

    node: NodeId
    replicas: tuple[NodeId, ...]
    keys: Keys = attrs.field(eq=False, repr=False)
    f: int = attrs.field(default=attrs.Factory(_greatest_f, takes_self=True))
    prefix_max: int = attrs.field(default=256, kw_only=True)
    stall_ticks: int = attrs.field(default=20, kw_only=True)
    cooldown_ticks: int = attrs.field(default=20, kw_only=True)
    backoff_max: int = attrs.field(default=16, kw_only=True)
    bft_protocol: str = attrs.field(default="pbft", kw_only=True)
    window: int = attrs.field(default=200, kw_only=True)
    interval: int = attrs.field(default=100, kw_only=True)
    batch_max: int = attrs.field(default=64, kw_only=True)
    multiplier_max: int = attrs.field(default=1 << 16, kw_only=True)
    request_bytes_max: int = attrs.field(default=1 << 16, kw_only=True)
    waiting_max: int = attrs.field(default=1024, kw_only=True)
    service: Service = attrs.field(default=LEDGER, kw_only=True)
    threat: "threat.Config" = attrs.field(default=attrs.Factory(_threat, takes_self=True), kw_only=True)
    bft: Engine[Any] = attrs.field(init=False, eq=False, repr=False)
    raft: "raft.Config" = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("prefix_max", "stall_ticks", "cooldown_ticks", "backoff_max", "request_bytes_max"):
            if (limit := getattr(self, name)) < 1:
                raise InvalidConfig(f"{name} is {limit}: use at least 1")
        if self.bft_protocol not in ENGINES:
            raise InvalidConfig(
                f"there is no BFT protocol {self.bft_protocol!r}: use {' or '.join(sorted(ENGINES))}"
            )
        settings = Settings(
            node=self.node,
            replicas=self.replicas,
            keys=self.keys,
            f=self.f,
            window=self.window,
            interval=self.interval,
            batch_max=self.batch_max,
            multiplier_max=self.multiplier_max,
            request_bytes_max=_END_BYTES_MAX,
            waiting_max=self.waiting_max + len(self.replicas),
            service=ControlStateMachine(self.replicas, self.f, self.keys, self.service),
        )
        object.__setattr__(self, "bft", ENGINES[self.bft_protocol](settings))
        object.__setattr__(self, "raft", raft.Config(self.node, self.replicas))

    @property
    def n(self) -> int:
        """The number of replicas."""
        return len(self.replicas)

    @property
    def log_max(self) -> int:
        """The greatest length of Raft's log in an epoch, longer than the prefix with which the epoch ends.

        A Byzantine leader may send any number of entries. Those beyond are rejected, and nobody votes for
        them.
        """
        return 4 * self.prefix_max + 64

    @property
    def quorum(self) -> int:
        """The number of votes in a QC.

        A client accepts as many like answers, and as many switch-back votes start a Raft epoch.
        """
        return quorum.byzantine_quorum(self.n, self.f)

    @property
    def aborts_needed(self) -> int:
        """The number of aborts that end an epoch: correct replicas alone can give so many."""
        return self.n - self.f

    @property
    def weak_quorum(self) -> int:
        """The number of replicas of which at least one is correct."""
        return self.f + 1
