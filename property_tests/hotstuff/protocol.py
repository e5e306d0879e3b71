"""HotStuff under test: four replicas, one of them Byzantine, or seven and two, judged by `specs/hotstuff`."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from impl import hotstuff
from impl.common import SymbolicKeys, signed
from impl.common.requests import Request
from property_tests.hotstuff.adversary import BEHAVIOURS, Adversary
from property_tests.hotstuff.host import Arrived, Ask, Hosts, config_of
from property_tests.hotstuff.invariants import INVARIANTS, History, Linearizable, executed, hosts_in
from property_tests.hotstuff.mutants import MUTANTS
from property_tests.hotstuff.recorder import HotStuffRecorder
from tlacheck.harness import (
    Byzantine,
    Eventually,
    Op,
    Protocol,
    Size,
    SpecRun,
    View,
    counted,
    sometimes,
    sometimes_in_step,
)
from tlacheck.harness.judges import Running
from tlacheck.sim import Fault, Network, StepRecord, Uniform

__all__ = ["HOTSTUFF"]

_CLIENTS: Final = ("x", "y", "z")
#: So long after the last request a cluster without faults has nothing left to do, in virtual milliseconds.
_SETTLED_MS: Final = 2_000
_CATCHES_UP: Final = "a replica left behind in an idle cluster catches up"


def _size(replicas: int, *byzantine: str) -> Size:
    return Size([f"r{place}" for place in range(replicas)], f"Oracle{replicas}.cfg", byzantine=byzantine)


def _recorder(size: Size, run: SpecRun) -> HotStuffRecorder:
    nodes = {name: hotstuff.first_start(config_of(name, size.nodes)) for name in size.honest}
    return HotStuffRecorder(size, run, nodes)


# --- what happens


def _asking(rng: random.Random, view: View, client: str, timestamp: int) -> tuple[str, Ask]:
    request = Request(client=client, timestamp=timestamp, operation=f"{client}{timestamp}")
    return rng.choice(sorted(hosts_in(view))), Ask(signed(request, SymbolicKeys(client)))


def _ask(rng: random.Random, view: View) -> tuple[str, Ask] | None:
    """A client whose last request was executed somewhere asks for something else."""
    client = rng.choice(_CLIENTS)
    answers = (host.node.durable.state.last_answer(client) for host in hosts_in(view).values())
    last = max((answer.timestamp for answer in answers if answer is not None), default=0)
    return _asking(rng, view, client, last + 1) if hosts_in(view) else None


def _ask_again(rng: random.Random, view: View) -> tuple[str, Ask] | None:
    """A client repeats its last request that was executed somewhere, or an earlier one."""
    done = [each for host in hosts_in(view).values() for each in executed(host) if each[0] in _CLIENTS]
    return _asking(rng, view, *rng.choice(done[-6:])[:2]) if done else None


def _node(is_such: Callable[[hotstuff.Node, hotstuff.Node], bool]) -> Callable[[View, View], bool]:
    """Some replica changes like this in a step."""

    def is_met(before: View, after: View) -> bool:
        earlier = hosts_in(before)
        return any(
            host is not earlier[name] and is_such(earlier[name].node, host.node)
            for name, host in hosts_in(after).items()
        )

    return is_met


def _commits_after_gap(before: hotstuff.Node, after: hotstuff.Node) -> bool:
    if before.durable.committed == after.durable.committed:
        return False
    block = after.durable.blocks.get(after.durable.committed)
    return block is not None and block.justify.view < block.view - 1


def _stores_second(before: hotstuff.Node, after: hotstuff.Node) -> bool:
    views = {block.view for block in after.durable.blocks.values()}
    return len(after.durable.blocks) > len(before.durable.blocks) >= len(views)


def _installs(record: StepRecord) -> bool:
    """A state comes in place of the blocks before it."""
    before, after = record.before.node.durable, record.after.node.durable
    of_others = isinstance(record.input, Arrived) and isinstance(record.input.message, hotstuff.Snapshot)
    return of_others and before.committed != after.committed


def _executes(more: int) -> Callable[[View, View], bool]:
    """Every correct replica executes as many requests as one had executed, and so many more."""

    def is_reached(begin: View, now: View) -> bool:
        longest = max(len(executed(host)) for host in hosts_in(begin).values())
        return all(len(executed(host)) >= longest + more for host in hosts_in(now).values())

    return is_reached


def _behave(run: Running, behaviour: str) -> None:
    for name in sorted(run.size.byzantine):
        run.inflict(Fault.of("make_byzantine", node=name, behaviour=behaviour))


def _leave_one_behind(run: Running) -> None:
    """Let one replica hear nothing while others execute requests; then nobody asks, and liars are silent."""
    rng = random.Random(run.cluster.world.now_ms)  # noqa: S311 - a reproducible run, no secret
    victim = rng.choice(sorted(hosts_in(run.view)))
    _behave(run, "replaying")
    run.advance(_SETTLED_MS)
    run.inflict(Fault.of("partition", group=[victim]))
    for _ in range(rng.randint(1, 8)):
        asked = _ask(rng, {name: host for name, host in run.view.items() if name != victim})
        if asked is not None:
            run.request(*asked)
        run.advance(rng.randint(1, 600))
    run.advance(_SETTLED_MS)
    _behave(run, "silent")
    run.inflict(Fault.of("heal"))


HOTSTUFF = Protocol(
    name="hotstuff",
    core=lambda size: Hosts(size.nodes),
    spec="HotStuffRuns.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "hotstuff",
    sizes=[_size(4, "r2"), _size(7, "r2", "r5")],
    byzantine=Byzantine(lambda size: Adversary(sorted(size.byzantine), size.nodes).behaviours()),
    recorder=_recorder,
    workload=[Op("a client asks", 4, _ask), Op("a client asks again", 1, _ask_again)],
    invariants=INVARIANTS,
    judges=[History, Linearizable],
    goals=[
        sometimes("committed", _node(lambda one, two: one.durable.committed != two.durable.committed)),
        sometimes("committed after a gap", _node(_commits_after_gap)),
        sometimes("locked", _node(lambda one, two: two.durable.lock.view > one.durable.lock.view)),
        sometimes("timed out", _node(lambda one, two: two.durable.timed > one.durable.timed)),
        sometimes("entered by time-outs", _node(lambda one, two: one.durable.entry != two.durable.entry)),
        sometimes("fetched", _node(lambda one, two: one.wanted is not None and two.wanted is None)),
        sometimes_in_step("a state was installed", _installs),
        sometimes("two blocks of a view", _node(_stores_second)),
        *counted("a history is linearizable", f"progress: {_CATCHES_UP}"),
        *counted(*(f"behaviour: {name}" for name in BEHAVIOURS), needs_byzantine=True),
    ],
    rest_every=1_000,
    progress=[
        Eventually("all correct replicas execute something new", _executes(1), 30_000),
        Eventually(_CATCHES_UP, _executes(0), 30_000, prepare=_leave_one_behind, is_idle=True),
    ],
    network=Network(delay=Uniform(1, 60)),
    mutants=MUTANTS,
    tear=lambda old, _: old,  # a host keeps two copies, and writes them in turn
)
