"""Detection of the steps of a trace that are faults: actions of the environment, not of the system.

No field of a trace says so. A step counts as a fault if a word of its action's name is one that specs
use for faults (`DropMessage`, `restart_node`, `NodeCrashes`), or if it lost or copied a message without
any node acting.
"""

import re
from typing import Final

from tlacheck.report.lanes import LaneStep

__all__ = ["is_fault"]

#: Words of a name: `HandleAck` has two, `TCPReset` too.
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

#: Prefixes of words that name a fault, or the end of one.
_FAULTS: Final = (
    "byzantin",
    "corrupt",
    "crash",
    "disconnect",
    "drop",
    "duplicat",
    "equivocat",
    "fail",
    "fault",
    "forg",
    "heal",
    "isolat",
    "lose",
    "loss",
    "partition",
    "reboot",
    "recover",
    "restart",
    "skew",
    "tamper",
    "torn",
)
#: Changes of messages when no node acted.
_BY_NOBODY: Final = frozenset({"lost", "copied"})


def is_fault(step: LaneStep) -> bool:
    """Return whether a step is a fault, or ends one."""
    words = (word.lower() for word in _WORD.findall(step.action))
    return any(word.startswith(_FAULTS) for word in words) or any(
        message.how in _BY_NOBODY for message in step.messages
    )
