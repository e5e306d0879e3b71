"""Each fault and each Byzantine behaviour breaks a careless toy, and only that.

A fault that breaks nothing would be a fault in name only. Three things are shown of each: the
careless toy keeps its promise without the fault and breaks it with the fault; the careful toy keeps
it with the fault.
"""

import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from tests.sim.toys import (
    Broadcast,
    Courier,
    Election,
    Lease,
    Pair,
    Poll,
    Primary,
    Register,
    Store,
    Toy,
    Voter,
)
from tlacheck.sim import (
    FAULTS,
    Behaviour,
    Equivocate,
    Fault,
    FaultPlan,
    Fixed,
    Lie,
    Network,
    Replay,
    Request,
    Scenario,
    ScenarioRun,
    Silent,
    Tamper,
    TwoCopies,
)

#: Reports of nodes: (time, node, report).
Told = list[tuple[int, str, Any]]


def keeps_what_it_says(told: Told) -> bool:
    """A restart finds the value last reported as kept."""
    kept = None
    for _, _, (kind, value) in told:
        if kind == "kept":
            kept = value
        elif value not in (kept, (kept, kept)):
            return False
    return True


def elects_one(told: Told) -> bool:
    return len({node for _, node, _ in told}) == 1


def brings_one_parcel(told: Told) -> bool:
    return len(told) == 1


def ends_with_the_latest(told: Told) -> bool:
    return bool(told[-1][2] == 2)


def has_one_primary_at_a_time(told: Told) -> bool:
    return len({when for when, _, _ in told}) == len(told) > 0


def obeys_the_lease(told: Told) -> bool:
    writers = [who for _, _, who in told]
    return "b" in writers and "a" not in writers[writers.index("b") :]


def takes_one_value(told: Told) -> bool:
    return (
        sorted(node for _, node, _ in told if node != "a") == ["b", "c", "d"]
        and len({v for _, _, v in told}) == 1
    )


def tells_a_number_that_is_held(told: Told) -> bool:
    return [what for _, _, what in told] == [7]


def tell_y(message: Any) -> Any:
    return (message[0], "y")


def tell_either(message: Any, source: random.Random) -> Any:
    return (message[0], source.choice("xy"))


@attrs.frozen
class Case:
    """A fault, and the toys that it breaks and does not break."""

    fault: str
    careless: Toy
    careful: Toy
    promise: Callable[[Told], bool]
    nodes: str
    faults: tuple[tuple[int, Fault], ...]
    workload: tuple[Request, ...] = ()
    behaviour: Behaviour | None = None

    def run(self, core: Toy, *, with_faults: bool) -> ScenarioRun:
        plan = FaultPlan.of(*self.faults) if with_faults else FaultPlan()
        behaviours = {} if self.behaviour is None else {"wrong": self.behaviour}
        return Scenario(
            nodes=tuple(self.nodes),
            seed=1,
            until_ms=600,
            network=Network(delay=Fixed(10)),
            plan=plan,
            workload=self.workload,
            behaviours=immutabledict(behaviours),
        ).run(core)

    def holds(self, core: Toy, *, with_faults: bool) -> bool:
        return self.promise(self.run(core, with_faults=with_faults).cluster.notifications)


def _case(fault: str, toy: Any, promise: Any, nodes: str, *faults: tuple[int, Fault], **more: Any) -> Case:
    return Case(fault, toy(careful=False), toy(careful=True), promise, nodes, faults, **more)


def _traitor(name: str, toy: Any, promise: Any, nodes: str, behaviour: Behaviour) -> Case:
    make_byzantine = Fault.of("make_byzantine", node="a", behaviour="wrong")
    return _case(name, toy, promise, nodes, (0, make_byzantine), behaviour=behaviour)


_F = Fault.of
_RESTART = (400, _F("restart", node="a"))
_ONE = (Request(10, "a", 1),)
_TWO = (*_ONE, Request(30, "a", 2))

CASES = (
    _case("crash", Store, keeps_what_it_says, "a", (20, _F("crash", node="a")), _RESTART, workload=_ONE),
    _case("torn write", Pair, keeps_what_it_says, "a", (20, _F("crash_during", node="a", torn=True)),
        _RESTART, workload=_TWO),
    _case("crash_during", Voter, elects_one, "vab", (5, _F("crash_during", node="v", done=1)),
        (60, _F("restart", node="v")), (210, _F("skew", node="a", by_ms=0))),
    _case("crash_writing", Voter, elects_one, "vab", (1, _F("crash_writing", node="v", done=1)),
        (60, _F("restart", node="v")), (210, _F("skew", node="a", by_ms=0))),
    _case("drop", Courier, brings_one_parcel, "ab", (6, _F("drop", position=0))),
    _case("duplicate", Courier, brings_one_parcel, "ab", (6, _F("duplicate", position=0))),
    _case("degrade", Courier, brings_one_parcel, "ab", (1, _F("degrade", loss=100)),
        (90, _F("degrade", loss=0, duplication=100))),
    _case("reorder", Register, ends_with_the_latest, "ab", (11, _F("reorder", position=1))),
    _case("delay", Register, ends_with_the_latest, "ab", (6, _F("delay", position=0, by_ms=50))),
    Case("partition", Primary(careful=True, alone=True), Primary(careful=True), has_one_primary_at_a_time,
        "abc", ((150, _F("partition", group=["a"])), (450, _F("heal")))),
    _case("cut", Primary, has_one_primary_at_a_time, "abc",
        (150, _F("cut", sources=["a"], dests=["b", "c"]))),
    _case("pause", Lease, obeys_the_lease, "abc", (62, _F("pause", node="a")),
        (200, _F("resume", node="a"))),
    _case("skew", Lease, obeys_the_lease, "abc", (30, _F("skew", node="a", by_ms=-80))),
    _case("drift", Lease, obeys_the_lease, "abc", (30, _F("drift", node="a", ppm=-700_000))),
    _traitor("silent", Broadcast, takes_one_value, "abcd", Silent(["d"])),
    _traitor("equivocate", Broadcast, takes_one_value, "abcd", Equivocate(tell_y, ["b"])),
    _traitor("tamper", Broadcast, takes_one_value, "abcd", Tamper(tell_either, chance=0.9)),
    _traitor("replay", Register, ends_with_the_latest, "ab", Replay(remembered=1)),
    Case("lie", Poll(careful=False), Poll(careful=True), tells_a_number_that_is_held, "abcd",
        ((0, _F("make_byzantine", node="b", behaviour="wrong")),),
         behaviour=Lie(lambda state: (state[0], 99))),
    _traitor("two copies", Election, elects_one, "adefxy", TwoCopies(["y"])),
)  # fmt: skip

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)


@each_case
def test_a_careless_toy_is_right_without_faults(case: Case) -> None:
    assert case.holds(case.careless, with_faults=False)


@each_case
def test_a_careless_toy_is_broken_by_its_fault(case: Case) -> None:
    assert not case.holds(case.careless, with_faults=True)


@each_case
def test_a_careful_toy_survives_its_fault(case: Case) -> None:
    assert case.holds(case.careful, with_faults=True)
    assert case.holds(case.careful, with_faults=False)


@each_case
def test_the_faults_of_a_case_occurred(case: Case) -> None:
    """Otherwise a careful toy would pass for lack of a fault."""
    met = case.run(case.careful, with_faults=True).met
    for _, fault in case.faults:
        assert met[fault.name], f"{fault} found nothing to do"


def test_every_fault_breaks_a_toy() -> None:
    broken_by = {fault.name for case in CASES for _, fault in case.faults}
    assert FAULTS.keys() - broken_by == {"reform"}


def test_a_reformed_byzantine_node_is_honest_again() -> None:
    (case,) = (case for case in CASES if case.fault == "silent")
    assert case.behaviour is not None
    reformed = attrs.evolve(case, faults=(*case.faults, (1, Fault.of("reform", node="a"))))
    assert reformed.holds(case.careless, with_faults=True)


def test_an_unknown_byzantine_behaviour_is_refused() -> None:
    case = attrs.evolve(CASES[-1], behaviour=None)
    with pytest.raises(Exception, match="no behaviour 'wrong' in this cluster: there is none"):
        case.run(case.careless, with_faults=True)
