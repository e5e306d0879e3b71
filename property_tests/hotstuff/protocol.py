"""HotStuff under test: four replicas, one of them Byzantine, or seven and two, judged by `specs/hotstuff`."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from impl import hotstuff
from impl.common import SymbolicKeys, signed
from impl.common.requests import Request
from property_tests.hotstuff.adversary import BEHAVIOURS, Adversary
from property_tests.hotstuff.host import Ask, Hosts, config_of
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
)
from tlacheck.sim import Network, Uniform

__all__ = ["HOTSTUFF"]

_CLIENTS: Final = ("x", "y")


def _size(replicas: int, *byzantine: str) -> Size:
    return Size([f"r{place}" for place in range(replicas)], f"Oracle{replicas}.cfg", byzantine=byzantine)


def _recorder(size: Size, run: SpecRun) -> HotStuffRecorder:
    nodes = {name: hotstuff.first_start(config_of(name, size.nodes)) for name in size.honest}
    return HotStuffRecorder(size, run, nodes)


# --- what happens


def _ask(rng: random.Random, view: View) -> tuple[str, Ask] | None:
    """A client whose last request was executed somewhere asks for something else."""
    hosts = hosts_in(view)
    if not hosts:
        return None
    client = rng.choice(_CLIENTS)
    answers = (host.node.durable.state.last_answer(client) for host in hosts.values())
    last = max((answer.timestamp for answer in answers if answer is not None), default=0)
    request = Request(client=client, timestamp=last + 1, operation=f"{client}{last + 1}")
    return rng.choice(sorted(hosts)), Ask(signed(request, SymbolicKeys(client)))


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


def _progressed(begin: View, now: View) -> bool:
    """Every correct replica has executed something that was not executed before."""
    longest = max(len(executed(host)) for host in hosts_in(begin).values())
    return all(len(executed(host)) > longest for host in hosts_in(now).values())


HOTSTUFF = Protocol(
    name="hotstuff",
    core=lambda size: Hosts(size.nodes),
    spec="HotStuffRuns.tla",
    folder=Path(__file__).resolve().parents[2] / "specs" / "hotstuff",
    sizes=[_size(4, "r2"), _size(7, "r2", "r5")],
    byzantine=Byzantine(lambda size: Adversary(sorted(size.byzantine), size.nodes).behaviours()),
    recorder=_recorder,
    workload=[Op("a client asks", 1, _ask)],
    invariants=INVARIANTS,
    judges=[History, Linearizable],
    goals=[
        sometimes("committed", _node(lambda one, two: one.durable.committed != two.durable.committed)),
        sometimes("committed after a gap", _node(_commits_after_gap)),
        sometimes("locked", _node(lambda one, two: two.durable.lock.view > one.durable.lock.view)),
        sometimes("timed out", _node(lambda one, two: two.durable.timed > one.durable.timed)),
        sometimes("entered by time-outs", _node(lambda one, two: one.durable.entry != two.durable.entry)),
        sometimes("fetched", _node(lambda one, two: one.wanted is not None and two.wanted is None)),
        sometimes(
            "two blocks of a view",
            _node(
                lambda one, two: (
                    len(two.durable.blocks)
                    > len(one.durable.blocks)
                    >= len({block.view for block in two.durable.blocks.values()})
                )
            ),
        ),
        *counted("a history is linearizable"),
        *counted(*(f"behaviour: {name}" for name in BEHAVIOURS), needs_byzantine=True),
    ],
    rest_every=1_000,
    progress=Eventually("all correct replicas execute something new", _progressed, 30_000),
    network=Network(delay=Uniform(1, 60)),
    mutants=MUTANTS,
    tear=lambda old, _: old,  # a host keeps two copies, and writes them in turn
)
