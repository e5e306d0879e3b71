"""The protocols that a node runs: for each its core and its engine."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from node.engine import Core, Engine, Timing
from node.errors import NodeError
from node.hotstuff_core import HotStuffCore
from node.hotstuff_engine import HotStuffEngine
from node.pbft_core import PbftCore
from node.pbft_engine import PbftEngine
from node.raft_core import RaftCore
from node.raft_engine import RaftEngine
from node.settings import Settings
from node.signing import read_keys

__all__ = ["core_of", "engine_of"]


def _raft(settings: Settings, name: str, folder: Path) -> RaftCore:
    del folder
    return RaftCore(name, settings.names)


def _pbft(settings: Settings, name: str, folder: Path) -> PbftCore:
    return PbftCore(name, settings.names, read_keys(folder, settings.names), settings.faults)


def _hotstuff(settings: Settings, name: str, folder: Path) -> HotStuffCore:
    return HotStuffCore(name, settings.names, read_keys(folder, settings.names), settings.faults)


_CORES: Final[Mapping[str, Callable[[Settings, str, Path], Core]]] = {
    "raft": _raft,
    "pbft": _pbft,
    "hotstuff": _hotstuff,
}


def core_of(settings: Settings, name: str, folder: Path) -> Core:
    """Return the core of a node.

    Args:
        settings: of its cluster.
        name: its name.
        folder: its folder, with its keys.

    Raises:
        NodeError: this version does not run the protocol of the cluster.
    """
    make = _CORES.get(settings.protocol)
    if make is None:
        raise NodeError(
            f"the file asks for the protocol {settings.protocol!r}, and this version runs "
            f"{', '.join(_CORES)}: set `protocol: raft`, or give --protocol raft"
        )
    if settings.flaw:
        raise NodeError(settings.flaw)
    return make(settings, name, folder)


def engine_of(settings: Settings, name: str, folder: Path, rng: random.Random) -> Engine:
    """Return the engine of a node.

    Args:
        settings: of its cluster.
        name: its name.
        folder: its folder, with its keys.
        rng: draws what timers need.

    Raises:
        NodeError: as `core_of`.
    """
    core = core_of(settings, name, folder)
    timing = Timing(settings.heartbeat_ms, settings.election_ms)
    if isinstance(core, RaftCore):
        return RaftEngine(core, timing, rng)
    if isinstance(core, PbftCore):
        return PbftEngine(core, timing)
    if isinstance(core, HotStuffCore):
        return HotStuffEngine(core, timing)
    raise NodeError(f"the protocol {settings.protocol!r} has no engine")
