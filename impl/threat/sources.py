"""Refusals of a replica of PBFT or HotStuff and proofs of its guard, as a threat machine takes them."""

from collections.abc import Mapping
from typing import Final

from impl import hotstuff
from impl.common.encoding import digest
from impl.guard import Evidence, Offence
from impl.pbft import Why
from impl.threat.inputs import Observed, Proof, ProofKind, Suspicion

__all__ = ["PROVES", "SUSPICIOUS", "observed", "proof"]

#: What a refusal may be a sign of. The others happen between correct replicas; equivocation goes to the
#: guard.
SUSPICIOUS: Final[Mapping[Why | hotstuff.Why, Suspicion]] = {
    Why.FORGED: Suspicion.SIGNATURE,
    Why.MALFORMED: Suspicion.REFUSED,
    Why.UNPROVEN: Suspicion.REFUSED,
    Why.STRANGER: Suspicion.REFUSED,
    hotstuff.Why.FORGED: Suspicion.SIGNATURE,
    hotstuff.Why.MALFORMED: Suspicion.REFUSED,
    hotstuff.Why.UNPROVEN: Suspicion.REFUSED,
    hotstuff.Why.STRANGER: Suspicion.REFUSED,
}

#: What an offence is to a threat machine.
PROVES: Final[Mapping[Offence, ProofKind]] = {
    Offence.EQUIVOCATION: ProofKind.EQUIVOCATION,
    Offence.CONCEALMENT: ProofKind.EQUIVOCATION,
    Offence.USURPATION: ProofKind.TAMPERING,
    Offence.FALSE_PROOF: ProofKind.TAMPERING,
}


def observed(why: Why | hotstuff.Why) -> Observed | None:
    """The input for a refusal; None if it is no sign of an attack."""
    kind = SUSPICIOUS.get(why)
    return Observed(kind) if kind else None


def proof(evidence: Evidence, offence: Offence) -> Proof:
    """The input for evidence that `impl.guard.verify` found to convict.

    Args:
        evidence: as it was verified.
        offence: what `impl.guard.offence` says that it proves.
    """
    return Proof(PROVES[offence], evidence.accused, digest(evidence))
