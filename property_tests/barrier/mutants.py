"""Wrong barriers, one line each: each rule dropped, and what others got wrong."""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_CORE: Final = "impl.manager.barrier.core"
_RULES: Final = "impl.manager.barrier.rules"


def _mutant(name: str, bug: str, module: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, bug=bug, module=module, old=old, new=new)


MUTANTS: tuple[Mutant, ...] = (
    # --- who may act
    _mutant("acts-before", "a node acts on what rests on a decision that it has not applied", _RULES,
        "return record.index <= node.applied", "return record.index >= 0"),
    _mutant("acts-on-old", "a fence makes no record older", _RULES,
        "return record.index >= node.fence", "return record.index >= 0"),
    _mutant("acts-at-once", "a node that comes back acts at once", _RULES,
        "return node.floor is not None and node.applied >= node.floor", "return node.applied >= 0"),
    _mutant("acts-when-told", "it acts before it has applied what it was told of", _RULES,
        "return node.floor is not None and node.applied >= node.floor", "return node.floor is not None"),
    _mutant("welcomes-any-life", "an answer to an earlier life counts", _RULES,
        "return node.floor is None and welcome.generation == node.generation", "return node.floor is None"),
    _mutant("welcomed-again", "a later answer, of earlier, lowers the floor", _RULES,
        "return node.floor is None and welcome.generation == node.generation",
        "return welcome.generation == node.generation"),
    # --- records
    _mutant("untagged", "an owner leaves the index out", _CORE,
        "node.own.version + 1, node.applied, value)", "node.own.version + 1, 0, value)"),
    _mutant("never-renews", "an owner does not renew its record at a fence", _RULES,
        "return fence > node.applied", "return fence > fence + node.applied"),
    _mutant("renews-always", "an owner renews its record at each decision after a fence", _RULES,
        "return fence > node.applied", "return fence > 0"),
    _mutant("same-version", "a write takes no new version", _CORE,
        "node.own.version + 1, node.applied, value)", "node.own.version, node.applied, value)"),
    _mutant("takes-older", "an older record replaces a newer one", _CORE,
        "if inp.owner == node.name or not rules.is_later(inp.record, node.copy_of(inp.owner)):",
        "if inp.owner == node.name:"),
    _mutant("generations-not-compared", "GO-04: versions are compared, and generations are not", _RULES,
        "return (one.generation, one.version) > (other.generation, other.version)",
        "return one.version > other.version"),
    _mutant("never-fetches", "who is behind does not fetch", _CORE,
        "effects.append(ToCoordinator(Ask(node.generation)))", "pass"),
    _mutant("same-generation", "who comes back goes on in its generation", _CORE,
        "return _born(config, generation + 1)", "return _born(config, generation)"),
    # --- decisions
    _mutant("draws-from-all", "a coordinator decides on whatever it hears", _CORE,
        "if rules.may_act(node, node.copy_of(owner)) and rules.differs(node, owner)",
        "if rules.differs(node, owner)"),
    _mutant("takes-all", "the versions that a decision read are not compared", _RULES,
        "return not is_later(node.known_of(decision.owner), decision)", "return decision is not None"),
    _mutant("takes-by-its-copy", "they are compared with what gossip brought to the replica", _RULES,
        "return not is_later(node.known_of(decision.owner), decision)",
        "return not is_later(node.copy_of(decision.owner), decision)"),
    _mutant("skips-decisions", "a decision is applied though one before it is missing", _CORE,
        "if inp.index > node.applied + 1:", "if inp.index < 1:"),
    _mutant("applies-again", "a decision is applied again", _CORE,
        "if inp.index <= node.applied:\n        return node, ()\n    if inp.index >",
        "if inp.index < 1:\n        return node, ()\n    if inp.index >"),
    _mutant("goes-back", "an update that is late takes a node back", _CORE,
        "if update.index <= node.applied:", "if update.index < 1:"),
    _mutant("compares-once", "CONSUL-15: what was proposed is not proposed again", _RULES,
        "return is_later(node.copy_of(owner), node.known_of(owner))",
        "return node.copy_of(owner).version == node.known_of(owner).version + 1"),
    # --- barriers
    _mutant("counts-any-life", "acknowledgements of earlier lives count", _RULES,
        "return ack.generation >= barrier.expected[source]", "return ack.generation > 0"),
    _mutant("counts-any-index", "acknowledgements count, whatever was applied", _RULES,
        "return ack.index >= barrier.index", "return ack.index >= 0"),
    _mutant("counts-late", "a barrier that has ended goes on counting", _CORE,
        "if barrier is None or not rules.may_count(barrier) or source not in barrier.missing:",
        "if barrier is None or source not in barrier.missing:"),
    _mutant("one-less", "one acknowledgement less is enough", _RULES,
        "return not barrier.missing", "return len(barrier.missing) <= 1"),
    _mutant("passes-at-time-out", "a barrier passes at its time-out", _CORE,
        "return _ended(node, barrier, Result.UNKNOWN)", "return _ended(node, barrier, Result.PASSED)"),
    _mutant("ends-another", "the time-out of a barrier ends the next one", _CORE,
        "if barrier is None or barrier.number != inp.number or not", "if barrier is None or not"),
    _mutant("never-ends", "a barrier has no time-out", _CORE,
        "if barrier is None or barrier.number != inp.number or not rules.may_count(barrier):",
        "if barrier is None or barrier.number == inp.number:"),
)  # fmt: skip

#: Some of them, for a check that is to take little time.
SAMPLE: tuple[Mutant, ...] = MUTANTS[::6]
