"""State graphs on both engines: specs with known graphs, and agreement with the counts of a check."""

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tlacheck import itf
from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, SpecError
from tlacheck.tlc import Checker, Progress, Spec
from tlacheck.tlc._process import Worker
from tlacheck.tlc.cli.graph import graph_command
from tlacheck.tlc.graph import Edge, Graph, GraphStream, Node, stream_graph
from tlacheck.tlc.graph_file import write_graph
from tlacheck.values import ModelValue

P, Q = ModelValue("p"), ModelValue("q")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker that stays warm for the tests of this module."""
    with Worker(1024) as warm:
        yield warm


@pytest.fixture
def read(engine: Engine, worker: Worker) -> Any:
    """`read(spec)`: its graph, explored by the warm worker."""

    def graph(spec: Spec, **options: Any) -> Graph:
        # An endless graph would be a bug: do not wait for it.
        with GraphStream(spec, engine=engine, worker=worker, **{"timeout": 100, **options}) as stream:
            return Graph(stream)

    return graph


def _edges(graph: Graph) -> list[Edge]:
    return [part for part in graph if isinstance(part, Edge)]


@pytest.mark.parametrize(
    ("module", "config", "edges"),
    [
        ("DieHard", "DieHard", 96),  # 16 states, 6 actions always enabled
        ("Mutex", "Mutex", 14),  # worked out in the module
        ("Mail", "Mail", None),
        ("Countdown", "Countdown", 3),
        # 9 places within the fence. A step along an axis stays within it for 6 of 9, waiting for all.
        ("Fence", "Fence", 2 * 6 + 2 * 6 + 2 * 9),
        ("Fence", "FenceShort", 2),  # 4 initial states, 3 of them outside; only waiting stays inside
        ("Fence", "FenceForward", 2 * 6 + 2 * 9),
        ("Fence", "FenceTwice", 42),  # each step twice, which is generated twice but one edge
        ("Fence", "FenceNoted", 42),
        ("Fence", "FenceAlike", None),
        ("Fence", "FenceSum", None),
        ("Fence", "FenceEarly", None),
        ("Tally", "Tally", None),
    ],
)
def test_a_graph_has_the_states_that_a_check_counts(
    read: Any, checker: Checker, specs: Path, *, module: str, config: str, edges: int | None
) -> None:
    """With CONSTRAINT, ACTION_CONSTRAINT, SYMMETRY, VIEW, TLCSet and TLCGet("level") alike."""
    spec = Spec.load(specs / f"{module}.tla", f"{config}.cfg")
    summary = read(spec).summary
    checked = checker.check(spec, deadlock=False)
    assert str(summary.verdict) == "exhausted"
    counts = (summary.generated, summary.nodes, summary.queue, summary.depth)
    assert counts == (checked.generated, checked.distinct, checked.queue, checked.depth)
    assert edges in (None, summary.edges)


def test_the_graph_of_a_protocol_has_the_pinned_number_of_states(worker: Worker) -> None:
    folder = Path(__file__).parents[2] / "specs" / "hybrid"
    pins = re.search(
        r'config = "smoke.cfg".*?generated = (\d+)\ndistinct = (\d+)\ndepth = (\d+)',
        (folder / "manifest.toml").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert pins is not None
    with GraphStream(Spec.load(folder / "MCHybrid.tla", "smoke.cfg"), worker=worker) as stream:
        nodes = Counter(type(part) for part in stream)[Node]
        summary = stream.summary
    assert (summary.generated, summary.nodes, summary.depth) == tuple(map(int, pins.groups()))
    assert nodes == summary.nodes


def test_nodes_come_breadth_first_and_before_their_edges(engine: Engine, worker: Worker, load: Any) -> None:
    seen = levels = source = 0
    with GraphStream(load("DieHard"), engine=engine, worker=worker) as stream:
        assert stream.variables == ("big", "small")
        for part in stream:
            if isinstance(part, Node):
                assert part.id == seen
                assert levels <= part.level <= levels + 1
                assert part.is_initial == (part.id == 0)
                seen, levels = seen + 1, part.level
            else:
                assert max(part.source, part.target) < seen
                assert part.source >= source
                source = part.source
    assert seen == 16


def _pour(action: str, big: int, small: int) -> tuple[int, int]:
    """The contents of DieHard's jugs after an action."""
    to_small, to_big = min(big, 3 - small), min(small, 5 - big)
    return {
        "FillBig": (5, small),
        "FillSmall": (big, 3),
        "EmptyBig": (0, small),
        "EmptySmall": (big, 0),
        "BigToSmall": (big - to_small, small + to_small),
        "SmallToBig": (big + to_big, small - to_big),
    }[action]


def test_every_edge_is_a_step_and_stuttering_steps_are_loops(read: Any, load: Any) -> None:
    graph = read(load("DieHard"))
    states = [graph.node(number).state for number in range(16)]
    taken = Counter((edge.source, edge.action) for edge in _edges(graph))
    assert set(taken.values()) == {1}
    assert len(taken) == 16 * 6
    for edge in _edges(graph):
        after = states[edge.target]
        assert _pour(edge.action, **states[edge.source]) == (after["big"], after["small"])
    assert [edge.target for edge in _edges(graph) if edge.source == 0 and edge.action == "EmptyBig"] == [0]


def test_parallel_edges_differ_in_their_arguments(read: Any, load: Any) -> None:
    graph = read(load("Fence"))
    loops = [edge for edge in _edges(graph) if edge.source == edge.target == 3]
    assert [(edge.action, dict(edge.arguments)) for edge in loops] == [("Wait", {"w": P}), ("Wait", {"w": Q})]


def test_an_edge_to_a_known_node_has_its_own_event(read: Any, load: Any) -> None:
    """The view hides `event`: a node has the first one, an edge its own."""
    graph = read(load("MailEvents"))
    states = [graph.node(number).state for number in range(graph.summary.nodes)]
    assert (graph.has_view, graph.has_symmetry) == (True, False)
    assert graph.summary.nodes == 16
    assert Counter(edge.action for edge in _edges(graph)) == {"Send": 16, "Receive": 16}
    for edge in _edges(graph):
        before, after = states[edge.source], states[edge.target]
        if edge.action == "Send":
            assert after["box"] - before["box"] == {edge.arguments}
        else:
            assert before["box"] - after["box"] == {edge.arguments["letter"]}


def test_a_trace_along_edges_has_the_edges_events(read: Any, load: Any) -> None:
    graph = read(load("MailEvents"))
    last = graph.summary.nodes - 1
    path = graph.path_to(last)
    trace = graph.trace(path, command="this one")
    assert len(trace) == graph.node(last).level - 1 == graph.summary.depth - 1
    assert trace.initial["event"] == {"action": "Init"}
    others = [edge for edge in range(graph.summary.edges) if edge not in graph.path_to(graph.targets[edge])]
    assert others
    for edge in others:  # which lead to a node that shows the event of another one
        for step in graph.trace((*graph.path_to(graph.sources[edge]), edge)).steps:
            assert step.state["event"] == {"action": step.action, **step.arguments}
    assert (trace.origin.source, trace.origin.command) == ("tlc", "this one")
    assert itf.from_json(itf.to_json(trace)) == trace
    assert graph.trace(()).states == (graph.node(0).state,)


def test_only_a_path_from_the_start_is_a_trace(read: Any, load: Any) -> None:
    graph = read(load("Mutex"))
    there = graph.path_to(graph.summary.nodes - 1)
    with pytest.raises(ConfigError, match="no initial one"):
        graph.trace(there[1:])
    with pytest.raises(ConfigError, match="the path has come to"):
        graph.trace((there[0], there[0]))
    with pytest.raises(ConfigError, match="SYMMETRY"):
        read(load("Fence", "FenceAlike")).trace(())


def test_only_states_without_steps_are_terminal(read: Any, load: Any) -> None:
    assert read(load("Countdown")).summary.terminal == 1
    graph = read(load("Fence", "FenceShort"))
    assert (graph.summary.nodes, graph.summary.terminal) == (1, 0)


def test_a_depth_bounds_the_graph_and_the_verdict(read: Any, load: Any) -> None:
    whole = read(load("DieHard"))
    cut = read(load("DieHard"), depth=4)
    assert str(cut.summary.verdict) == "bounded(3 steps)"
    assert cut.summary.depth == 4
    nodes = [node.level for node in whole if isinstance(node, Node) and node.level <= 4]
    assert cut.summary.nodes == len(nodes)
    inside = [edge for edge in _edges(whole) if max(edge.source, edge.target) < len(nodes)]
    assert _edges(cut) == inside
    assert cut.summary.queue == 0
    # Nothing lies deeper, so nothing was left out.
    assert str(read(load("DieHard"), depth=8).summary.verdict) == "exhausted"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("FenceBreaks", r"Fence.tla:\d+:\d+: .*CHOOSE"),
        ("FenceLoose", r"Fence.tla:\d+:\d+: the next-state action gives no value to at"),
    ],
)
def test_an_unevaluable_step_ends_the_stream_with_its_location(
    engine: Engine, worker: Worker, load: Any, config: str, words: str
) -> None:
    with (
        GraphStream(load("Fence", config), engine=engine, worker=worker) as stream,
        pytest.raises(SpecError, match=words),
    ):
        for _ in stream:
            pass
    assert not stream.summary.verdict.is_established


def test_an_invalid_spec_is_refused_before_the_first_node(
    engine: Engine, worker: Worker, load: Any, specs: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=r"Countdown.tla:5:8: Assumption is false"):
        Graph(GraphStream(load("Countdown", "CountdownShort"), engine=engine, worker=worker))
    shutil.copy(specs / "Fence.tla", tmp_path)
    config = tmp_path / "Fence.cfg"
    for text, words in {
        "INIT Init\nNEXT Next\n": "constant (Far|Walkers) has no value",
        "INIT Init\nNEXT Next\nCONSTANTS Walkers = {p} Far = 1 Nearby = 3": "Nearby",
        "INIT Init\nNEXT Nothing\nCONSTANTS Walkers = {p} Far = 1": "Nothing",
        "INIT Broken\nNEXT Next\nCONSTANTS Walkers = {p} Far = 1": r"Fence.tla",
    }.items():
        config.write_text(text, encoding="utf-8")
        with pytest.raises(SpecError, match=words):
            Graph(GraphStream(Spec.load(tmp_path / "Fence.tla"), engine=engine, worker=worker))


def test_a_spec_without_initial_states_is_refused(read: Any, load: Any) -> None:
    with pytest.raises(SpecError, match="no state satisfies the initial predicate"):
        read(load("Fence", "FenceNowhere"))


def test_a_graph_that_runs_out_of_time_is_partial(read: Any, worker: Worker, load: Any) -> None:
    read(load("DieHard"))  # so that the worker is warm
    seen: list[Progress] = []
    graph = read(load("Endless"), timeout=2, on_progress=seen.append)
    assert str(graph.summary.verdict) == "unknown(no time left after 2 s)"
    assert worker.pid is None
    assert graph.summary.queue > 0
    assert graph.summary.nodes > 1
    assert graph.summary.edges > 1
    assert seen
    assert all(edge.target < graph.summary.nodes for edge in _edges(graph))


def test_a_slow_reader_runs_out_of_time(
    one_engine: Engine, worker: Worker, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late)
    monkeypatch.setattr("tlacheck.tlc.graph.time", clock)
    with GraphStream(load("DieHard"), engine=one_engine, worker=worker, timeout=100) as stream:
        assert isinstance(next(stream), Node)
        late = 200.0
        assert list(stream) == []
        assert str(stream.summary.verdict) == "unknown(no time left after 100 s)"
        assert (stream.summary.nodes, stream.summary.queue) == (1, 1)


def test_a_stream_closed_early_leaves_no_process(load: Any) -> None:
    with stream_graph(load("Endless"), memory_mb=512) as stream:
        next(stream)
        pid = stream.worker_pid
        assert pid is not None
    assert stream.worker_pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert str(stream.summary.verdict) == "unknown(the stream is not read to its end)"


def test_a_killed_worker_is_reported(load: Any) -> None:
    with stream_graph(load("Endless"), memory_mb=512) as stream:
        next(stream)
        assert stream.worker_pid is not None
        os.kill(stream.worker_pid, 9)
        assert all(isinstance(part, Node | Edge) for part in stream)
    assert str(stream.summary.verdict) == "unknown(the TLC worker was ended by signal 9)"


def test_invalid_arguments_are_refused(load: Any) -> None:
    with pytest.raises(ConfigError, match="depth is 0"):
        stream_graph(load("DieHard"), depth=0)
    with pytest.raises(ConfigError, match="timeout"):
        stream_graph(load("DieHard"), timeout=-1)
    with pytest.raises(SpecError, match="there is no such module"):
        stream_graph("Nothing.tla")


def test_an_ndjson_file_holds_the_graph(read: Any, load: Any, tmp_path: Path) -> None:
    graph = read(load("MailEvents"))
    path = tmp_path / "deep" / "graph.ndjson"
    with write_graph(path, "ndjson", graph) as writer:
        for part in graph:
            writer.add(part)
        assert not path.exists()  # it gets its name when it is complete
    head, *parts, last = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert head["variables"] == ["box", "got", "event"]
    assert last["verdict"] == {"kind": "exhausted"}
    nodes, edges = parts[:16], parts[16:]
    for number, data in enumerate(nodes):
        node = graph.node(number)
        assert (data["node"], data["level"]) == (number, node.level)
        assert {name: itf.value_from_json(value) for name, value in data["state"].items()} == node.state
    for data, edge in zip(edges, _edges(graph), strict=True):
        arguments = {name: itf.value_from_json(value) for name, value in data["arguments"].items()}
        said: tuple[object, ...] = (data["from"], data["to"], data["action"], arguments)
        assert said == (edge.source, edge.target, edge.action, edge.arguments)


def test_an_unfinished_file_replaces_nothing(read: Any, load: Any, tmp_path: Path) -> None:
    graph = read(load("Mutex"))
    path = tmp_path / "graph.dot"
    path.write_text("the old one", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), write_graph(path, "dot", graph) as writer:
        writer.add(graph.node(1 // 0))
    assert [file.name for file in tmp_path.iterdir()] == ["graph.dot"]
    assert path.read_text(encoding="utf-8") == "the old one"
    with pytest.raises(ConfigError, match="cannot be written"), write_graph(path / "below", "dot", graph):
        pass
    with pytest.raises(ConfigError, match="no format svg"), write_graph(path, "svg", graph):
        pass


def test_texts_are_escaped_for_graphviz(read: Any, load: Any, tmp_path: Path) -> None:
    graph = read(load("Kinds"))
    path = tmp_path / "graph.dot"
    with write_graph(path, "dot", graph) as writer:
        for part in graph:
            writer.add(part)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == 'digraph "Kinds" {'
    assert lines[-2:] == ["}", "// exhausted"]
    quoted = re.compile(r'"(?:[^"\\]|\\.)*"')
    for line in lines[2:-2]:
        assert re.fullmatch(
            r"  \d+( -> \d+)? \[label=(, style=filled)?(, style=filled)?\];", quoted.sub("", line)
        ), line
    first = next(line for line in lines if line.startswith("  0 "))
    # TLC prints "say \"hi\" ..."; GraphViz takes the backslashes and quotes of that as they are.
    assert r"/\\ text = \"say \\\"hi\\\"" in first
    assert first.endswith(r'\l", style=filled];')
    dot = shutil.which("dot")
    if dot is not None:
        subprocess.run([dot, "-Tplain", str(path)], check=True, capture_output=True)


@pytest.fixture
def run(one_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, specs: Path) -> Any:
    """`run("Mutex.tla", ...)`: the command on one of the small specs, in a folder of its own."""
    monkeypatch.setenv("TLACHECK_ENGINE", one_engine.version)
    monkeypatch.chdir(tmp_path)

    def command(spec: str, *arguments: str) -> Any:
        return CliRunner().invoke(graph_command, [str(specs / spec), *arguments, "--memory", "512"])

    return command


def test_the_command_summarises_the_graph_and_covers_it_with_traces(run: Any, tmp_path: Path) -> None:
    done = run("MailEvents.tla", "--out", "mail.ndjson", "--cover", "covers", "--length", "10")
    assert done.exit_code == 0, done.output
    assert "MailEvents: exhausted" in done.stdout
    assert "16 nodes, 1 initial, 0 terminal; 32 edges; 33 states generated, depth 7" in done.stdout
    assert re.search(r"^    Receive +16$", done.stdout, re.MULTILINE)
    assert "at least" in done.stdout
    files = sorted((tmp_path / "covers").iterdir())
    traces = [itf.read(file) for file in files]
    steps = sum(map(len, traces))
    assert f"{len(traces)} traces with {steps} steps" in done.stdout
    pairs = {
        (*(state["box"] for state in pair), *(state["got"] for state in pair))
        for trace in traces
        for pair in zip(trace.states, trace.states[1:], strict=False)
    }
    assert len(pairs) == 32  # Mail has no two steps between the same states
    assert max(map(len, traces)) <= 10
    assert "tlacheck graph" in traces[0].origin.command
    lines = (tmp_path / "mail.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 16 + 32 + 1
    # Traces of two graphs do not mix.
    again = run("MailEvents.tla", "--cover", "covers")
    assert again.exit_code == 2
    assert "covers is not empty" in again.stderr


def test_the_command_writes_a_partial_graph_when_time_runs_out(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(specs / "Endless.tla"), "--timeout", "3", "--out", "part.dot", "--json"]
    done = CliRunner().invoke(graph_command, arguments)
    assert done.exit_code == 3, done.output
    said = json.loads(done.stdout)
    assert said["verdict"] == {"kind": "unknown", "reason": "no time left after 3 s"}
    assert sum(said["edges_by_action"].values()) == said["edges"]
    *parts, last = (tmp_path / "part.dot").read_text(encoding="utf-8").splitlines()
    assert last == "// unknown(no time left after 3 s)"
    assert sum(" -> " in line for line in parts) == said["edges"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Nothing.tla"], "there is no such module"),
        (["Mutex.tla", "--format", "dot"], "give --out"),
        (["Mutex.tla", "--length", "3"], "give --cover"),
        (["Mutex.tla", "--depth", "0"], "--depth"),
        (["Mutex.tla", "--out", "."], "is a directory"),
        (["Fence.tla", "--config", "FenceAlike.cfg", "--cover", "c"], "SYMMETRY"),
        (["Fence.tla", "--config", "FenceBreaks.cfg", "--out", "f.ndjson"], "CHOOSE"),
    ],
)
def test_the_command_refuses_invalid_arguments_and_writes_nothing(
    *,
    worker: Worker,
    specs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tlacheck.tlc.cli.graph.stream_graph", partial(GraphStream, worker=worker))
    done = CliRunner().invoke(graph_command, [str(specs / arguments[0]), *arguments[1:], "--memory", "512"])
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert "Traceback" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_command_reports_errors_as_json_too(tmp_path: Path) -> None:
    done = CliRunner().invoke(graph_command, [str(tmp_path / "Nothing.tla"), "--json"])
    assert done.exit_code == 2
    assert "there is no such module" in json.loads(done.stdout)["error"]
