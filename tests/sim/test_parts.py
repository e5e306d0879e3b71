"""Delays, disks, faults and fault plans: printing, validation and behaviour."""

import random
import statistics
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from tlacheck.errors import AdapterError, ConfigError
from tlacheck.sim import (
    FAULTS,
    Delay,
    Disk,
    Exponential,
    Fault,
    FaultPlan,
    Fixed,
    HeavyTailed,
    Replay,
    SpecFaults,
    Tamper,
    TimedFault,
    Uniform,
    faults,
    torn,
)

NODES = ("a", "b", "c", "d", "e")

# --- delays -------------------------------------------------------------------------------------


def drawn(delay: Delay, count: int = 4_000) -> list[int]:
    source = random.Random(1)
    return [delay.draw(source) for _ in range(count)]


def test_a_fixed_delay_is_fixed_and_a_uniform_one_reaches_both_bounds() -> None:
    assert set(drawn(Fixed(7))) == {7}
    assert set(drawn(Uniform(2, 5))) == {2, 3, 4, 5}


def test_an_exponential_delay_has_its_mean_and_minimum() -> None:
    found = drawn(Exponential(50, least_ms=10))
    assert min(found) >= 10
    assert 55 < statistics.mean(found) < 65


def test_a_heavy_tail_is_mostly_short_and_bounded() -> None:
    found = sorted(drawn(HeavyTailed(10, shape=1.5, greatest_ms=5_000)))
    assert found[0] == 10
    assert statistics.median(found) < 20
    assert found[-5] > 400
    assert found[-1] <= 5_000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Fixed(-1), "a fixed delay is -1 ms: nothing arrives before it is sent"),
        (lambda: Uniform(-2, 3), "the least delay is -2 ms"),
        (lambda: Uniform(5, 3), "no delay lies between 5 and 3 ms"),
        (lambda: Exponential(0), "the mean of an exponential delay is 0: give more than 0"),
        (lambda: HeavyTailed(0), "the least of a heavy-tailed delay is 0"),
        (lambda: HeavyTailed(9, shape=0), "the shape of a heavy-tailed delay is 0"),
        (lambda: HeavyTailed(9, greatest_ms=8), "no delay lies between 9 and 8 ms"),
        (lambda: Tamper(lambda message, _: message, chance=2), "chance of Tamper is 2: give 0 to 1"),
        (lambda: Replay(chance=-1), "chance of Replay is -1"),
    ],
)
def test_an_invalid_value_is_refused_with_its_number(make: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()


# --- disks --------------------------------------------------------------------------------------


def test_unsynced_writes_are_readable_and_lost_in_a_crash() -> None:
    disk = Disk()
    disk.write("x", 1)
    disk.sync()
    disk.write("x", 2)
    disk.write("y", 3)
    assert (disk.read("x"), disk.read("y")) == (2, 3)
    assert disk.crash() == 2
    assert (disk.read("x"), disk.read("y"), disk.read("y", "none")) == (1, None, "none")
    assert (disk.pending, disk.lost) == ([], 2)


def test_a_crash_keeps_a_prefix_of_the_writes() -> None:
    disk = Disk()
    for value in (1, 2, 3):
        disk.write("x", value)
        disk.write(value, "written")
    disk.crash(kept=3)
    assert [disk.read(key) for key in ("x", 1, 2, 3)] == [2, "written", None, None]


def test_a_torn_write_stays_torn() -> None:
    disk = Disk()
    disk.write("log", b"old!")
    disk.sync()
    disk.write("log", b"newest")
    disk.write("other", b"lost")
    assert disk.crash(torn=True) == 2
    assert disk.read("log") == b"new"
    disk.crash(torn=True)
    assert (disk.read("log"), disk.read("other")) == (b"new", None)


def test_the_torn_value_can_be_customised() -> None:
    disk = Disk(tear=lambda old, new: f"{old}|{new}")
    disk.write("x", 1)
    disk.crash(torn=True)
    assert disk.read("x") == "None|1"


@attrs.frozen
class Record:
    """A value of two fields."""

    term: int
    vote: str | None


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        (b"aaaa", b"bbbb", b"bb"),
        (None, "text", "te"),
        ((1, 2), (3, 4, 5, 6), (3, 4)),
        (5, 6, 5),
        (None, 6, None),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}),
        (Record(1, "x"), Record(2, None), Record(2, "x")),
        (None, Record(2, "x"), None),
    ],
    ids=str,
)
def test_a_torn_value_mixes_the_old_and_the_new_one(old: Any, new: Any, left: Any) -> None:
    assert torn(old, new) == left


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 9), st.booleans()), max_size=20),
    st.integers(0, 9),
)
def test_synced_writes_survive_any_crash(writes: list[tuple[str, int, bool]], kept: int) -> None:
    disk, safe = Disk(), dict[str, int]()
    for key, value, is_synced in writes:
        disk.write(key, value)
        if is_synced:
            disk.sync()
            safe = {name: disk.read(name) for name in "xyz"}
    last_synced = max((n for n, write in enumerate(writes) if write[2]), default=-1)
    disk.crash(kept=kept, torn=True)
    again = safe | {key: value for key, value, _ in writes[last_synced + 1 :][:kept]}
    assert {name: disk.read(name) for name in "xyz"} == {name: again.get(name) for name in "xyz"}


# --- faults and plans ---------------------------------------------------------------------------


def test_a_fault_is_printed_as_it_is_written() -> None:
    assert str(Fault.of("cut", sources={"a"}, dests=["b", "c"])) == "cut(sources={a}, dests={b, c})"
    assert str(Fault.of("crash", node="a")) == "crash(node=a, kept=0, torn=False)"
    assert Fault.of("delay", position=1, by_ms=5)["by_ms"] == 5


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("explode", {}, "there is no fault 'explode': there are drop, duplicate"),
        ("crash", {}, r"the fault crash has the parameters \(node, kept, torn\), not \(kept, torn\)"),
        ("heal", {"node": "a"}, r"the fault heal has the parameters \(\), not \(node\)"),
        ("drop", {"position": True}, "position of the fault drop is a whole number, not True"),
        ("crash", {"node": "a", "torn": 1}, "torn of the fault crash is true or false, not 1"),
        ("partition", {"group": "a"}, "group of the fault partition is a list of nodes, not 'a'"),
    ],
)
def test_an_unknown_fault_is_refused_by_name(name: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Fault.of(name, **parameters)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 30))
def test_a_plan_survives_being_written_and_read(seed: int, count: int) -> None:
    plan = FaultPlan.draw(seed, NODES, until_ms=2_000, count=count)
    assert FaultPlan.from_json(plan.to_json()) == plan
    assert FaultPlan.draw(seed, NODES, until_ms=2_000, count=count) == plan


@given(seed=st.integers(0, 2**32))
def test_a_drawn_plan_crashes_a_minority_and_ends_its_faults(seed: int) -> None:
    """More than a minority may crash only by request (`down_max`)."""
    plan = FaultPlan.draw(seed, NODES, until_ms=3_000, count=40)
    away: set[str] = set()
    for timed in plan.faults:
        assert timed.at_ms <= 3_000
        if timed.fault.name in ("crash", "crash_during", "pause"):
            assert timed.fault["node"] not in away
            away.add(timed.fault["node"])
        elif timed.fault.name in ("restart", "resume"):
            away.remove(timed.fault["node"])
        assert len(away) <= 2
    assert away == set()
    kinds = [timed.fault.name for timed in plan.faults]
    assert kinds.count("heal") == kinds.count("partition") + kinds.count("cut")


def test_a_plan_prints_one_fault_per_line_and_knows_its_end() -> None:
    plan = FaultPlan.of((1_200, Fault.of("heal")), (300, Fault.of("partition", group=["a"])))
    assert str(plan) == "   300 ms  partition(group={a})\n  1200 ms  heal()"
    assert plan.ends_ms == 1_200
    assert FaultPlan().ends_ms == 0
    assert FaultPlan.from_json(FaultPlan().to_json()) == FaultPlan()


def test_a_plan_is_drawn_from_the_named_faults() -> None:
    plan = FaultPlan.draw(5, NODES, until_ms=900, count=20, names=["drop", "crash"])
    assert {timed.fault.name for timed in plan.faults} == {"drop", "crash", "restart"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: FaultPlan.draw(1, NODES, until_ms=9, count=1, names=["make_byzantine"]),
            "drawn of make_byzantine: draw of drop",
        ),
        (lambda: FaultPlan.draw(1, (), until_ms=9, count=1), "drawn for no node"),
        (lambda: FaultPlan.draw(1, NODES, until_ms=9, count=1, names=[]), "drawn of no fault"),
        (
            lambda: FaultPlan((TimedFault(5, Fault.of("heal")), TimedFault(4, Fault.of("heal")))),
            "order the plan by time",
        ),
        (lambda: FaultPlan.from_json("["), "this is no plan of faults .JSONDecodeError"),
        (lambda: FaultPlan.from_json("{}"), "this is no plan of faults .KeyError: 'format'"),
        (
            lambda: FaultPlan.from_json('{"format": "x", "version": 2}'),
            "'x', version 2, not 'tlacheck faults', version 1",
        ),
        (
            lambda: FaultPlan.from_json(
                '{"format": "tlacheck faults", "version": 1, "seed": 1,'
                ' "faults": [{"at_ms": 1.5, "fault": "heal"}]}'
            ),
            "at_ms of fault 1 is a whole number, not 1.5",
        ),
    ],
)
def test_an_invalid_plan_is_refused_with_its_defect(make: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()


# --- faults in a spec ---------------------------------------------------------------------------


def test_an_adapter_maps_each_fault_to_an_action_or_none() -> None:
    table = SpecFaults.of(drop="DropMessage", pause=None)
    assert (table.action("drop"), table.action("pause")) == ("DropMessage", None)
    with pytest.raises(AdapterError, match="does not say what the fault 'skew' is in its spec: add skew="):
        table.action("skew")
    table.check(["DropMessage", "Restart"])
    with pytest.raises(
        AdapterError, match="'drop' is said to be the action 'DropMessage', which the spec has not"
    ):
        table.check(["Restart"])
    with pytest.raises(AdapterError, match="no fault is called lose"):
        SpecFaults(immutabledict(lose="LoseMessage"))


def test_the_docs_table_lists_all_faults() -> None:
    documented = (faults.__doc__ or "").splitlines()
    rows = [line.split("|")[1:3] for line in documented if line.startswith("| `")]
    assert {name.strip(" `"): cells.replace("`", "").split() for name, cells in rows} == {
        name: ", ".join(kinds).split() for name, kinds in FAULTS.items()
    }
