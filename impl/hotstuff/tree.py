"""The tree of blocks that a replica has, from the last committed one on, and some committed ones below it."""

from collections.abc import Iterator, Mapping

from impl.common.encoding import Digest
from impl.hotstuff.configuration import Config
from impl.hotstuff.messages import Block, Certificate
from impl.hotstuff.state import Durable

__all__ = ["ancestors", "has", "is_ancestor", "parent_certificate", "pruned", "view_of"]


def has(config: Config, durable: Durable, block: Digest) -> bool:
    """Return whether the block is at hand; genesis always is."""
    return block == config.genesis or block in durable.blocks


def view_of(durable: Durable, block: Digest) -> int:
    """The view of a block that is at hand; 0 of genesis."""
    found = durable.blocks.get(block)
    return found.view if found is not None else 0


def parent_certificate(config: Config, durable: Durable, block: Digest) -> Certificate:
    """The certificate of the parent of a block that is at hand; genesis is its own parent."""
    found = durable.blocks.get(block)
    return found.justify if found is not None else Certificate(view=0, block=config.genesis)


def ancestors(durable: Durable, block: Digest) -> Iterator[tuple[Digest, Block]]:
    """Yield the block and its ancestors, the latest first, as far as they are at hand."""
    while (found := durable.blocks.get(block)) is not None:
        yield block, found
        block = found.parent


def is_ancestor(config: Config, durable: Durable, one: Certificate, other: Digest) -> bool:
    """Return whether the certified block is the other, or an ancestor of it, as far as is known."""
    if one.block in (config.genesis, other):
        return True
    for _, block in ancestors(durable, other):
        if block.parent == one.block:
            return True
        if block.justify.view <= one.view:
            return False
    return False


def pruned(config: Config, durable: Durable) -> Mapping[Digest, Block]:
    """The blocks still of use: descendants of the last committed one, and the committed ones before it.

    Of the latter `config.retained` are kept. Forks behind a commit can never be committed, and are dropped.
    """
    kept: dict[Digest, Block] = {}
    for count, (block, found) in enumerate(ancestors(durable, durable.committed)):
        if count == config.retained:
            break
        kept[block] = found
    low = view_of(durable, durable.committed)
    for block, found in sorted(durable.blocks.items(), key=lambda item: item[1].view):
        if found.view > low and found.parent in kept and found.justify.view >= low:
            kept[block] = found
    return kept if len(kept) < len(durable.blocks) else durable.blocks
