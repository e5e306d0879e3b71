"""A system in another process and another language: its protocol, and reports of its failures.

The worked example is `examples/lock_server`, for Node. It needs only `node` on the PATH; without it
these tests fail and say how to install it.
"""

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from immutabledict import immutabledict

from tests.conform.toys import CALLS, run, state
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.process import Process
from tlacheck.conform.replay import Interrupted, replay
from tlacheck.conform.system import NotPossible, System
from tlacheck.conform.vocabulary import check, vocabulary_of
from tlacheck.errors import AdapterError, ConfigError
from tlacheck.tlc import Spec
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.trace import Origin, State, Step, Trace
from tlacheck.values import ModelValue, Value

EXAMPLE = Path(__file__).parents[2] / "examples" / "lock_server"

#: The toy of Tally.tla, in a process of its own. `before` is done first for each request.
TOY = """
import json, os, signal, sys, time
def before(number, request):
    pass
{before}
total = 0
for number, line in enumerate(sys.stdin, start=1):
    request = json.loads(line)
    kind = request["request"]
    answer = {{"id": request["id"], "ok": {{}}}}
    if kind == "hello":
        answer["ok"] = {{"protocol": 1, "variables": ["total", "odd"],
                        "actions": {{"Raise": ["by"], "Reset": [], "Knock": ["who"]}}}}
    elif kind == "reset":
        total = int(request["initial"]["total"]["#bigint"])
    elif kind == "perform" and request["action"] == "Raise":
        total += int(request["arguments"]["by"]["#bigint"])
    elif kind == "perform" and request["action"] == "Reset":
        total = 0
    elif kind == "observe":
        answer["ok"] = {{"total": total, "odd": total % 2 == 1}}
    answer = before(number, request) or answer
    print(answer if isinstance(answer, str) else json.dumps(answer), flush=True)
    if kind == "close":
        break
"""


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Any]:
    """Start the toy with an injected failure as the body of `before(number, request)`."""
    started: list[Process] = []

    def start(body: str = "pass", limit_seconds: float = 10.0) -> Process:
        path = tmp_path / "toy.py"
        path.write_text(TOY.format(before=f"def before(number, request):\n    {body}"), encoding="utf-8")
        started.append(Process([sys.executable, "-S", str(path)], limit_seconds=limit_seconds))
        return started[-1]

    yield start
    for process in started:
        process.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_follows_the_spec_across_resets(toy: Any) -> None:
    process = toy()
    for _ in range(2):
        found = replay(run(*CALLS), process)
        assert found.violation is None
        assert found.states == tuple(map(state, (0, 0, 1, 2, 0, 2)))


def test_a_process_ends_when_closed(toy: Any) -> None:
    process = toy()
    assert _is_alive(process.pid)
    process.close()
    assert not _is_alive(process.pid)
    process.close()
    with pytest.raises(NotPossible, match="its process has ended already"):
        process.observe()


def test_a_process_that_ignores_closing_is_killed(toy: Any) -> None:
    """A check must not leave processes behind."""
    process = toy('if request["request"] == "close": time.sleep(60)', limit_seconds=2.0)
    process.close()
    assert not _is_alive(process.pid)


def _violation(process: System, trace: Trace | None = None) -> tuple[Trace, str]:
    found = replay(trace or run(*CALLS), process)
    assert found.violation is not None
    assert found.violation.step == len(found)
    return found, "\n".join(found.violation.explanation)


def test_a_process_killed_in_a_step_is_reported_with_its_run(toy: Any) -> None:
    process = toy("if number == 7: os.kill(os.getpid(), signal.SIGKILL)")
    found, words = _violation(process)
    # hello, reset, observe, then perform and observe of each step: the seventh request is of the second step.
    assert [step.action for step in found.steps] == ["Knock", "Raise"]
    assert words.endswith("its process was killed by SIGKILL when it was asked to observe")
    assert found.states[:2] == (state(0), state(0))


def test_a_process_killed_from_outside_is_reported(toy: Any) -> None:
    process = toy()
    process.reset(immutabledict(total=0, odd=False))
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(NotPossible, match="its process was killed by SIGKILL when it was asked to observe"):
        process.observe()


def test_the_stderr_and_status_of_a_dead_process_are_reported(toy: Any) -> None:
    process = toy('if number == 8: print("no more coins", file=sys.stderr); sys.stderr.flush(); sys.exit(3)')
    found, words = _violation(process)
    assert found.steps[-1].action == "Raise"
    assert words.startswith(
        "the spec takes Raise, the system cannot: its process ended with status 3 when it was "
    )
    assert words.endswith("asked to perform; it wrote to standard error:\n  no more coins")


def test_a_process_that_answers_too_late_is_killed(toy: Any) -> None:
    process = toy("if number == 6: time.sleep(60)", limit_seconds=2.0)
    _, words = _violation(process)
    assert "it has not come back after 2 s" in words
    assert "It was asked to perform" in words
    assert not _is_alive(process.pid)


def test_refusals_and_exceptions_of_a_process_are_findings(toy: Any) -> None:
    refuses = toy('if number == 6: return {"id": request["id"], "not_possible": "the slot is shut"}')
    assert _violation(refuses)[1] == "the spec takes Raise, the system cannot: the slot is shut"
    raises = toy('if number == 6: return {"id": request["id"], "error": "Overflow at line 3"}')
    assert "it reported an error: Overflow at line 3" in _violation(raises)[1]


GARBAGE = {
    "no JSON": (
        'return "debug: raising"',
        "line 6 of the output of .* is no answer: 'debug: raising'. Standard output is for",
    ),
    "a list": ('return "[1, 2]"', r"is no answer: '\[1, 2\]'"),
    "another id": (
        'return {"id": 3, "ok": {}}',
        "line 6 .* answers the request 3; it should answer 6, perform",
    ),
    "no id": ('return {"ok": {}}', "answers the request None; it should answer 6, perform"),
    "no kind": ('return {"id": 6}', 'should have one of "ok", "not_possible" and "error", and has none'),
    "two kinds": ('return {"id": 6, "ok": {}, "error": "x"}', "and has ok and error"),
    "no object": ('return {"id": 6, "ok": "yes"}', '"ok" should be an object, and is "yes"'),
}


@pytest.mark.parametrize("case", GARBAGE)
def test_a_malformed_answer_is_an_adapter_error(toy: Any, case: str) -> None:
    answer, message = GARBAGE[case]
    with pytest.raises(Interrupted, match=f"step 2, Raise: .*{message}") as caught:
        replay(run(*CALLS), toy(f"if number == 6: {answer}"))
    assert caught.value.trace.states == (state(0), state(0))


def test_a_malformed_state_is_an_adapter_error(toy: Any) -> None:
    with pytest.raises(Interrupted, match=r"shows what is no state: 2\.5 stands for no TLA\+ value"):
        replay(run(*CALLS), toy('if number == 5: return {"id": 5, "ok": {"total": 2.5, "odd": False}}'))
    with pytest.raises(Interrupted, match=r"Process.observe\(\) lacks the variables odd that it promises"):
        replay(run(*CALLS), toy('if number == 5: return {"id": 5, "ok": {"total": 0}}'))


HELLOS = {
    "another version": ('{"protocol": 2}', "speaks version 2 of the protocol, and this tlacheck version 1"),
    "no variables": ('{"protocol": 1, "actions": {"A": []}}', '"variables" is empty'),
    "no names": ('{"protocol": 1, "variables": "x"}', '"variables" should be a list of names, and is "x"'),
    "no actions": ('{"protocol": 1, "variables": ["x"]}', '"actions" is empty'),
    "odd actions": ('{"protocol": 1, "variables": ["x"], "actions": ["A"]}', '"actions" should be an object'),
}


@pytest.mark.parametrize("case", HELLOS)
def test_a_wrong_hello_is_refused(toy: Any, case: str) -> None:
    hello, message = HELLOS[case]
    with pytest.raises(AdapterError, match=message):
        toy(f'return {{"id": 1, "ok": {hello}}}')


def test_a_process_that_ends_at_once_is_refused() -> None:
    with pytest.raises(
        AdapterError, match="did not say hello: its process ended with status 1 .*\n  no such file"
    ) as caught:
        Process([sys.executable, "-S", "-c", "import sys; sys.exit('no such file')"])
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "message"), [("", "is empty"), ("no-such-program-here x", "Is the program installed")]
)
def test_an_invalid_command_is_refused(command: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Process(command)


# --- the worked example


@pytest.fixture(scope="module")
def lock() -> Spec:
    return Spec.load(EXAMPLE / "LockServer.tla")


@pytest.fixture
def server() -> Iterator[Process]:
    if shutil.which("node") is None:
        pytest.fail(
            "the example needs Node.js: install it (Debian: apt-get install nodejs), "
            "then `node` is on the PATH"
        )
    with Process(["node", str(EXAMPLE / "adapter.js")]) as process:
        yield process


def test_the_example_fits_its_spec(lock: Spec, server: Process) -> None:
    check(server.declaration, vocabulary_of(lock))


def test_the_example_takes_every_edge_of_its_model(lock: Spec, server: Process) -> None:
    with stream_graph(lock) as stream:
        graph = Graph(stream)
    found = replay_edges(graph, lambda: _Borrowed(server))
    assert found.violation is None
    assert found.is_complete
    assert found.edges == found.edges_total == 48
    assert found.actions.keys() == {"Acquire", "Release", "Cancel"}


class _Borrowed:
    """A process whose close() does nothing, so that a borrower does not end it."""

    def __init__(self, process: Process) -> None:
        self.variables = process.variables
        self.limit_seconds = process.limit_seconds
        self._process = process

    def reset(self, initial: State) -> None:
        self._process.reset(initial)

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        self._process.perform(action, arguments)

    def observe(self) -> State:
        return self._process.observe()


ANN, BOB = ModelValue("ann"), ModelValue("bob")


def _lock_trace(*shown: tuple[str, Value, Value, tuple[Value, ...]]) -> Trace:
    """The behaviour with these actions, clients, holders and queues."""
    return Trace(
        initial=immutabledict(holder=ModelValue("Nobody"), waiting=()),
        steps=tuple(
            Step(action, immutabledict(client=client), immutabledict(holder=holder, waiting=waiting))
            for action, client, holder, waiting in shown
        ),
        origin=Origin(source="oracle", spec="LockServer.tla"),
    )


def test_a_bug_in_the_example_is_found(server: Process) -> None:
    """Here a client that gives up stays in the queue."""
    begin = ("Acquire", ANN, ANN, ()), ("Acquire", BOB, ANN, (BOB,))
    assert replay(_lock_trace(*begin, ("Cancel", BOB, ANN, ())), server).violation is None
    found, words = _violation(server, _lock_trace(*begin, ("Cancel", BOB, ANN, (BOB,))))
    assert len(found) == 3
    assert words.splitlines()[1:] == ["waiting: the spec has <<bob>>, the system has <<>>"]
    found, words = _violation(server, _lock_trace(*begin, ("Release", BOB, BOB, ())))
    assert "it reported an error: Error: bob does not hold the lock" in words


def test_killing_the_example_is_reported_with_its_run(server: Process) -> None:
    class Doomed(_Borrowed):
        """Is killed before its third step."""

        def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
            if action == "Cancel":
                os.kill(server.pid, signal.SIGKILL)
            server.perform(action, arguments)

    begin = ("Acquire", ANN, ANN, ()), ("Acquire", BOB, ANN, (BOB,))
    trace = _lock_trace(*begin, ("Cancel", BOB, ANN, ()), ("Release", ANN, ModelValue("Nobody"), ()))
    found, words = _violation(Doomed(server), trace)
    assert words == (
        "the spec takes Cancel, the system cannot: "
        "its process was killed by SIGKILL when it was asked to perform"
    )
    assert [step.action for step in found.steps] == ["Acquire", "Acquire", "Cancel"]
    assert found.states[:3] == trace.states[:3]
