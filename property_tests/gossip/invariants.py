"""Properties of gossip that hold in every view, judged without the spec."""

from collections.abc import Iterator

import attrs

from impl import gossip
from impl.gossip import exchange
from impl.gossip.holdings import Holdings
from impl.gossip.ring import with_ring
from tlacheck.harness import Invariant, View

__all__ = ["INVARIANTS", "pairs"]


def pairs(view: View) -> Iterator[tuple[gossip.Node, str, gossip.Copy, gossip.Copy]]:
    """Each node and other one: who has it, whose it is, what there is of it, what that one has itself."""
    for node in view.values():
        for owner, other in view.items():
            if owner != node.name:
                yield node, owner, node.holdings.get(owner), gossip.own_copy(other)


def _owner_leads(view: View) -> str | None:
    for node, owner, copy, own in pairs(view):
        if (copy.generation, copy.version) > (own.generation, own.version):
            return f"{node.name} has version {copy.version} of {owner}, which has written {own.version}"
    return None


def _owners_write(view: View) -> str | None:
    """Under each key that somebody has the owner has the same, or a later record, or has deleted it."""
    for node, owner, copy, own in pairs(view):
        for key, record in copy.records.items() if copy.generation == own.generation else ():
            now = own.records.get(key)
            if now is None:
                if own.collected <= copy.collected:
                    return f"{node.name} shows {key} of {owner}, which has deleted it"
            elif now.version < record.version or (now.version == record.version and now != record):
                return f"{node.name} has {record} under {key} of {owner}, which wrote {now}"
    return None


def _same_if_equal(view: View) -> str | None:
    """A copy that is as far as its owner has the same records."""
    for node, owner, copy, own in pairs(view):
        reached = (copy.generation, copy.collected, copy.version) == (
            own.generation,
            own.collected,
            own.version,
        )
        if reached and copy.records != own.records:
            return (
                f"{node.name} is as far as {owner}, and has {sorted(copy.records)} and not "
                f"{sorted(own.records)}"
            )
    return None


def _forgotten_stays(view: View) -> str | None:
    for node in view.values():
        for owner, generation in node.holdings.forgotten.items():
            if 0 < node.holdings.get(owner).generation <= generation:
                return f"{node.name} has forgotten generation {generation} of {owner}, and shows it"
    return None


def _signed(view: View) -> str | None:
    for node, owner, copy, _ in pairs(view):
        if copy.generation and not exchange.is_signed(copy, owner, node.config):
            return f"{node.name} has what {owner} has not signed"
    return None


def _hashes_are_right(view: View) -> str | None:
    """Hashes and accusations, which are kept up to date, are what they are if made anew."""
    for node in view.values():
        made = Holdings.empty(node.config.buckets, node.holdings.forgotten)
        for owner in node.holdings.known():
            made = made.put({owner: node.holdings.get(owner)})
        if made.hashes != node.holdings.hashes:
            return f"the hashes of {node.name} are not those of what it has"
        if made.digests != node.holdings.digests:
            return f"the digests of {node.name} are not those of what it has"
        kept = {accused: levels for accused, levels in node.holdings.accusations.items() if levels}
        if kept != {accused: levels for accused, levels in made.accusations.items() if levels}:
            return f"the accusations that {node.name} goes by are not those that it has"
    return None


def _ring_is_right(view: View) -> str | None:
    """The ring, to which nodes come and which they leave one by one, is what it is if made anew."""
    for node in view.values():
        if node.ring is not None and node.ring != with_ring(attrs.evolve(node, ring=None)).ring:
            return f"the ring of {node.name} is not that of those whom it holds for alive"
    return None


INVARIANTS = (
    Invariant("OwnerLeads", _owner_leads),
    Invariant("OwnersWrite", _owners_write),
    Invariant("SameIfEqual", _same_if_equal),
    Invariant("ForgottenStays", _forgotten_stays),
    Invariant("Signed", _signed),
    Invariant("HashesAreRight", _hashes_are_right),
    Invariant("RingIsRight", _ring_is_right),
)
