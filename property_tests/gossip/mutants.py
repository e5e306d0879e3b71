"""Wrong implementations of gossip, one line each: other projects' bugs, and each rule dropped or shifted."""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_CORE: Final = "impl.gossip.core"
_DETECTOR: Final = "impl.gossip.detector"
_EXCHANGE: Final = "impl.gossip.exchange"
_HOLDINGS: Final = "impl.gossip.holdings"
_MEMBERS: Final = "impl.gossip.members"
_RULES: Final = "impl.gossip.rules"


def _mutant(name: str, bug: str, module: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, bug=bug, module=module, old=old, new=new)


MUTANTS: tuple[Mutant, ...] = (
    # --- what others got wrong
    _mutant(
        "refuted-in-vain", "GO-01: an accusation counts although it is outdone", _HOLDINGS,
        "if accuser != accused and level >= known]", "if accuser != accused]",
    ),
    _mutant(
        "forgets-generation", "GO-02: nothing is remembered of whom a node forgets", _RULES,
        "return delta.generation > forgotten", "return delta.generation > 0",
    ),
    _mutant(
        "collects-unseen", "GO-03: who may lack a collected tombstone is not reset", _RULES,
        "return delta.collected == copy.collected or delta.collected <= copy.version",
        "return True",
    ),
    _mutant(
        "takes-stale-generation", "GO-04: an older generation replaces a newer one", _RULES,
        "older = delta.generation > copy.generation or (", "older = delta.generation != copy.generation or (",
    ),
    _mutant(
        "no-least-deviation", "GO-06: no least deviation", _DETECTOR,
        "spread = max(n * intervals.squares - intervals.total**2, (n * detector.deviation_min_ns) ** 2)",
        "spread = n * intervals.squares - intervals.total**2",
    ),
    _mutant(
        "no-pause", "GO-07: no acceptable pause", _DETECTOR,
        "beyond = n * (now_ns - intervals.last_ns - detector.pause_ns)",
        "beyond = n * (now_ns - intervals.last_ns)",
    ),
    _mutant(
        "never-learns", "GO-09: the time-out stays as it was, however late heartbeats are", _DETECTOR,
        "if suspects(self, now_ns, detector):", "if now_ns >= self.last_ns:",
    ),
    _mutant(
        "suspects-for-ever", "GO-10: a suspicion never ends", _MEMBERS,
        "if now_ns - since.at_ns < config.suspicion_ns:", "if since.at_ns <= now_ns:",
    ),
    _mutant(
        "overwrites-newer", "GO-12: a late delta overwrites what is newer", _RULES,
        "return record.version > copy.version", "return record.version > 0",
    ),
    _mutant(
        "starves-the-last", "GO-14: the same owners come first in each answer", _EXCHANGE,
        "turn = min((owner for owner in lacking if owner > node.first), default=min(lacking))",
        "turn = min(lacking)",
    ),
    _mutant(
        "samples-silence", "GO-15: the silence that was suspected is a sample", _DETECTOR,
        "if suspects(self, now_ns, detector):", "if now_ns < self.last_ns:",
    ),
    _mutant(
        "takes-unsigned", "GO-17: what is relayed need not be signed by its owner", _EXCHANGE,
        "if not is_signed(after, owner, node.config):", "if after.generation < 0:",
    ),
    _mutant(
        "a-liar-buries", "GO-17: one accuser less is enough", _MEMBERS,
        "if len(holdings.accusers(other)) < config.accusers:",
        "if len(holdings.accusers(other)) < config.accusers - 1:",
    ),
    # --- each rule, dropped or shifted
    _mutant(
        "takes-from-within-reset", "a copy within a reset takes what may have been deleted", _RULES,
        "return copy.version >= copy.collected", "return copy.version >= 0",
    ),
    _mutant(
        "takes-gaps", "a delta may begin above what a copy has", _RULES,
        "return delta.begin <= copy.version", "return delta.begin >= 0",
    ),
    _mutant(
        "resets-from-anywhere", "a delta that does not begin at 0 replaces a copy", _RULES,
        "return delta.begin == 0 and older", "return older",
    ),
    _mutant("keeps-tombstones", "a copy keeps collected tombstones", _RULES,
        "records = without_tombstones({**copy.records, **news}, collected)",
        "records = {**copy.records, **news}"),
    _mutant(
        "says-whole", "a delta that was cut says that it is whole", _EXCHANGE,
        "    return cut\n", "    return copy.version\n",
    ),
    _mutant(
        "cuts-signed", "a delta is cut although its owner signed it whole", _EXCHANGE,
        "if is_whole or not fitting:", "if not fitting:",
    ),
    _mutant(
        "never-resets", "who may lack a tombstone is sent a delta that it cannot take", _RULES,
        "return copy.collected > entry.collected and copy.collected > entry.version", "return False",
    ),
    _mutant(
        "same-generation", "who loses its keys goes on in its generation", _RULES,
        "return generation + 1", "return generation",
    ),
    _mutant("outdoes-nothing", "a refutation is no later than the accusation", _RULES,
        "return Level(level.generation, level.incarnation + 1)",
        "return Level(level.generation, level.incarnation)"),
    _mutant("others-write", "a node takes from others what it owns", _EXCHANGE,
        '    if owner == node.name:\n        return copy, "nobody else writes what is mine"\n', ""),
    _mutant("sends-before-it-writes", "what is durable is written after it was sent", _CORE,
        "return after, (Persist(after.durable), *effects)",
        "return after, (*effects, Persist(after.durable))"),
    _mutant("forgets-in-a-crash", "a crash loses whom a node has forgotten", _CORE,
        "holdings = Holdings.empty(config.buckets, durable.forgotten)",
        "holdings = Holdings.empty(config.buckets, {})"),
    _mutant("hash-of-others", "the hash of a copy is not taken back", _HOLDINGS,
        "taken = mark_of(owner, before) if before.generation else 0", "taken = 0"),
    _mutant("never-returns", "who reads that it is forgotten does not come back", _CORE,
        "if entry is None or not entry.is_gone or", "if entry is None or entry.is_gone or"),
    _mutant("suspects-in-its-own-pause", "one's own pause counts as the silence of others", _MEMBERS,
        "gap = passed - config.interval_ns if passed > 3 * config.interval_ns else 0", "gap = 0"),
    _mutant("never-withdraws", "an accusation that is outdone stays", _MEMBERS,
        "if level < holdings.level(other) or level.generation", "if level.generation"),
    _mutant("collects-at-once", "a young tombstone is collected with an old one", _MEMBERS,
        "if now_ns - at_ns >= node.config.tombstone_ns]", "if now_ns >= at_ns]"),
    _mutant("buries-the-known", "a node is buried while it may still refute", _MEMBERS,
        "if now_ns - since.at_ns < config.suspicion_ns:", "if now_ns < since.at_ns:"),
)  # fmt: skip

#: Of each kind one, for short checks.
SAMPLE: tuple[Mutant, ...] = MUTANTS[::6]
