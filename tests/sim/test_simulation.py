"""The loop of events and faults, scenarios, and reproducibility by seed in every process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from immutabledict import immutabledict

from tests.sim.toys import Courier, Store, Toy, Voter
from tlacheck.errors import AdapterError, ConfigError
from tlacheck.sim import (
    Cluster,
    Command,
    Exponential,
    Fault,
    FaultPlan,
    Fixed,
    HeavyTailed,
    Network,
    Replay,
    Request,
    Scenario,
    ScenarioRun,
    Send,
    SetTimer,
    StopTimer,
    Uniform,
)

ROOT = Path(__file__).resolve().parents[2]


class Chatter(Toy):
    """Every node talks to every other, with sets and mappings in messages and random timers."""

    def start(self, node: str, disk: Any) -> tuple[Any, tuple[Command, ...]]:
        del disk
        return (node, frozenset({node})), (SetTimer("talk", Uniform(5, 30)),)

    def step(self, state: Any, inp: Any) -> tuple[Any, list[Command]]:
        me, known = state
        match inp:
            case ("timer", _, _, clock_ms):
                said = immutabledict(dict.fromkeys(known, clock_ms))
                peers = [peer for peer in "abc" if peer != me]
                return state, [*(Send(peer, said) for peer in peers), SetTimer("talk", Exponential(20))]
            case ("message", _, its, _):
                return (me, known | {*its, "x"}), []
        return (me, known | {str(inp)}), []


def chat(seed: int) -> ScenarioRun:
    """A simulation with everything drawn from the seed."""
    nodes = ("a", "b", "c")
    scenario = Scenario(
        nodes=nodes,
        seed=seed,
        until_ms=1_500,
        network=Network(delay=HeavyTailed(3, shape=1.2), loss=0.05, duplication=0.05),
        plan=FaultPlan.draw(seed, nodes, until_ms=1_200, count=40),
        workload=tuple(Request(at, "abc"[at % 3], at) for at in range(0, 1_000, 70)),
        behaviours=immutabledict(replay=Replay(chance=0.2)),
    )
    cluster = Cluster(
        Chatter(careful=False), nodes, seed=seed, network=scenario.network, behaviours=scenario.behaviours
    )
    cluster.inflict(Fault.of("make_byzantine", node="c", behaviour="replay"))
    cluster.play(scenario.plan, until_ms=scenario.until_ms, workload=scenario.workload)
    cluster.simulation.stabilise()
    cluster.advance(300)
    return ScenarioRun(cluster=cluster, log=cluster.simulation.log_text, met=cluster.simulation.met)


def test_a_seed_determines_the_log() -> None:
    """A failure that its seed does not reproduce cannot be investigated."""
    first = chat(3)
    assert len(first.log.splitlines()) > 300
    assert chat(3).log == first.log
    assert chat(4).log != first.log


def test_another_process_with_another_hash_seed_gives_the_same_log() -> None:
    program = "from tests.sim.test_simulation import chat; print(chat(3).fingerprint)"
    found = {
        subprocess.check_output(
            [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, text=True
        ).strip()
        for seed in ("1", "2")
    }
    assert found == {chat(3).fingerprint}


def test_nearly_all_drawn_faults_occurred() -> None:
    met = sum((chat(seed).met for seed in range(4)), start=chat(9).met)
    wanted = {
        "drop", "duplicate", "reorder", "delay", "partition", "cut", "heal", "crash", "restart", "pause",
        "skew",
    }  # fmt: skip
    assert wanted <= {name for name, times in met.items() if times}


# --- the log ------------------------------------------------------------------------------------


def courier(**more: Any) -> Cluster[Any, Any, Any]:
    return Cluster(Courier(careful=True), "ab", seed=1, network=Network(delay=Fixed(10)), **more)


def test_the_log_has_a_line_per_event() -> None:
    cluster = courier()
    cluster.advance(6)
    cluster.inflict(Fault.of("duplicate", position=0))
    cluster.inflict(Fault.of("resume", node="b"))
    cluster.advance(30)
    assert cluster.simulation.log_text == (
        "       5 timer    a    send\n"
        "       6 fault         duplicate(position=0)\n"
        "       6 no fault b    resume(node=b)\n"
        "      15 message  b    #1 a -> b: 'parcel'\n"
        "      15 notified b    parcel\n"
        "      16 message  b    #2 a -> b: 'parcel'\n"
        "      25 message  a    #3 b -> a: 'thanks'\n"
        "      26 message  a    #4 b -> a: 'thanks'\n"
    )
    assert (cluster.simulation.met["duplicate"], cluster.simulation.met["resume"]) == (1, 0)
    assert cluster.simulation.events == 5


def test_a_fault_without_effect_is_reported() -> None:
    cluster = courier()
    cluster.inflict(Fault.of("crash", node="a"))
    idle = [
        Fault.of("drop", position=3),
        Fault.of("heal"),
        Fault.of("crash", node="a"),
        Fault.of("crash_during", node="a"),
        Fault.of("pause", node="a"),
        Fault.of("restart", node="b"),
    ]
    assert [cluster.inflict(fault) for fault in idle] == [False] * len(idle)
    assert [entry.kind for entry in cluster.log] == ["fault"] + ["no fault"] * len(idle)


def test_a_request_to_a_crashed_or_paused_node_is_refused() -> None:
    cluster = Cluster(Store(careful=True), "ab", seed=1)
    cluster.inflict(Fault.of("crash", node="a"))
    cluster.inflict(Fault.of("pause", node="b"))
    assert not cluster.request("a", 1)
    assert not cluster.request("b", 1)
    cluster.simulation.stabilise()
    assert cluster.request("a", 1)
    assert [entry.kind for entry in cluster.log if "re" in entry.kind] == ["refused", "refused", "request"]


def test_a_step_cut_short_sends_nothing_after_the_crash() -> None:
    cluster = Cluster(Voter(careful=True), "vab", seed=1, network=Network(delay=Fixed(10)))
    cluster.inflict(Fault.of("crash_during", node="v", done=2))
    cluster.advance(50)
    assert cluster.world.down == {"v"}
    assert cluster.disks["v"].read("vote") == "a"
    assert cluster.notifications == []
    assert cluster.simulation.met["a step cut short"] == 1


def test_a_restart_cancels_a_crash_pending_on_a_step() -> None:
    cluster = courier()
    cluster.inflict(Fault.of("crash_during", node="a"))
    assert cluster.inflict(Fault.of("restart", node="a"))
    cluster.advance(100)
    assert cluster.world.down == set()


def test_stabilise_ends_every_fault() -> None:
    """Progress can be demanded from then on, so no fault may remain."""
    cluster = courier()
    for fault in (
        Fault.of("partition", group=["a"]),
        Fault.of("cut", sources=["a"], dests=["b"]),
        Fault.of("degrade", loss=100),
        Fault.of("drift", node="a", ppm=500_000),
        Fault.of("pause", node="a"),
        Fault.of("crash", node="b"),
        Fault.of("crash_during", node="a"),
    ):
        assert cluster.inflict(fault)
    cluster.advance(100)
    assert cluster.notifications == []
    cluster.simulation.stabilise()
    world = cluster.world
    assert (world.groups, world.cuts, world.paused, world.down) == ((), frozenset(), set(), set())
    assert world.network == Network(delay=Fixed(10))
    reading = world.clock_ms("a")
    cluster.advance(100)
    assert world.clock_ms("a") == reading + 100
    assert [what for _, _, what in cluster.notifications] == ["parcel"]


def test_a_watcher_sees_the_states_after_every_step() -> None:
    seen: list[int] = []
    cluster = courier(watch=seen.append)
    cluster.advance(50)
    assert seen == [5, 15, 25, 45]


def test_a_timer_that_a_node_stops_does_not_fire() -> None:
    class Fickle(Toy):
        def start(self, node: str, disk: Any) -> Any:
            del node, disk
            return 0, (SetTimer("bell", 10), SetTimer("stop", 5))

        def step(self, state: Any, inp: Any) -> Any:
            del inp
            return state + 1, (StopTimer("bell"),)

    cluster = Cluster(Fickle(careful=True), "a", seed=0)
    cluster.advance(50)
    assert cluster.states == {"a": 1}


def test_an_effect_that_is_no_command_is_refused_by_name() -> None:
    class Odd(Toy):
        def step(self, state: Any, inp: Any) -> Any:
            del inp
            return state, ("shout",)

    with pytest.raises(AdapterError, match="'shout' is no command: Core.commands gives Send"):
        Cluster(Odd(careful=True), "a", seed=0).request("a", 1)


@pytest.mark.parametrize("nodes", ["", "aba"])
def test_a_cluster_has_uniquely_named_nodes(nodes: str) -> None:
    with pytest.raises(ConfigError, match="one node or more, each with a name of its own"):
        Cluster(Courier(careful=True), nodes, seed=0)


def test_a_scenario_prints_itself() -> None:
    scenario = Scenario(
        nodes=("a", "b"),
        seed=4,
        until_ms=500,
        plan=FaultPlan.of((20, Fault.of("crash", node="a", torn=True))),
        workload=(Request(10, "a", "x"),),
    )
    assert scenario.text == (
        "a, b; seed 4; to 500 ms\n"
        "Network(delay=Uniform(least_ms=1, greatest_ms=20), loss=0.0, duplication=0.0)\n"
        "    10 ms  a: 'x'\n"
        "    20 ms  crash(node=a, kept=0, torn=True)"
    )
