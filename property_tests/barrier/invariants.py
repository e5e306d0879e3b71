"""The properties of a cluster with barriers, judged without the spec: `BarrierJudge`.

The judge believes no index that a record carries: it remembers what each owner had applied when it wrote.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from impl.manager import barrier
from property_tests.barrier.host import NAMES, RAFT, Raft
from tlacheck.harness import Broken, Judge, Size
from tlacheck.harness.judges import Finding, Met
from tlacheck.sim import Notify, StepRecord

__all__ = ["BarrierJudge"]


class BarrierJudge(Judge):
    """Sees all steps of all nodes; knows what records really rest on."""

    def __init__(self, _: Size) -> None:
        self._log: tuple[barrier.Entry, ...] = ()
        self._nodes: dict[str, barrier.Node] = {}
        self._rests: dict[tuple[str, int, int], int] = {}
        #: Those concerned -> the index of the last barrier that passed for them.
        self._passed: dict[str, int] = {}

    def on_restart(self, node: str, state: Any) -> Iterable[Finding]:
        """A node comes back, and knows nothing."""
        if node != RAFT:
            self._nodes[node] = state
        return ()

    def on_step(self, record: StepRecord) -> Iterable[Finding]:
        """Judge a step of a node."""
        if isinstance(record.after, Raft):
            self._log = record.after.log
            return ()
        before, after = record.before, record.after
        self._nodes[record.node] = after
        if after.own != before.own:
            self._rests[record.node, after.own.generation, after.own.version] = after.applied
        findings = [*self._decisions(before, after)]
        for command in record.commands:
            match command:
                case Notify(what=barrier.Acted(owner=owner, record=acted)):
                    findings += self._acted(after, owner, acted)
                case Notify(what=barrier.Ended() as ended):
                    findings += self._ended(after, ended)
                    if isinstance(record.input, barrier.Expire) and record.input.number != ended.number:
                        why = f"the time-out of {record.input.number} ends {ended.number}"
                        findings.append(Broken("EndsAtItsOwnTimeOut", why))
        return findings

    def _fence_at(self, index: int) -> int:
        fences = [at + 1 for at, entry in enumerate(self._log[:index]) if isinstance(entry, barrier.Fence)]
        return max(fences, default=0)

    def _acted(self, node: barrier.Node, owner: str, record: barrier.Record) -> Iterator[Finding]:
        rests = self._rests.get((owner, record.generation, record.version), 0)
        if rests > node.applied:
            yield Broken(
                "NoActionBeforeDecision",
                f"{node.name} acts on what {owner} wrote at {rests}, and has applied {node.applied}",
            )
        if rests < self._passed.get(node.name, 0):
            behind = self._passed[node.name]
            yield Broken("BehindBarrier", f"{node.name} acts on what is of {rests}, and {behind} had passed")
        if rests < self._fence_at(node.applied):
            yield Broken("NoActionOnOldGossip", f"{node.name} acts on what {owner} wrote at {rests}")
        if rests:
            yield Met("acts on what rests on a decision")

    def _ended(self, node: barrier.Node, ended: barrier.Ended) -> Iterator[Finding]:
        last = node.barrier
        if last is None or ended.result is not barrier.Result.PASSED:
            yield Met("a barrier ends as unknown")
            return
        yield Met("a barrier passes")
        for name, least in last.expected.items():
            now = self._nodes.get(name)
            if now is None or (now.generation <= least and now.applied < last.index):
                yield Broken("PassedImpliesApplied", f"{name} has not applied {last.index}, which has passed")
            self._passed[name] = max(self._passed.get(name, 0), last.index)

    def _decisions(self, before: barrier.Node, after: barrier.Node) -> Iterator[Finding]:
        if after.applied == before.applied:
            return
        for name in NAMES:
            old, new = before.known_of(name), after.known_of(name)
            if (old.generation, old.version) > (new.generation, new.version):
                yield Broken("NoStaleDecision", f"{after.name} takes {new} of {name}, and had {old}")
            elif self._outdone(after.applied, name, new):
                yield Met("a stale decision is refused")
        for other in self._nodes.values():
            if other.applied == after.applied and other.known != after.known:
                yield Broken("SameDecisions", f"{other.name} and {after.name} differ at {after.applied}")

    def _outdone(self, index: int, owner: str, known: barrier.Known) -> bool:
        """The last decision about an owner is older than what is known of it."""
        last = [each for each in self._log[:index] if isinstance(each, barrier.Decision)]
        about = [each for each in last if each.owner == owner]
        return bool(about) and (about[-1].generation, about[-1].version) < (known.generation, known.version)
