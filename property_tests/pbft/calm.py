"""A fault-free cluster with reordered messages, none of them lost.

Nothing is retransmitted there, and no timer fires by itself: what is asked of any one replica is executed by
all of them, in the view in which they should be, or some message was not kept when it had to be.
"""

from collections.abc import Iterator
from typing import Final

import attrs
from immutabledict import immutabledict

from impl import pbft
from property_tests.pbft.clients import request_by
from property_tests.pbft.host import PbftCore, Times, configs_of
from property_tests.pbft.invariants import Safety
from property_tests.pbft.protocol import PBFT
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness import Broken, Run, Size
from tlacheck.sim import Network, Uniform
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["calm"]

# : How long a host waits before its view-change timer fires, and before it retransmits: both longer than a
# run.
_FOR_EVER_MS: Final = 1 << 40
#: How long messages are under way at most.
_SLOW_MS: Final = 80
_CLIENTS: Final = 4
_NAMES: Final = ("r0", "r1", "r2", "r3")

#: The cluster.
CALM: Final = attrs.evolve(
    PBFT,
    core=lambda size: PbftCore(
        configs_of(size.nodes, window=32), times=Times(timeout_ms=_FOR_EVER_MS, again_ms=_FOR_EVER_MS)
    ),
    sizes=[Size(_NAMES)],
    judges=[lambda size: Safety(size, configs_of(size.nodes, window=32)["r0"]), *PBFT.judges[1:]],
    goals=(),
    network=Network(delay=Uniform(1, _SLOW_MS)),
)


def calm(context: Context, *, seeds: int = 4, rounds: int = 40) -> Outcome:
    """Run clusters with reordered messages; the only faults are two views that are left early."""
    steps = 0
    for number in range(seeds):
        seed = context.seed + number
        context.progress(f"seed {number} of {seeds}, {steps:,} steps")
        run = Run(CALM, CALM.sizes[0], seed=seed, oracle=None)
        try:
            broken = next((found for found in _calmly(run, seed, rounds)), None)
        except Diverged as failure:
            violation = failure.trace.violation
            broken = Broken(violation.property if violation else "?", str(failure))
        except Exception as raised:  # noqa: BLE001 - a step of a replica is total
            broken = Broken("Total", f"a step raises {type(raised).__name__}: {raised}")
        steps += run.steps
        if broken is not None:
            verdict = Verdict.violated(broken.property, f"seed {seed}, after {steps} steps")
            return Outcome(verdict=verdict, figures=immutabledict(steps=steps), message=broken.why)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=immutabledict(steps=steps))


def _calmly(run: Run, seed: int, rounds: int) -> Iterator[Broken]:
    """One fault-free run."""
    names, world, safety = run.size.nodes, run.cluster.world, run.judge(Safety)
    asked: dict[str, pbft.Request] = {}
    for number in range(rounds):
        client = f"c{number % _CLIENTS}"
        if client in asked and not safety.believes(asked[client]):
            yield Broken("Prompt", f"nothing was lost, and {client} waits for an answer at {world.now_ms} ms")
        asked[client] = request_by(client, number + 1, number)
        run.request(names[(seed + number) % len(names)], pbft.Receive(asked[client]))
        if number in {rounds // 2, rounds - 1}:
            for name in names:
                run.request(name, pbft.Timeout())
        run.advance(6 * _SLOW_MS if number % 3 == seed % 3 else _SLOW_MS)
    run.advance(20 * _SLOW_MS)
    nodes = {name: hosted.node for name, hosted in run.view.items()}
    executed = {name: node.durable.executed for name, node in nodes.items()}
    if len(set(executed.values())) > 1 or not all(map(safety.believes, asked.values())):
        yield Broken("Prompt", f"nothing was lost, and not all is executed: {executed}")
    for name, node in nodes.items():
        if node.durable.view != 2 or pbft.is_waiting(node):
            yield Broken(
                "Prompt", f"all is executed, and {name} waits for something in view {node.durable.view}"
            )
