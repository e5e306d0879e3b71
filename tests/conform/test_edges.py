"""Every edge of a small model is taken about once; the first wrong one is reported with its run."""

import copy
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

import pytest

from tests.conform.toys import Crashes, Refuses, Tally, Wraps, oracle, run
from tlacheck.conform.edges import replay_edges
from tlacheck.conform.limits import Limit, Limited
from tlacheck.conform.replay import Interrupted, replay
from tlacheck.conform.system import Hung
from tlacheck.errors import AdapterError, ConfigError, TraceError
from tlacheck.tlc.graph import Graph, stream_graph
from tlacheck.values import Value


@pytest.fixture(scope="module")
def graph() -> Graph:
    with stream_graph(oracle().spec) as stream:
        return Graph(stream)


class Forks(Tally):
    """The toy counter with fork(); it counts the calls on it and its copies."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
        self.log.append(action)
        super().perform(action, arguments)

    def fork(self) -> Self:
        twin = type(self)()
        twin.total = self.total
        twin.log = self.log
        return twin


def test_a_system_that_forks_takes_each_edge_once(graph: Graph) -> None:
    made: list[Forks] = []

    def make() -> Forks:
        made.append(Forks())
        return made[-1]

    told: list[tuple[int, int]] = []
    found = replay_edges(graph, make, on_progress=lambda taken, total: told.append((taken, total)))
    assert found.forked
    assert found.is_complete
    assert found.edges == found.edges_total == found.steps == len(graph.targets)
    assert sum(len(system.log) for system in made) == found.edges
    assert sum(found.actions.values()) == found.edges
    assert found.violation is None


def test_a_system_that_does_not_fork_takes_each_edge_as_well(graph: Graph) -> None:
    found = replay_edges(graph, Tally)
    assert not found.forked
    assert found.violation is None
    assert found.edges == found.edges_total == len(graph.targets)
    assert found.steps >= found.edges


class ForksAndWraps(Forks, Wraps):
    """Wrong from a total of 5 on."""


class ForksAndRefuses(Forks, Refuses):
    """Refuses to go beyond 4."""


class ForksAndCrashes(Forks, Crashes):
    """Raises an exception beyond 4."""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ForksAndWraps, "total: the spec has 5, the system has 0"),
        (ForksAndRefuses, "the system cannot: 3 and 2 are more than 4"),
        (ForksAndCrashes, "it raised IndexError"),
        (Wraps, "total: the spec has 5, the system has 0"),
        (Refuses, "are more than 4"),
    ],
)
def test_the_first_wrong_edge_is_reported_as_a_run_from_the_start(
    graph: Graph, kind: type[Tally], words: str
) -> None:
    found = replay_edges(graph, kind, command="again")
    assert found.violation is not None
    assert found.followed is not None
    violation = found.violation.violation
    assert violation is not None
    assert words in "\n".join(violation.explanation)
    assert violation.step == len(found.violation)
    assert found.violation.origin.command == "again"
    assert found.edges < found.edges_total
    assert replay(found.followed, kind()).violation == violation


def test_with_forks_the_failing_run_is_shortest(graph: Graph) -> None:
    """5 is reached by three steps of 1 or 2, and by no fewer."""
    found = replay_edges(graph, ForksAndWraps)
    assert found.violation is not None
    assert len(found.violation) == 3


def test_a_fork_that_is_no_copy_is_an_adapter_error(graph: Graph) -> None:
    class Shares(Forks):
        def fork(self) -> Self:
            return self

    with pytest.raises(
        Interrupted, match=r"a copy made by fork\(\) fails where a fresh system does not: .* shares"
    ):
        replay_edges(graph, Shares)


def test_a_wrong_initial_state_is_reported_without_any_edge(graph: Graph) -> None:
    class Late(Forks):
        def reset(self, initial: Any) -> None:
            self.total = initial["total"] + 1

    found = replay_edges(graph, Late)
    assert found.violation is not None
    assert (found.edges, len(found.violation)) == (0, 0)


def test_an_action_unknown_to_the_adapter_is_an_adapter_error(graph: Graph) -> None:
    class Ignorant(Forks):
        def perform(self, action: str, arguments: Mapping[str, Value]) -> None:
            super().perform("Dance" if action == "Knock" else action, arguments)

    with pytest.raises(AdapterError, match="step 1, Knock: the toy has no input for Dance"):
        replay_edges(graph, Ignorant)


def test_a_hanging_step_ends_the_replay_with_its_run(graph: Graph) -> None:
    class Hangs(Forks):
        def raise_by(self, by: int) -> None:
            while self.total == 3:
                time.sleep(0.001)
            super().raise_by(by)

    found = replay_edges(graph, Hangs, limit_seconds=2.0)
    assert found.violation is not None
    assert found.violation.violation is not None
    assert "it has not come back after 2 s" in found.violation.violation.explanation[0]
    assert found.violation.steps[-1].action == "Raise"


def test_a_graph_up_to_symmetry_is_refused(graph: Graph) -> None:
    alike = copy.copy(graph)
    alike.has_symmetry = True
    with pytest.raises(
        ConfigError, match="is explored up to SYMMETRY.*take SYMMETRY out of the configuration"
    ):
        replay_edges(alike, Tally)


def test_a_graph_of_another_spec_is_refused(graph: Graph) -> None:
    class Other(Tally):
        variables = frozenset({"total", "colour"})

    with pytest.raises(TraceError, match="Tally lacks the variables colour that the system shows"):
        replay_edges(graph, Other)


def test_a_partial_graph_is_reported_as_partial() -> None:
    with stream_graph(oracle().spec, depth=3) as stream:
        found = replay_edges(Graph(stream), Forks)
    assert found.violation is None
    assert found.edges == found.edges_total < 60


# --- limits


def test_a_time_limit_ends_only_what_exceeds_it() -> None:
    limit = Limit(0.05)
    assert limit(pow, 2, 5) == 32
    with pytest.raises(Hung, match=r"has not come back after 0.05 s \(if its steps may take longer"):
        limit(_forever)
    with limit, pytest.raises(Hung):
        limit(_forever)
    with limit, pytest.raises(ZeroDivisionError):
        limit(divmod, 1, 0)


def _forever() -> None:
    while True:
        pass


def test_a_system_cannot_catch_the_end_of_its_time_limit() -> None:
    def stubborn() -> None:
        while True:
            try:
                _forever()
            except Exception:  # noqa: BLE001, S112 - what a careless system does
                continue

    with pytest.raises(Hung):
        Limit(0.05)(stubborn)


def test_a_time_limit_holds_in_other_threads_too() -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            Limit(0.05)(time.sleep, 0.3)
        except Hung as hang:
            raised.append(hang)
        assert Limit(5.0)(pow, 2, 5) == 32
        try:
            Limit(5.0)(divmod, 1, 0)
        except ZeroDivisionError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [type(error) for error in raised] == [Hung, ZeroDivisionError]


def test_a_time_limit_preserves_other_alarms() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        Limit(5.0)(pow, 2, 5)
        signal.sigtimedwait([], 0.3)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_time_limited_system_is_a_system() -> None:
    class Hangs(Tally):
        def observe(self) -> Any:
            _forever()

    trace = run(("Raise", {"by": 1}))
    assert replay(trace, Limited(Tally())).violation is None
    violation = replay(trace, Limited(Hangs(), 0.05)).violation
    assert violation is not None
    assert (violation.step, violation.explanation[0][:44]) == (
        0,
        "the spec begins, the system cannot: it has n",
    )


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_limit_must_be_positive(seconds: float) -> None:
    with pytest.raises(ConfigError, match="it must be more than 0"):
        Limit(seconds)
