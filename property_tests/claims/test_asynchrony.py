"""An asynchronous network keeps correct replicas from deciding for ever, and a timely one does not."""

from pathlib import Path

import attrs
import pytest

from impl import pbft
from property_tests.claims.asynchrony import Asynchronous, no_progress, round_of, trace_of
from tlacheck import itf
from tlacheck.errors import ConfigError
from tlacheck.verdict import Kind
from tlacheck.verify import Context

ROOT = Path(__file__).resolve().parents[2]
TRACE = ROOT / "traces" / "claims" / "asynchrony.itf.json"


@pytest.mark.parametrize("n", [4, 5, 7])
def test_nobody_is_faulty_all_arrives_and_nothing_is_decided_for_ever(n: int) -> None:
    """A guarantee of progress that needs no assumption about time would be one that nobody can give."""
    cluster = Asynchronous(n)
    first, last = round_of(cluster)
    assert last == first + n
    assert cluster.executed == set()
    assert {node.multiplier for node in cluster.nodes.values()} == {
        pbft.Config("r0", ("r0",), pbft.SymbolicKeys("r0")).multiplier_max
    }
    assert cluster.sent == cluster.delivered + len(cluster.messages)
    views = {getattr(message, "view", last) for _, message in cluster.messages}
    assert views <= {last - 1, last}  # what is older has arrived


@pytest.mark.parametrize("view", [0, 1, 5, 20])
def test_from_the_view_on_in_which_the_network_is_timely_the_request_is_executed(view: int) -> None:
    cluster = Asynchronous(timely_from=view)
    while len(cluster.executed) < len(cluster.nodes):
        cluster.go_on()
    assert cluster.view == view


def test_a_network_that_becomes_timely_has_no_round_without_progress() -> None:
    with pytest.raises(ConfigError, match="executed in view 2"):
        round_of(Asynchronous(timely_from=2))
    with pytest.raises(ConfigError, match="no round within 5 views"):
        round_of(Asynchronous(), views_max=5)


def test_a_picture_shows_what_a_replica_holds_and_what_is_under_way() -> None:
    """Pictures that left something out would call two different situations the same."""
    cluster = Asynchronous(multiplier_max=1)
    first, last = round_of(cluster)
    again = Asynchronous(multiplier_max=1)
    again.until_settled(first)
    picture = again.picture()
    again.until_settled(last)
    assert again.picture() == picture
    node = again.nodes["r2"]
    again.nodes["r2"] = attrs.evolve(node, waiting={})
    assert again.picture() != picture
    again.nodes["r2"] = node
    again.under_way.pop()
    assert again.picture() != picture


def test_the_recorded_trace_is_that_of_this_run_and_comes_back_to_where_it_was() -> None:
    recorded = itf.read(TRACE)
    assert attrs.evolve(recorded, origin=trace_of().origin) == trace_of()
    assert recorded.loop is not None
    assert recorded.states[recorded.loop] == recorded.states[-1]
    assert {value for state in recorded.states for value in state["executed"].values()} == {0}


def test_the_check_says_so(tmp_path: Path) -> None:
    outcome = no_progress(
        Context(folder=tmp_path, budget="smoke", seed=0, command="it", progress=lambda _: None)
    )
    assert outcome.verdict.kind is Kind.VIOLATED
    assert outcome.figures["loop_to_view"] == 20
    assert outcome.trace is not None
    assert itf.read(outcome.trace).violation is not None


def test_too_few_replicas_are_refused() -> None:
    with pytest.raises(ConfigError, match="take 4 or more"):
        Asynchronous(3)
