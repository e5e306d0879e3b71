"""The host of large clusters works, and its figures are a function of the seed."""

import pytest

from impl import quorum, raft
from property_tests.raft.host import Timing
from property_tests.raft.scale import Figures, ScaledCluster, commit_without, measure, stream
from tlacheck.errors import ConfigError
from tlacheck.sim import Fixed, Uniform

DELAY = Uniform(1, 5)


@pytest.mark.parametrize("with_leader", [False, True])
def test_fourteen_coordinators_commit_with_six_crashed_and_not_with_seven(*, with_leader: bool) -> None:
    """RAFT-5: the quorum of 14 is 8. The leader may be among the crashed, or be left without a majority."""
    tolerated = quorum.crash_faults_tolerated(14)
    assert (tolerated, quorum.majority(14)) == (6, 8)

    def committed_ms(crashed: int) -> int | None:
        return commit_without(
            14, crashed=crashed, with_leader=with_leader, seed=1, delay=DELAY, within_ms=3_000
        )

    assert committed_ms(tolerated) is not None
    assert committed_ms(tolerated + 1) is None


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    found = [measure(5, seed=seed, delay=DELAY, within_ms=3_000) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_an_entry_costs_a_request_and_an_answer_for_each_follower() -> None:
    """All delays are equal, so that each time is a number of delays."""
    figures = measure(5, seed=1, delay=Fixed(5), within_ms=3_000)
    assert figures.committed_ms == 10
    assert figures.committed_messages == 2 * 4
    assert figures.everywhere_ms == 50 + 5  # the next heartbeat tells that it is committed
    assert figures.everywhere_messages == 4 * 4


def test_servers_that_cannot_hear_each_other_in_time_elect_nobody() -> None:
    """Each delay is longer than every election timeout: what does not come is None, and not 0."""
    figures = measure(3, seed=1, delay=Fixed(400), within_ms=2_000)
    assert figures == Figures(elected_ms=None, elected_term=figures.elected_term)
    assert figures.elected_term > 3


def test_timers_of_ones_own_are_followed() -> None:
    slow = measure(3, seed=1, delay=DELAY, timing=Timing(election_ms=(1_000, 1_100)), within_ms=3_000)
    assert slow.elected_ms is not None
    assert slow.elected_ms >= 1_000


def test_a_server_that_was_behind_catches_up_in_requests_of_the_allowed_size() -> None:
    """Followers that only lag get all entries without waiting for a heartbeat for each request."""
    scaled = ScaledCluster(3, seed=1, delay=Fixed(1), entries_max=2)
    scaled.wait(lambda: scaled.is_everywhere(raft.NOOP), within_ms=3_000)
    for number in range(20):
        assert scaled.submit(number)
    took_ms = scaled.wait(lambda: scaled.is_everywhere(19), within_ms=3_000)
    assert took_ms is not None
    assert took_ms < 10 * 50


def test_to_begin_without_a_leader_is_an_error_and_not_a_figure() -> None:
    with pytest.raises(ConfigError, match="3 servers have no leader 10 ms after their start"):
        commit_without(3, crashed=1, with_leader=False, seed=1, delay=DELAY, within_ms=10)


@pytest.mark.parametrize("delay", [Uniform(1, 5), Uniform(1, 20)])
def test_pipelining_commits_a_stream_of_requests_sooner(delay: Uniform) -> None:
    """Thesis, 10.2.2: an entry does not wait until the request before it was answered. It costs messages."""
    one, many = (
        stream(3, requests=100, seed=1, delay=delay, pipelining=pipelining, within_ms=3_000)
        for pipelining in (False, True)
    )
    assert len(one.committed_ms) == len(many.committed_ms) == 100
    assert sum(many.committed_ms) < 0.8 * sum(one.committed_ms)
    assert many.messages > one.messages
    assert one.everywhere_ms is not None
    assert many.everywhere_ms is not None


def test_a_stream_without_a_leader_is_an_error_and_not_a_figure() -> None:
    with pytest.raises(ConfigError, match="3 servers have no leader at 10 ms"):
        stream(3, requests=1, seed=1, delay=DELAY, pipelining=True, within_ms=10)


@pytest.mark.parametrize("requests", [0, -1])
def test_a_stream_of_nothing_is_an_error_and_not_a_figure(requests: int) -> None:
    with pytest.raises(ConfigError, match=f"{requests} requests are no stream"):
        stream(3, requests=requests, seed=1, delay=DELAY, pipelining=True, within_ms=3_000)


@pytest.mark.parametrize("crashed", [-1, 0, 3, 4])
def test_a_crash_of_nobody_or_of_all_is_an_error_and_not_a_figure(crashed: int) -> None:
    with pytest.raises(ConfigError, match=f"{crashed} of 3 servers"):
        commit_without(3, crashed=crashed, with_leader=True, seed=1, delay=DELAY, within_ms=3_000)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_servers_that_cannot_lose_one_are_not_measured(n: int) -> None:
    with pytest.raises(ConfigError, match=f"{n} servers cannot go on without their leader"):
        measure(n, seed=1, delay=DELAY, within_ms=3_000)


def test_a_cluster_has_a_server() -> None:
    with pytest.raises(ConfigError, match="a cluster has one node or more"):
        ScaledCluster(0, seed=1, delay=DELAY)
