"""The configuration of a node."""

from typing import Final

import attrs

from impl.common.errors import InvalidConfig
from impl.common.identities import NodeId
from impl.common.keys import Keys
from impl.gossip.detector import SECOND_NS, Detector

__all__ = ["NAME_BYTES_MAX", "Config"]

#: The longest name of a node, bytes.
NAME_BYTES_MAX: Final = 64


@attrs.frozen(kw_only=True)
class Config:
    """The name of a node, and its gossip settings. All times in ns.

    Attributes:
        node: its name.
        seeds: names of nodes that it knows from the beginning, and greets now and then in any case.
        keys: its own secret key and the public keys of all, where liars are feared; then an owner's state
            travels whole, signed, and is bounded by `room`. None among nodes that only crash.
        accusers: how many must suspect a node before it is held for dead; more than there are liars.
        interval_ns: between two rounds.
        fanout: how many random peers it greets in a round (A102).
        watched: how many neighbours on the ring it watches, and sends heartbeats to.
        room: how many bytes of records a message of this node has room for.
        accepts: how many bytes of an owner it takes from others.
        buckets: into how many parts owners fall, for hashes.
        hash_first: True to greet by hashes. False: by digests at once, for small clusters.
        suspicion_ns: how long an accused node has to refute.
        grace_ns: how long after it was buried a node is forgotten.
        tombstone_ns: how old a tombstone gets before its owner collects it.
        detector: of the failure detector.

    Raises:
        InvalidConfig: no name, no accuser, a message without room, or a time that is not positive.
    """

    node: NodeId
    seeds: tuple[NodeId, ...] = ()
    keys: Keys | None = None
    accusers: int = 1
    interval_ns: int = SECOND_NS
    fanout: int = 3
    watched: int = 3
    room: int = 32_768
    accepts: int = 65_536
    buckets: int = 128
    hash_first: bool = True
    suspicion_ns: int = 5 * SECOND_NS
    grace_ns: int = 24 * 3_600 * SECOND_NS
    tombstone_ns: int = 3_600 * SECOND_NS
    detector: Detector = attrs.field(factory=Detector)

    def __attrs_post_init__(self) -> None:
        if not self.node or len(self.node.encode()) > NAME_BYTES_MAX:
            raise InvalidConfig(f"{self.node!r} is no name: use 1 to {NAME_BYTES_MAX} bytes")
        for name in (
            "accusers",
            "interval_ns",
            "fanout",
            "watched",
            "buckets",
            "room",
            "suspicion_ns",
            "grace_ns",
            "tombstone_ns",
        ):
            if (value := getattr(self, name)) < 1:
                raise InvalidConfig(f"{name} is {value}: it is at least 1")
        if self.accepts < self.room:
            raise InvalidConfig(f"it sends up to {self.room} bytes, and would take only {self.accepts}")
