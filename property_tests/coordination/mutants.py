"""Wrong coordination flows, one line each: each check dropped."""

from typing import Final

from tlacheck.mutants import Mutant

__all__ = ["MUTANTS", "SAMPLE"]

_CLIENT: Final = "impl.coordination.client"
_COORDINATOR: Final = "impl.coordination.coordinator"
_QUERIES: Final = "impl.coordination.queries"
_READING: Final = "impl.coordination.reading"


def _mutant(name: str, bug: str, module: str, old: str, new: str) -> Mutant:
    return Mutant(name=name, bug=bug, module=module, old=old, new=new)


MUTANTS: tuple[Mutant, ...] = (
    _mutant("partial-as-complete", "an answer that misses agents counts as complete", _COORDINATOR,
        "if not missing:", "if values:"),
    _mutant("forgets-who-is-silent", "a category without a part is left out", _COORDINATOR,
        "for name in pending.missing:", "for name in pending.missing[:0]:"),
    _mutant("dates-back", "a deputy's part names the index that was asked for", _COORDINATOR,
        "query, category, applied, inp.view", "query, category, index, inp.view"),
    _mutant("answers-twice", "a client takes a second answer for its query", _CLIENT,
        "if number != answer.number}", "if number != answer.number or True}"),
    _mutant("one-deputy", "what is missing is asked of the one that is silent", _COORDINATOR,
        "deputy = deputies[after.chases % len(deputies)]", "deputy = deputies[0]"),
    _mutant("tells-no-part", "a coordinator tells its part only when it is asked", _COORDINATOR,
        "if config.topology.deputies(name)[0] == config.node]",
        "if config.topology.deputies(name)[0] == config.node][:0]"),
    _mutant("all-by-gossip", "a query across categories is answered by one coordinator", _QUERIES,
        "if engine is EngineName.RAFT or len(names) > 1 else", "if engine is EngineName.RAFT else"),
    _mutant("checks-by-gossip", "what A102 gives to Raft is read from gossip", _QUERIES,
        "if engine is EngineName.RAFT or len(names) > 1 else", "if len(names) > 1 else"),
    _mutant("reads-old", "a copy is read that is older than the fence", _READING,
        "if not rules.is_fresh(view.barrier, found):", "if found.index < 0:"),
    _mutant("never-reads-ahead", "who has not applied a record's index never reads it again", _READING,
        "if not rules.has_applied(view.barrier, found):", "if found.index < view.barrier.applied:"),
    _mutant("asks-the-same", "a client asks the coordinator again that is silent", _CLIENT,
        "(Send(left[0], waiting.query),)", "(Send(waiting.asked[0], waiting.query),)"),
    _mutant("asks-on", "a client asks all coordinators, however long that takes", _CLIENT,
        "if len(waiting.asked) >= client.attempts or not left:", "if not left:"),
    _mutant("forgets-the-silent", "a client waits for a silent coordinator with each query", _CLIENT,
        "key=lambda name: name in client.silent", "key=lambda name: False"),
)  # fmt: skip

#: Some of them, for a check that is to take little time.
SAMPLE: tuple[Mutant, ...] = MUTANTS[::4]
