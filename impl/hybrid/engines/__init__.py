"""The BFT protocols on which the hybrid runs, behind one interface.

| module     | has                                                                                     |
|------------|-----------------------------------------------------------------------------------------|
| `log`      | `Engine`, the interface: an agreed log of commands                                      |
| `pbft`     | PBFT as an engine                                                                       |
| `hotstuff` | HotStuff as an engine                                                                   |

`ENGINES` maps the names of settings (`consensus.bft.protocol` of a cluster file) to them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from impl.hybrid.engines.hotstuff import HotStuffEngine
from impl.hybrid.engines.log import (
    Convicting,
    Effect,
    Engine,
    Refused,
    Replica,
    Said,
    Settings,
    Timer,
)
from impl.hybrid.engines.pbft import PbftEngine

__all__ = ["ENGINES", "Convicting", "Effect", "Engine", "Refused", "Replica", "Said", "Settings", "Timer"]

#: The name of an engine -> what makes it of the settings of a replica.
ENGINES: Final[Mapping[str, Callable[[Settings], Engine[Any]]]] = {
    "pbft": PbftEngine,
    "hotstuff": HotStuffEngine,
}
