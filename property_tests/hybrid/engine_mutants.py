"""Wrong engines: the hybrid on HotStuff with one line changed between both."""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS"]

_CORE: Final = "impl.hybrid.core"
_HOTSTUFF: Final = "impl.hybrid.engines.hotstuff"
_ORDERING: Final = "impl.hybrid.ordering"

MUTANTS: Final = (
    Mutant(
        name="own-messages-not-handed-back",
        bug="a replica's own vote and time-out do not count: one vote is missing for a quorum",
        module=_HOTSTUFF,
        old="                        if to in (None, replica.name):\n",
        new="                        if to == replica.name:\n",
    ),
    Mutant(
        name="leader-proposes-only-what-it-received",
        bug="a leader takes its turn only when a message came: the last certificates never go out",
        module=_HOTSTUFF,
        old="            if not inputs and (batch := hotstuff.ready(replica)) is not None:\n",
        new="            if not inputs and (batch := hotstuff.ready(replica)):\n",
    ),
    Mutant(
        name="view-timer-not-started",
        bug="the view timer of HotStuff does not reach the host",
        module=_HOTSTUFF,
        old="            return [Timer(multiplier)]\n",
        new="            return []\n",
    ),
    Mutant(
        name="view-timer-fires-in-vain",
        bug="a fired timer only retransmits",
        module=_HOTSTUFF,
        old="            return hotstuff.TimerFired()\n",
        new="            return hotstuff.Retransmit()\n",
    ),
    Mutant(
        name="late-messages-are-suspicious",
        bug="what the network repeats or delays counts as an attack",
        module="impl.threat.sources",
        old="    hotstuff.Why.STRANGER: Suspicion.REFUSED,\n",
        new="    hotstuff.Why.OLD: Suspicion.REFUSED,\n",
    ),
    Mutant(
        name="engine-not-persisted",
        bug="a vote of HotStuff is sent before it is on disk",
        module=_CORE,
        old="        before.bft.durable is not after.bft.durable\n        or before",
        new="        before",
    ),
    Mutant(
        name="engine-forgets-in-a-crash",
        bug="the BFT protocol starts anew after a crash",
        module=_CORE,
        old="        bft=config.bft.recover(durable.bft),\n",
        new="        bft=config.bft.first_start(),\n",
    ),
    Mutant(
        name="decisions-not-read",
        bug="the control state is not read from what the BFT protocol executed",
        module=_ORDERING,
        old="    if now is not was:\n",
        new="    if False:\n",
    ),
)
