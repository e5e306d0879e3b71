"""Steps and traces replayed a second: walks of the spec on the implementation, all variables compared.

Long walks give the steps a second, short ones the traces: each resets the system. The edges are those
of the first levels of a model, each taken once by a copy of the system. The baseline is the bare core,
given the same inputs in the same order, with nothing compared. Times are CPU times of the one thread that
does it.
"""

from benchmarks._machine import begin, cpu_seconds, leave, show, sized
from impl import raft
from property_tests.raft.adapter import RaftSystem
from property_tests.raft.replays import EDGES
from property_tests.raft.settings import SPECS, oracle_for, server_names
from property_tests.raft.translation import message_from_spec
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.replay import replay
from tlacheck.conform.walk import random_walk
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.trace import Step, Trace

WALKS, STEPS, ROUNDS = sized((60, 80, 5), (2, 10, 1))
SHORT_WALKS, SHORT_STEPS = sized(400, 2), 10
LEVELS = sized(13, 3)
WEIGHTS = {"Timeout": 0.4, "Restart": 0.2, "DropMessage": 0.2, "DuplicateMessage": 0.4}


def _input(step: Step) -> tuple[str, raft.Input | None] | None:
    """Return the server and the input of a step; no input for a restart, None for a step of the network."""
    arguments = step.arguments
    match step.action:
        case "Timeout":
            return arguments["node"].name, raft.Timeout()
        case "ClientRequest":
            return arguments["node"].name, raft.ClientRequest(arguments["value"].name)
        case "AppendEntries":
            return arguments["node"].name, raft.AppendEntries(arguments["peer"].name)
        case "Restart":
            return arguments["node"].name, None
        case "DropMessage" | "DuplicateMessage":
            return None
        case _:
            return arguments["node"].name, raft.Receive(message_from_spec(arguments["message"]))


def bare(runs: list[list[tuple[str, raft.Input | None]]]) -> None:
    """Run only `step` and `recover`."""
    members = server_names(3)
    for inputs in runs:
        nodes = {name: raft.first_start(raft.Config(name, members, 2)) for name in members}
        for name, inp in inputs:
            node = nodes[name]
            nodes[name] = raft.recover(node.config, node.durable) if inp is None else raft.step(node, inp)[0]


def compared(walks: list[Trace]) -> None:
    """Replay them all."""
    for walk in walks:
        if replay(walk, RaftSystem()).violation is not None:
            raise SystemExit("the implementation leaves the spec: run `make verify` first")


def main() -> None:
    """Measure and print."""
    begin(f"Replayed steps a second, {WALKS} walks of {STEPS} steps, 3 servers")
    oracle = oracle_for(3)
    walks = [random_walk(oracle, seed=seed, steps=STEPS, weights=WEIGHTS) for seed in range(WALKS)]
    steps = sum(map(len, walks))
    runs = [[found for step in walk.steps if (found := _input(step)) is not None] for walk in walks]
    inputs = sum(map(len, runs))
    short = [
        random_walk(oracle, seed=seed, steps=SHORT_STEPS, weights=WEIGHTS) for seed in range(SHORT_WALKS)
    ]
    with stream_graph(EDGES.spec(SPECS), depth=LEVELS) as stream:
        graph = Graph(stream)
    for walk in (walks, short):
        compared(walk)  # warm
    rates: dict[str, list[float]] = {"steps": [], "traces": [], "edges": [], "bare": []}
    for _ in range(ROUNDS):
        rates["steps"].append(steps / cpu_seconds(lambda: compared(walks)))
        rates["traces"].append(SHORT_WALKS / cpu_seconds(lambda: compared(short)))
        rates["edges"].append(len(graph.targets) / cpu_seconds(lambda: replay_edges(graph, RaftSystem)))
        rates["bare"].append(inputs / cpu_seconds(lambda: bare(runs)))
    figure = show("replay, all variables compared", rates["steps"], "steps/s")
    traces = show(f"  traces of {SHORT_STEPS} steps, each with its reset", rates["traces"], "traces/s")
    edges = show(f"  edges of a graph, {len(graph.targets):,} of them", rates["edges"], "edges/s")
    baseline = show("bare core, the same inputs", rates["bare"], "steps/s")
    print(
        f"replay_rate: steps_per_second={figure:.0f} traces_per_second={traces:.0f} "
        f"edges_per_second={edges:.0f} "
        f"bare_steps_per_second={baseline:.0f} ratio={figure / baseline:.2f}"
    )
    leave()


if __name__ == "__main__":
    main()
