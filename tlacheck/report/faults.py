"""Which steps of a trace are faults: what the surroundings do to a system, not what it does itself.

No field of a trace says so. A step counts as a fault if a word of its action's name is one that
specs use for faults (`DropMessage`, `restart_node`, `NodeCrashes`), or if a message was lost or
copied in it by no node.
"""

import re
from typing import Final

from tlacheck.report.lanes import LaneStep

__all__ = ["is_fault"]

#: Words of a name: `HandleAck` has two, `TCPReset` too.
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

#: Begins of words that name a fault, or the end of one.
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
#: How messages change when no node did it.
_BY_NOBODY: Final = frozenset({"lost", "copied"})


def is_fault(step: LaneStep) -> bool:
    """Whether a step is a fault, or ends one."""
    words = (word.lower() for word in _WORD.findall(step.action))
    return any(word.startswith(_FAULTS) for word in words) or any(
        message.how in _BY_NOBODY for message in step.messages
    )
