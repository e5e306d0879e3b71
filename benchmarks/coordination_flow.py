"""A102's coordination at its size in simulated time: 14 coordinators, 593 agents (MANAGER-4).

All are real cores: `property_tests.coordination.cluster`. Messages take 1 to 20 ms.

* Ways: the time until the client has the answer, of queries within a category by gossip, and across
  categories by Raft; outcomes; messages of the flow and entries of Raft's log for each query. Beside it in
  the same run what there would be if queries within a category went by Raft as well.
* Load: how many queries each coordinator took, the most beside the mean; and what Raft's leader handles.
* Faults: the same with coordinators down, and a majority of them; the longest wait. Beside it a client that
  does not remember who was silent ("forgetful"). Queries that waited for a silent coordinator are counted.
* Barrier: seconds from the decision of a fence until all 593 agents have applied it, by gossip alone and
  behind a barrier, with messages lost.
"""

import random
import statistics
import time

from benchmarks._machine import begin, leave, sized
from impl.coordination import Outcome
from impl.manager import barrier
from property_tests.coordination.cluster import A102_SIZES, SILENT_MS, Flow, topology
from property_tests.coordination.judge import BOUND_MS

SIZES = sized(A102_SIZES, (3, 4, 5))
QUERIES = sized(300, 10)
LOSSES = sized((0.0, 0.05, 0.2), (0.0,))
_OF_RAFT = ("AppendEntriesRequest", "AppendEntriesResponse")
_OF_FLOW = ("Query", "Part", "PartRequest", "_Forwarded")


def started(seed: int, loss: float = 0.0, avoids: int = 64) -> Flow:
    """A cluster with a leader, of which all know how long the log is."""
    flow = Flow(topology(SIZES), seed=seed, loss=loss, avoids=avoids)
    flow.advance(3_000)
    return flow


def asked(flow: Flow, kind: str, across: int, count: int) -> None:
    """So many queries, ten a second, each of some categories."""
    rng = random.Random(f"queries {kind} {across}")  # noqa: S311 - a reproducible run, no secret
    for _ in range(count):
        flow.ask(kind, tuple(rng.sample(sorted(flow.shape.categories), across)))
        flow.advance(100)
    flow.advance(BOUND_MS)


def entries(flow: Flow) -> int:
    """The length of Raft's log."""
    return max(node.durable.last_index for node in flow.rafts.values())


def row(name: str, flow: Flow, before: int, entries_before: int, flow_before: int) -> bool:
    """Print what became of the queries since; whether each was answered in time."""
    found = flow.done[before:]
    took = sorted(done.took_ms for done in found)
    outcomes = {kind: sum(done.answer.outcome is kind for done in found) for kind in Outcome}
    count = max(1, len(found))
    raft = (entries(flow) - entries_before) / count
    own = (sum(flow.load(_OF_FLOW).values()) - flow_before) / count
    whole, part, failed = (outcomes[kind] for kind in (Outcome.COMPLETE, Outcome.PARTIAL, Outcome.FAILED))
    print(
        f"{name:<40} {len(found):>5} {whole:>6} {part:>6} {failed:>6} {statistics.median(took):>7,.0f} "
        f"{took[-1]:>7,} {sum(each >= SILENT_MS for each in took):>6} {own:>8.1f} {raft:>8.1f}"
    )
    return took[-1] <= BOUND_MS


def ways(flow: Flow, note: str = "") -> bool:
    """Queries of each way."""
    is_met = True
    for name, kind, across in (
        ("within a category, by gossip", "Q-table sync", 1),
        ("within a category, by Raft", "dependency check", 1),
        ("across 3 categories, by Raft", "Q-table sync", 3),
    ):
        before = len(flow.done)
        raft, own = entries(flow), sum(flow.load(_OF_FLOW).values())
        asked(flow, kind, across, QUERIES)
        is_met &= row(name + note, flow, before, raft, own)
        is_met &= len(flow.done) - before == QUERIES
    return is_met


def with_faults(flow: Flow, note: str) -> bool:
    """Queries while two coordinators are down, then a majority of them, neighbours of each other."""
    down = [name for name in flow.shape.coordinators if name != flow.leader()]
    majority, is_met = len(down) // 2 + 1, True
    for count in (2, majority):
        for name in down[:count]:
            if name not in flow.world.down:
                flow.crash(name)
        flow.advance(2_000)
        is_met &= ways(flow, f", {count} down{note}")
    return is_met


def applied(loss: float, *, behind_barrier: bool, seed: int = 1) -> tuple[float, str]:
    """Seconds from a fence until all agents have applied it; how the barrier ended, if there is one."""
    flow = started(seed, loss)
    leader = flow.leader()
    if leader is None:
        return float("inf"), "no leader"
    flow.propose(barrier.Fence())
    flow.advance(2_000, until=lambda: flow.barriers[leader].fence > 0)
    begun, fence = flow.world.now_ms, flow.barriers[leader].fence
    if behind_barrier:
        flow.open(leader, flow.agents)

    def is_done() -> bool:
        return all(flow.barriers[agent].applied >= fence for agent in flow.agents)

    while not is_done() and flow.world.now_ms - begun < 60_000:
        flow.advance(50)
    took = (flow.world.now_ms - begun) / 1_000
    flow.advance(10_000 if behind_barrier else 0, until=lambda: bool(flow.ended))
    if not flow.ended:
        return took, ""
    at_ms, ended = flow.ended[0]
    return took, f"{ended.result.value} after {(at_ms - begun) / 1_000:.1f} s"


def main() -> None:
    """Run all of it."""
    begin("Coordination: 14 coordinators, 593 agents")
    begun = time.process_time()
    flow = started(1)
    print(f"\n{len(flow.agents)} agents in {len(SIZES)} categories of {min(SIZES)} to {max(SIZES)}")
    head = ("queries", "count", "whole", "part", "failed", "median", "most", "waited", "messages", "entries")
    print("\n{:<40} {:>5} {:>6} {:>6} {:>6} {:>7} {:>7} {:>6} {:>8} {:>8}".format(*head))
    is_met = ways(flow)
    collected = [flow.handled[name]["Query"] for name in flow.shape.coordinators]
    print(f"queries a coordinator took: mean {statistics.mean(collected):.1f}, most {max(collected)}")
    handled = {name: sum(flow.handled[name][kind] for kind in _OF_RAFT + _OF_FLOW) for name in flow.handled}
    leader = flow.leader() or ""
    others = statistics.mean(count for name, count in handled.items() if name != leader)
    print(f"messages of Raft and the flow: the leader {handled[leader]:,}, each other {others:,.0f}")

    is_met &= with_faults(flow, "")
    is_met &= with_faults(started(1, avoids=0), ", forgetful")
    print(f"the bound: {BOUND_MS:,} ms")

    print("\nloss   all have applied a fence, s: by gossip alone   behind a barrier   the barrier")
    for loss in LOSSES:
        alone, _ = applied(loss, behind_barrier=False)
        behind, ended = applied(loss, behind_barrier=True)
        print(f"{loss:>4.0%}   {alone:>45.1f} {behind:>18.1f}   {ended}")
    print(f"\n{time.process_time() - begun:.0f} s of CPU")
    print("each query was answered, within the bound" if is_met else "NOT MET: a query had no answer in time")
    leave()


if __name__ == "__main__":
    main()
