"""The hosts of nodes: `impl.gossip` as a core of a simulated cluster. A round takes a tenth of a second here.

| host                | does                                                                           |
|---------------------|--------------------------------------------------------------------------------|
| all                 | write what is durable before they send                                         |
| `FORGETFUL`         | keeps its generation only: it comes back without its keys, in its next one     |
| without liars       | have room for two records in a message, so that deltas are cut                 |
| with a liar         | sign, and have room for one state, which is not cut                            |
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from impl import gossip
from impl.common import SymbolicKeys
from impl.gossip.records import OWNER_BYTES, RECORD_BYTES
from property_tests.gossip.adapter import VALUE_BYTES
from tlacheck.sim import Command, Disk, Notify, Send, SetTimer, Sync, Uniform, Write

__all__ = ["FORGETFUL", "LIAR", "Hosts"]

FORGETFUL: Final = "n3"
LIAR: Final = "n4"

_MS: Final = 1_000_000
_ROUND: Final = "round"
_ROUND_MS: Final = Uniform(90, 110)
_KEPT: Final = "kept"
#: Room for two records of the application.
_LITTLE: Final = OWNER_BYTES + 2 * (RECORD_BYTES + VALUE_BYTES + 8)
_WHOLE: Final = OWNER_BYTES + 3 * (RECORD_BYTES + VALUE_BYTES + 8)


class Hosts:
    """The core of a cluster of nodes.

    Args:
        names: of all nodes.
        fears: True if one of them may lie.
    """

    def __init__(self, names: Iterable[str], *, fears: bool) -> None:
        self.names, self.fears = tuple(names), fears

    def config(self, node: str) -> gossip.Config:
        """The configuration of a node: all of them know the first two."""
        detector = gossip.Detector(
            pause_ns=60 * _MS,
            deviation_min_ns=10 * _MS,
            first_mean_ns=100 * _MS,
            first_deviation_ns=25 * _MS,
        )
        return gossip.Config(
            node=node,
            seeds=self.names[:2],
            keys=SymbolicKeys(node) if self.fears else None,
            accusers=2 if self.fears else 1,
            interval_ns=100 * _MS,
            fanout=1,
            watched=3,
            room=_WHOLE if self.fears else _LITTLE,
            buckets=16,
            suspicion_ns=150 * _MS,
            grace_ns=150 * _MS,
            tombstone_ns=150 * _MS,
            detector=detector,
        )

    # --- `tlacheck.sim.Core`

    def start(self, node: str, disk: Disk) -> tuple[gossip.Node, list[Command]]:
        """A node with what its disk holds."""
        config, kept = self.config(node), disk.read(_KEPT, None)
        if kept is None:
            state = gossip.first_start(config)
        elif node == FORGETFUL:
            state = gossip.restart(config, kept)
        else:
            state = gossip.recover(config, kept)
        return state, [Write(_KEPT, state.durable), Sync(), SetTimer(_ROUND, _ROUND_MS)]

    def on_message(self, source: str, message: Any, clock_ms: int) -> gossip.Input:
        """A message."""
        return gossip.Receive(source, message, clock_ms * _MS)

    def on_timer(self, name: str, clock_ms: int) -> gossip.Input:
        """It is time for a round; whom to greet is drawn from the time."""
        drawn = hashlib.blake2b(f"{name} {clock_ms}".encode(), digest_size=8).digest()
        return gossip.Round(clock_ms * _MS, (int.from_bytes(drawn, "big"),))

    def step(self, state: gossip.Node, inp: gossip.Input) -> tuple[gossip.Node, list[Command]]:
        """One step of a node."""
        after, effects = gossip.step(state, inp)
        commands = [command for effect in effects for command in self._command(effect)]
        if isinstance(inp, gossip.Round):
            commands.append(SetTimer(_ROUND, _ROUND_MS))
        return after, commands

    def _command(self, effect: gossip.Effect) -> Iterable[Command]:
        match effect:
            case gossip.Persist(durable=durable):
                return (Write(_KEPT, durable), Sync())
            case gossip.Send(dest=dest, message=message):
                return (Send(dest, message),)
            case gossip.Changed():
                return (Notify(effect),)
            case _:
                return ()

    def commands(self, effect: Command) -> tuple[Command, ...]:
        """`step` gives commands already."""
        return (effect,)
