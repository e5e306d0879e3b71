"""The simulated world: the order of events, and faults with exactly their documented effects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlacheck.errors import ConfigError
from tlacheck.sim import Clock, Delay, Fixed, Flight, Network, Timer, Uniform, World

A_WHILE = 1_000
TEN_MS = Fixed(10)


def world(*, seed: int = 0, delay: Delay = TEN_MS, loss: float = 0.0, duplication: float = 0.0) -> World[str]:
    """A world in which every message takes 10 ms by default."""
    return World(seed=seed, network=Network(delay=delay, loss=loss, duplication=duplication))


def happens(world: World[str], until_ms: int = A_WHILE) -> list[tuple[int, str]]:
    """All events until then: time and timer (`node:name`) or message, with `!` if lost."""
    seen = []
    while (due := world.next_event(until_ms)) is not None:
        match due:
            case Timer(node=node, name=name):
                seen.append((world.now_ms, f"{node}:{name}"))
            case Flight(message=message):
                seen.append((world.now_ms, message if world.reaches(due) else f"{message}!"))
    return seen


def flight(world: World[str], message: str) -> Flight[str]:
    """The only copy of a message in flight."""
    (found,) = [flight for flight in world.flights if flight.message == message]
    return found


# --- time ---------------------------------------------------------------------------------------


def test_events_happen_when_due_and_advance_the_clock() -> None:
    w = world()
    w.set_timer("a", "late", 30)
    w.set_timer("b", "early", 5)
    w.send("a", "b", "hello")
    assert w.now_ms == 0
    assert happens(w) == [(5, "b:early"), (10, "hello"), (30, "a:late")]
    assert w.now_ms == A_WHILE


def test_the_clock_stops_at_the_bound() -> None:
    w = world()
    w.set_timer("a", "t", 7)
    assert w.next_event(6) is None
    assert w.now_ms == 6
    assert w.next_event(7) == Timer("a", "t")
    assert w.now_ms == 7
    assert w.next_event(7) is None


def test_the_clock_never_goes_back() -> None:
    w = world()
    assert w.next_event(50) is None
    w.set_timer("a", "t", -20)
    assert w.next_event(10) is None
    assert w.now_ms == 50
    assert w.next_event(60) == Timer("a", "t")
    assert w.now_ms == 50


def test_simultaneous_timers_precede_messages_in_sending_order() -> None:
    """An order that depended on hashing would break reproducibility by seed."""
    w = world()
    for message in ("one", "two", "three"):
        w.send("a", "b", message)
    for node in ("c", "a", "b"):
        w.set_timer(node, "t", 10)
    assert [what for _, what in happens(w)] == ["a:t", "b:t", "c:t", "one", "two", "three"]


def test_many_messages_due_at_once_keep_their_order() -> None:
    w = world()
    for number in range(1, 121):
        w.send("a", "b", f"{number}")
    assert [int(what) for _, what in happens(w)] == list(range(1, 121))


def test_a_timer_fires_once_and_resetting_moves_it() -> None:
    w = world()
    w.set_timer("a", "t", 10)
    w.set_timer("a", "t", 20)
    assert happens(w) == [(20, "a:t")]
    assert happens(w, 2 * A_WHILE) == []


def test_a_stopped_timer_does_not_fire() -> None:
    w = world()
    w.set_timer("a", "t", 10)
    w.set_timer("b", "t", 10)
    w.stop_timer("a", "t")
    w.stop_timer("a", "t")
    assert happens(w) == [(10, "b:t")]


@given(seed=st.integers(0, 2**32), delay=st.tuples(st.integers(0, 50), st.integers(50, 90)))
def test_a_message_takes_the_networks_delay(seed: int, delay: tuple[int, int]) -> None:
    w = world(seed=seed, delay=Uniform(*delay))
    w.send("a", "b", "hello")
    ((when, _),) = happens(w)
    assert delay[0] <= when <= delay[1]


# --- the same seed, the same world --------------------------------------------------------------


def _scenario(seed: int) -> list[object]:
    """A run with every kind of fault: its events, and the network after each."""
    w: World[str] = World(seed=seed)
    record: list[object] = []

    def play(until_ms: int) -> None:
        while (due := w.next_event(until_ms)) is not None:
            record.append((w.now_ms, due, w.flights))
            if isinstance(due, Timer):
                for dest in "abc".replace(due.node, ""):
                    w.send(due.node, dest, f"{due.node}{w.now_ms}")
                w.set_timer(due.node, due.name, w.random.randint(5, 30))
            else:
                record.append(w.reaches(due))

    for node in "abc":
        w.set_timer(node, "tick", w.random.randint(5, 30))
    play(100)
    w.partition({"a"})
    play(200)
    w.heal()
    w.crash("b")
    play(300)
    w.restart("b")
    w.set_timer("b", "tick", 1)
    play(330)
    for fault in (w.duplicate, w.reorder, w.drop):
        if w.flights:
            fault(w.random.choice(w.flights))
    play(400)
    return record


def test_a_seed_determines_the_world() -> None:
    """A failure that its seed does not reproduce cannot be investigated."""
    assert _scenario(7) == _scenario(7)
    assert len(_scenario(7)) > 100
    assert repr(_scenario(7)) == repr(_scenario(7))
    assert _scenario(7) != _scenario(8)


# --- faults, each just what its name says -------------------------------------------------------


@pytest.fixture
def sent() -> World[str]:
    """Three messages in flight from a to b, due at 10, 11 and 12 ms."""
    w = world()
    for start, message in enumerate(("one", "two", "three")):
        w.next_event(start)
        w.send("a", "b", message)
    return w


def test_without_faults_messages_arrive_in_order(sent: World[str]) -> None:
    assert happens(sent) == [(10, "one"), (11, "two"), (12, "three")]


def test_drop_loses_one_copy(sent: World[str]) -> None:
    sent.duplicate(flight(sent, "two"))
    sent.drop(next(f for f in sent.flights if f.message == "two"))
    assert [what for _, what in happens(sent)] == ["one", "three", "two"]


def test_duplicate_adds_a_copy_with_its_own_delay_and_number(sent: World[str]) -> None:
    original = flight(sent, "one")
    sent.duplicate(original)
    first, second = (f for f in sent.flights if f.message == "one")
    assert first == original
    assert (second.source, second.dest, second.due_ms) == ("a", "b", 2 + 10)
    assert len({f.number for f in sent.flights}) == len(sent.flights) == 4


def test_reorder_lets_a_message_overtake_all_others(sent: World[str]) -> None:
    sent.reorder(flight(sent, "three"))
    assert happens(sent) == [(2, "three"), (10, "one"), (11, "two")]


def test_delay_postpones_one_message(sent: World[str]) -> None:
    sent.delay(flight(sent, "one"), 100)
    assert happens(sent) == [(11, "two"), (12, "three"), (110, "one")]


def test_a_partition_drops_exactly_the_messages_crossing_it() -> None:
    w = world()
    for source, dest in ("ab", "ba", "bc", "cb"):
        w.send(source, dest, source + dest)
    w.partition({"a"})
    assert happens(w) == [(10, "ab!"), (10, "ba!"), (10, "bc"), (10, "cb")]


def test_servers_of_one_partition_group_reach_each_other() -> None:
    w = world()
    w.partition({"a", "b"})
    for source, dest in ("ab", "ba", "ac", "cd"):
        w.send(source, dest, source + dest)
    assert [what for _, what in happens(w)] == ["ab", "ba", "ac!", "cd"]


def test_a_message_in_flight_is_lost_if_partitioned_when_due() -> None:
    w = world()
    w.send("a", "b", "early")
    w.next_event(5)
    w.send("a", "b", "late")
    w.partition({"a"})
    assert happens(w, 12) == [(10, "early!")]
    w.heal()
    assert happens(w) == [(15, "late")]


def test_heal_ends_a_partition_and_a_new_one_replaces_it() -> None:
    w = world()
    w.partition({"a"})
    w.partition({"b"})
    w.send("a", "c", "ac")
    w.send("b", "c", "bc")
    assert [what for _, what in happens(w)] == ["ac", "bc!"]
    w.heal()
    assert w.groups == ()


def test_a_crashed_server_loses_messages_and_timers() -> None:
    w = world()
    w.set_timer("a", "t", 5)
    w.set_timer("b", "t", 5)
    w.send("b", "a", "to a")
    w.send("a", "b", "from a")
    w.crash("a")
    assert happens(w) == [(5, "b:t"), (10, "to a!"), (10, "from a")]
    assert w.down == {"a"}


def test_a_timer_set_for_a_crashed_server_waits_for_its_restart() -> None:
    w = world()
    w.crash("a")
    w.set_timer("a", "t", 5)
    assert happens(w, 20) == []
    w.restart("a")
    assert happens(w) == [(20, "a:t")]


def test_a_restarted_server_receives_and_sets_timers_again() -> None:
    w = world()
    w.set_timer("a", "t", 5)
    w.crash("a")
    w.restart("a")
    w.send("b", "a", "hello")
    assert w.down == set()
    assert happens(w) == [(10, "hello")]


def test_repeated_server_faults_have_no_effect() -> None:
    w = world()
    w.crash("a")
    w.crash("a")
    w.restart("a")
    w.restart("a")
    w.heal()
    assert (w.down, w.groups) == (set(), ())


# --- one-way cuts, pauses, clocks, a network that is bad by itself ------------------------------


def test_a_cut_drops_one_direction_until_the_network_heals() -> None:
    w = world()
    w.cut({"a"}, {"b"})
    w.cut({"c"}, {"b"})
    for source, dest in ("ab", "ba", "cb", "bc", "ac"):
        w.send(source, dest, source + dest)
    assert [what for _, what in happens(w)] == ["ab!", "ba", "cb!", "bc", "ac"]
    w.heal()
    w.send("a", "b", "again")
    assert [what for _, what in happens(w, 2 * A_WHILE)] == ["again"]


def test_a_paused_nodes_events_wait_in_order() -> None:
    w = world()
    w.set_timer("a", "t", 5)
    w.set_timer("b", "t", 5)
    w.send("b", "a", "to a")
    w.send("a", "b", "from a")
    w.pause("a")
    assert happens(w, 50) == [(5, "b:t"), (10, "from a")]
    assert [f.message for f in w.flights] == ["to a"]
    w.resume("a")
    assert happens(w) == [(50, "a:t"), (50, "to a")]


def test_messages_waiting_for_a_paused_node_can_be_lost_or_overtaken() -> None:
    w = world()
    for message in ("one", "two", "three"):
        w.send("b", "a", message)
    w.pause("a")
    assert happens(w, 20) == []
    w.drop(flight(w, "two"))
    w.delay(flight(w, "one"), 5)
    w.stop_timer("a", "t")
    w.resume("a")
    assert happens(w) == [(20, "three"), (25, "one")]


def test_a_paused_node_that_crashes_loses_its_waiting_events() -> None:
    w = world()
    w.set_timer("a", "t", 5)
    w.send("b", "a", "hello")
    w.pause("a")
    assert happens(w, 20) == []
    w.crash("a")
    assert w.paused == set()
    assert happens(w, 30) == [(20, "hello!")]
    w.restart("a")
    assert happens(w) == []


def test_a_skewed_clock_shifts_its_readings_and_timers() -> None:
    w = world()
    for node in "abc":
        w.set_timer(node, "t", 100)
    w.next_event(10)
    w.skew("a", 40)
    w.skew("b", -40)
    assert [w.clock_ms(node) for node in "abc"] == [50, -30, 10]
    assert happens(w) == [(60, "a:t"), (100, "c:t"), (140, "b:t")]


def test_timers_of_a_fast_clock_fire_early_and_of_a_slow_one_late() -> None:
    w = world()
    w.drift("a", 1_000_000)
    w.drift("b", -500_000)
    for node in "abc":
        w.set_timer(node, "t", 100)
    assert happens(w) == [(50, "a:t"), (100, "c:t"), (200, "b:t")]
    assert [w.clock_ms(node) for node in "abc"] == [2 * A_WHILE, A_WHILE // 2, A_WHILE]


@given(
    now=st.integers(0, 10**6),
    ppm=st.integers(-999_999, 10**6),
    jump=st.integers(-(10**4), 10**4),
    wait=st.integers(0, 10**4),
)
def test_a_clock_reads_a_predicted_time_exactly_then(now: int, ppm: int, jump: int, wait: int) -> None:
    clock = Clock().skewed(now // 2, jump).drifting(now, ppm)
    assert clock.reading_ms(now) == now + jump
    goal = clock.reading_ms(now) + wait
    when = clock.when_ms(goal)
    assert clock.reading_ms(when) >= goal
    assert when == now or clock.reading_ms(when - 1) < goal


def test_a_stopped_clock_is_refused_with_advice() -> None:
    with pytest.raises(ConfigError, match="-1000000 ppm stops the clock: .*a pause of the node"):
        world().drift("a", -1_000_000)


def test_loss_and_duplication_of_one_affect_every_message() -> None:
    w = world(loss=1.0)
    w.send("a", "b", "x")
    assert happens(w) == [(10, "x!")]
    w = world(duplication=1.0)
    w.send("a", "b", "x")
    (sent,) = w.flights
    assert sent.is_doubled
    assert not w.duplicate(sent).is_doubled


@pytest.mark.parametrize("seed", range(5))
def test_a_lossy_network_loses_its_stated_share(seed: int) -> None:
    w = world(seed=seed, loss=0.3)
    for number in range(300):
        w.send("a", "b", f"{number}")
    lost = sum(what.endswith("!") for _, what in happens(w))
    assert 40 < lost < 150


@pytest.mark.parametrize("chance", [-0.1, 1.5])
def test_an_invalid_probability_is_refused(chance: float) -> None:
    with pytest.raises(ConfigError, match="a chance lies between 0 and 1"):
        Network(loss=chance)


# --- limits of faults ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop", "reorder", "delay"])
def test_faults_cannot_affect_a_delivered_message(fault: str) -> None:
    w = world()
    gone = w.send("a", "b", "x")
    assert len(happens(w)) == 1
    with pytest.raises(ConfigError, match="message 1 from a to b is not on its way at 1000 ms"):
        getattr(w, fault)(*([gone, 5] if fault == "delay" else [gone]))


def test_a_message_may_be_rescheduled_repeatedly() -> None:
    w = world()
    sent = w.send("a", "b", "x")
    for _ in range(5):
        w.reorder(sent)
        w.delay(sent, 0)
    assert happens(w) == [(0, "x")]


# --- cost: what is due stands in one heap -------------------------------------------------------


def test_reset_timers_do_not_accumulate() -> None:
    w = world()
    for _ in range(20_000):
        w.set_timer("a", "t", 500)
    assert len(w._agenda) < 1_000
    assert happens(w) == [(500, "a:t")]


class Naive:
    """The same world without a heap: the next event is found by linear search."""

    def __init__(self) -> None:
        self.now = 0
        self.timers: dict[tuple[str, str], int] = {}
        self.flights: dict[int, tuple[int, str]] = {}

    def next(self, until: int) -> str | None:
        rows = [(due, 0, node, name) for (node, name), due in self.timers.items()]
        rows += [(due, 1, f"{number:09}", message) for number, (due, message) in self.flights.items()]
        first = min(rows, default=None)
        if first is None or first[0] > until:
            self.now = max(self.now, until)
            return None
        self.now = max(self.now, first[0])
        if first[1] == 0:
            del self.timers[first[2], first[3]]
            return f"{first[2]}:{first[3]}"
        del self.flights[int(first[2])]
        return first[3]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["send", "timer", "stop", "drop", "delay", "reorder", "pass"]),
            st.integers(0, 5),
            st.integers(0, 40),
        ),
        max_size=60,
    )
)
def test_the_world_agrees_with_a_naive_one(calls: list[tuple[str, int, int]]) -> None:
    w, naive = world(), Naive()
    for call, place, ms in calls:
        node = "abcdef"[place]
        match call:
            case "send":
                sent = w.send(node, "z", f"m{ms}")
                naive.flights[sent.number] = (sent.due_ms, sent.message)
            case "timer":
                w.set_timer(node, "t", ms)
                naive.timers[node, "t"] = naive.now + ms
            case "stop":
                w.stop_timer(node, "t")
                naive.timers.pop((node, "t"), None)
            case "pass":
                until = w.now_ms + ms
                while (due := w.next_event(until)) is not None:
                    told = f"{due.node}:{due.name}" if isinstance(due, Timer) else due.message
                    assert told == naive.next(until)
                assert naive.next(until) is None
                assert w.now_ms == naive.now
            case _ if w.flights:
                hit = w.flights[place % len(w.flights)]
                old, message = naive.flights[hit.number]
                if call == "drop":
                    w.drop(hit)
                    del naive.flights[hit.number]
                elif call == "delay":
                    w.delay(hit, ms)
                    naive.flights[hit.number] = (max(old, naive.now) + ms, message)
                else:
                    w.reorder(hit)
                    naive.flights[hit.number] = (naive.now, message)
    assert {f.number for f in w.flights} == naive.flights.keys()
