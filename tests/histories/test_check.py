"""The decision against its naive twin, and on histories whose verdict the literature gives."""

import functools
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.histories.toys import acted, corpus, op
from tlacheck.errors import ConfigError
from tlacheck.histories import (
    MODELS,
    Call,
    Fate,
    History,
    HistoryError,
    Legality,
    Limits,
    Model,
    ModelError,
    Placed,
    Recorder,
    _search,
    check,
    definition,
    is_linearizable,
    key_value,
    log,
    queue,
    register,
)

OK, ILLEGAL, UNKNOWN = Legality.OK, Legality.ILLEGAL, Legality.UNKNOWN


def _history(*operations: Any) -> History:
    return History(operations=operations)


def explains(witness: tuple[Placed, ...], history: History, model: Model[Any]) -> bool:
    """Return whether an order is a linearization: complete, in real-time order, allowed by the model."""
    order = [placed.operation for placed in witness]
    numbers = [operation.number for operation in order]
    answered = {each.number for each in history.operations if each.fate is Fate.ANSWERED}
    may = {each.number for each in history.operations if each.fate is not Fate.FAILED}
    return (
        len(set(numbers)) == len(numbers)
        and answered <= set(numbers) <= may
        and definition._keeps_real_time(order)
        and definition._is_allowed(order, model.whole())
    )


@functools.cache
def judged() -> tuple[tuple[Model[Any], History, bool], ...]:
    """Some hundred tiny histories, each with the definition's verdict."""
    return tuple((model, history, is_linearizable(history, model)) for model, history in corpus(230))


# --- against the definition ---------------------------------------------------------------------


def test_tiny_histories_get_the_definitions_verdict() -> None:
    """The search prunes most orders; pruning one too many would give a wrong verdict."""
    met: Counter[tuple[str, bool]] = Counter()
    for model, history, expected in judged():
        result = check(history, model)
        assert (result.legality is OK) is expected, history
        met[model.name, expected] += 1
        if expected:
            assert explains(result.witness, history, model)
    assert {(name, verdict) for name in MODELS for verdict in (True, False)} == set(met)
    assert min(met.values()) >= 10, met


def test_checking_the_parts_gives_the_verdict_of_the_whole() -> None:
    """Locality: Herlihy and Wing 1990, theorem 1."""
    for model, history, expected in judged():
        assert (check(history, model.whole()).legality is OK) is expected, history


def test_the_longest_prefix_agrees_with_the_definition() -> None:
    """Too short a prefix hides the fault; too long a one points behind it."""
    illegal = [(model, history) for model, history, is_legal in judged() if not is_legal]
    for model, history in illegal:
        frontier = check(history, model.whole()).frontier
        assert frontier is not None
        assert frontier.is_longest
        ends = sorted(each.answered_at or 0 for each in history.operations if each.fate is Fate.ANSWERED)
        longest = definition.longest_prefix(history, model)
        assert frontier.returning.answered_at == ends[longest], history
        for attempt in frontier.attempts:
            assert attempt.options[0].operation == frontier.returning
            assert definition._keeps_real_time([placed.operation for placed in attempt.order])


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(MODELS)),
    script=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11)), max_size=24),
)
def test_random_histories_get_the_definitions_verdict(name: str, script: list[tuple[int, int]]) -> None:
    model = MODELS[name]
    history = acted(model, script)
    expected = is_linearizable(history, model)
    event("linearizable" if expected else "not linearizable")
    result = check(history, model)
    assert (result.legality is OK) is expected
    if expected:
        assert explains(result.witness, history, model)


#: Text of the search -> what it is replaced by.
MUTANTS = {
    "remembers-without-the-state": ("(index, taken, state), []", "(index, taken), []"),
    "remembers-without-what-happened": ("(index, taken, state), []", "(index, state), []"),
    "remembers-the-wrong-way-round": ("fewer & used == fewer", "fewer & used == used"),
    "forgets-real-time": ("(row[0], row[1], row[2].number)", "(row[1], row[0], row[2].number)"),
    "one-bit-for-all": ("1 << len(open_)", "1"),
    "never-frees-a-bit": ("        taken ^= answer.bit\n", ""),
    "nothing-unanswered-happens": ("if answer.unanswered:", "if False:"),
    "unanswered-change-nothing": ("if after != state and", "if after == state and"),
    "only-the-first-unanswered": ("setdefault(part.kinds[number], number)", "setdefault(0, number)"),
    "nobody-overtakes": ("for operation, bit in answer.others:", "for operation, bit in ():"),
    "believes-the-returning": ("if said == returning.answer and", "if"),
    "believes-the-others": ("if said == operation.answer and", "if"),
    "believes-reads": ("said == operation.answer for said, _ in steps", "True for said, _ in steps"),
}


@pytest.fixture(params=sorted(MUTANTS))
def broken_search(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = MUTANTS[request.param]
    source = Path(str(_search.__file__)).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in the search: adapt the mutant"
    module = types.ModuleType("broken")
    code = compile(source.replace(old, new), "broken", "exec")
    exec(code, module.__dict__)  # noqa: S102 - a mutant of our own
    for user in ("check", "_prefix"):
        monkeypatch.setattr(sys.modules[f"tlacheck.histories.{user}"], "search", module.search)


@pytest.mark.usefixtures("broken_search")
def test_a_faulty_search_is_noticed() -> None:
    """Each wrong search is wrong on one of the tiny histories."""
    for model, history, expected in judged():
        try:
            result = check(history, model, limits=Limits(configurations=5_000))
        except (IndexError, ValueError, StopIteration):
            return
        if result.legality is not (OK if expected else ILLEGAL):
            return
    pytest.fail("the broken search says what the definition says on all of them")


# --- known histories ----------------------------------------------------------------------------

#: Herlihy and Wing 1990, figure 1: a queue, and what two or three processes do with it.
FIGURE_1 = {
    "H1: both enqueue at once, so either value may come first": (
        OK,
        op(1, "A", "enqueue", (1, 4), value="x"),
        op(2, "B", "enqueue", (2, 3), value="y"),
        op(3, "B", "dequeue", (5, 7), "x"),
        op(4, "A", "dequeue", (6, 8), "y"),
        op(5, "A", "enqueue", (9, None), value="z"),
    ),
    "H2: x was in the queue before y was enqueued": (
        ILLEGAL,
        op(1, "A", "enqueue", (1, 2), value="x"),
        op(2, "B", "enqueue", (3, 5), value="y"),
        op(3, "A", "dequeue", (4, 6), "y"),
    ),
    "H3: x is dequeued while its enqueue is still open": (
        OK,
        op(1, "A", "enqueue", (1, None), value="x"),
        op(2, "B", "dequeue", (2, 3), "x"),
    ),
    "H4: y is dequeued twice": (
        ILLEGAL,
        op(1, "A", "enqueue", (1, 3), value="x"),
        op(2, "B", "enqueue", (2, 4), value="y"),
        op(3, "A", "dequeue", (5, 7), "y"),
        op(4, "C", "dequeue", (6, 8), "y"),
    ),
}


@pytest.mark.parametrize("name", FIGURE_1)
def test_the_queues_of_herlihy_and_wing_get_their_verdicts(name: str) -> None:
    expected, *operations = FIGURE_1[name]
    assert check(_history(*operations), queue()).legality is expected


def test_a_stale_read_after_a_newer_one_is_illegal() -> None:
    """New-old inversion: a regular register may do so, an atomic one may not (Lamport 1986)."""
    operations = (
        op(1, "w", "write", (1, 10), value=1),
        op(2, "r", "read", (2, 3), 1),
        op(3, "s", "read", (4, 5), 0),
    )
    result = check(_history(*operations), register(0))
    assert result.legality is ILLEGAL
    assert check(_history(*operations[:2]), register(0)).legality is OK
    frontier = result.frontier
    assert frontier is not None
    assert (frontier.returning.number, frontier.expected) == (3, (1,))
    assert [placed.operation.number for placed in frontier.attempts[0].order] == [1, 2]
    assert result.reason == "no order explains #3 s read() → 0; the model answers 1"


def test_reads_during_a_write_may_see_either_value_in_the_right_order() -> None:
    """The example of Porcupine's manual: one read returns within the other, and so may come first."""
    write = op(1, "C0", "write", (0, 100), value=100)
    inner = op(3, "C2", "read", (30, 60), 0)
    assert check(_history(write, op(2, "C1", "read", (25, 75), 100), inner), register(0)).legality is OK
    late = op(3, "C2", "read", (76, 90), 0)
    assert check(_history(write, op(2, "C1", "read", (25, 75), 100), late), register(0)).legality is ILLEGAL


def test_a_timed_out_write_may_take_effect_much_later() -> None:
    """The shape of Knossos' issue 10: 0 and 4 are read in turns, each from a timed-out write."""
    recorder = Recorder()

    def write(process: str, value: int, *, is_answered: bool) -> None:
        number = recorder.invoke(process, "write", value=value)
        (recorder.answer if is_answered else recorder.give_up)(number)

    def read(process: str, value: int) -> None:
        recorder.answer(recorder.invoke(process, "read"), value)

    write("p0", 4, is_answered=True)
    write("p0", 4, is_answered=False)
    write("p1", 0, is_answered=False)
    read("p2", 4)
    write("p2", 0, is_answered=False)
    read("p3", 0)
    read("p3", 0)
    read("p4", 4)
    read("p5", 0)
    assert check(recorder.history(), register()).legality is OK
    read("p5", 4)
    assert check(recorder.history(), register()).legality is ILLEGAL


def test_a_failed_operation_did_not_happen_and_an_unknown_one_may_have() -> None:
    """Treating a time-out as a failure accuses correct systems (Jepsen's issue 596)."""
    for fate, expected in ((Fate.FAILED, ILLEGAL), (Fate.UNKNOWN, OK), (Fate.ANSWERED, OK)):
        recorder = Recorder()
        number = recorder.invoke("c1", "write", value=638)
        {Fate.FAILED: recorder.fail, Fate.UNKNOWN: recorder.give_up, Fate.ANSWERED: recorder.answer}[fate](
            number
        )
        recorder.answer(recorder.invoke("c2", "read"), 638)
        assert check(recorder.history(), register()).legality is expected


def test_simultaneous_events_are_concurrent() -> None:
    """Clocks are coarse; taking the order of lines as that of events would accuse a correct system."""
    touching = _history(op(1, "a", "write", (0, 5), value=1), op(2, "b", "read", (5, 6), None))
    apart = _history(op(1, "a", "write", (0, 5), value=1), op(2, "b", "read", (6, 7), None))
    assert check(touching, register()).legality is OK
    assert check(apart, register()).legality is ILLEGAL


# --- size, limits, data -------------------------------------------------------------------------


def test_a_history_of_thousands_of_operations_needs_no_deep_stack() -> None:
    recorder = Recorder()
    for number in range(1, 5_001):
        recorder.answer(recorder.invoke("c1", "append", value=number), number)
    recorder.answer(recorder.invoke("c1", "read", index=2_500), 2_500)
    result = check(recorder.history(), log())
    assert result.legality is OK
    assert result.configurations == 5_000


def test_crashed_clients_do_not_explode_the_search() -> None:
    """Sixty crashed clients have 2**60 possible outcomes; dominated configurations are pruned."""
    recorder = Recorder()
    for number in range(60):
        recorder.invoke(f"dead{number}", "write", value=number % 3)
    for number in range(200):
        recorder.answer(recorder.invoke("c1", "write", value=7))
        recorder.answer(recorder.invoke("c2", "read"), 7 if number % 50 else 1)
    assert check(recorder.history(), register(), limits=Limits(configurations=20_000)).legality is OK
    recorder.answer(recorder.invoke("c2", "read"), 5)
    assert check(recorder.history(), register(), limits=Limits(configurations=20_000)).legality is ILLEGAL


def _hard(processes: int = 9) -> History:
    """Many concurrent appends without a legal order, so that nearly all orders must be tried."""
    operations = [
        op(number, f"c{number}", "enqueue", (number, 100 + number), value=number)
        for number in range(1, processes)
    ]
    return _history(*operations, op(processes, "r", "dequeue", (200, 201), "nobody's"))


def test_a_limit_on_configurations_is_deterministic() -> None:
    """A result must be repeatable on another machine."""
    first, again = (check(_hard(), queue(), limits=Limits(configurations=500)) for _ in range(2))
    assert first == again
    assert (first.legality, first.configurations) == (UNKNOWN, 500)
    assert first.verdict().is_unknown
    assert first.frontier is not None
    assert "500 configurations were explored" in first.reason


def test_a_time_limit_gives_unknown() -> None:
    result = check(_hard(12), queue(), limits=Limits(configurations=None, seconds=1e-6))
    assert result.legality is UNKNOWN
    assert "the time was over" in result.reason


def test_without_a_limit_the_hard_history_is_illegal() -> None:
    seen: list[int] = []
    result = check(_hard(7), queue(), on_progress=seen.append)
    assert result.legality is ILLEGAL
    assert seen[0] == 0
    assert result.frontier is not None
    assert result.frontier.returning.number == 7
    assert len(result.frontier.attempts) == 64  # of more
    assert set(result.frontier.expected) <= set(range(1, 7))


@pytest.mark.parametrize("limit", [{"configurations": 0}, {"seconds": 0.0}, {"seconds": -1.0}])
def test_a_limit_of_zero_is_refused(limit: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="should be above 0, or None for no limit"):
        Limits(**limit)


def test_the_first_illegal_part_decides_and_is_named() -> None:
    history = _history(
        op(1, "a", "put", (1, 2), key="x", value=1),
        op(2, "a", "get", (3, 4), 1, key="x"),
        op(3, "b", "put", (5, 6), key="y", value=2),
        op(4, "b", "get", (7, 8), 3, key="y"),
        op(5, "c", "put", (9, 10), key="z", value=1),
    )
    result = check(history, key_value())
    assert (result.legality, result.parts, result.operations) == (ILLEGAL, 3, 5)
    assert result.frontier is not None
    assert result.frontier.part == "y"
    assert [operation.number for operation in result.frontier.prefix] == [3, 4]
    data = result.to_json()
    assert data["verdict"]["kind"] == "violated"
    assert data["frontier"]["part"] == "y"
    assert data["frontier"]["returning"]["number"] == 4
    assert data["frontier"]["expected"] == [2]
    assert data["frontier"]["attempts"] == [
        {
            "order": [3],
            "state": "2",
            "options": [
                {
                    "number": 4,
                    "process": "b",
                    "op": "get",
                    "arguments": {"key": "y"},
                    "fate": "answered",
                    "answer": 3,
                    "model_answers": [2],
                }
            ],
        }
    ]


def test_the_verdict_has_the_number_of_histories_and_the_seed() -> None:
    result = check(_history(op(1, "a", "read", (1, 2))), register())
    assert str(result.verdict(cases=3, seed=7)) == "sampled(3 cases, seed 7)"


def test_a_history_without_answers_is_unknown() -> None:
    """Any order explains a run whose clients got no answer; that is no success."""
    result = check(_history(op(1, "a", "write", (1, None), value=1)), register())
    assert result.legality is OK
    assert "none of 1 operations was answered" in str(result.verdict())


# --- models of one's own, and mistakes ----------------------------------------------------------


def test_a_custom_model_may_have_several_answers() -> None:
    """A bag returns any of its members."""

    def step(bag: frozenset[str], call: Call) -> list[tuple[Any, frozenset[str]]]:
        if call.name == "add":
            return [(None, bag | {call["item"]})]
        return [(item, bag - {item}) for item in sorted(bag)]

    empty: frozenset[str] = frozenset()
    bag = Model(name="bag", operations={"add": ("item",), "take": ()}, initial=empty, step=step)
    adds = (op(1, "a", "add", (1, 2), item="x"), op(2, "a", "add", (3, 4), item="y"))
    assert check(_history(*adds, op(3, "a", "take", (5, 6), "y")), bag).legality is OK
    twice = _history(*adds, op(3, "a", "take", (5, 6), "y"), op(4, "a", "take", (7, 8), "y"))
    result = check(twice, bag)
    assert result.legality is ILLEGAL
    assert result.frontier is not None
    assert result.frontier.expected == ("x",)
    nothing = check(_history(op(1, "a", "take", (1, 2), "x")), bag)
    assert nothing.reason.endswith("the model answers nothing: it cannot happen there")


def test_an_unknown_operation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        HistoryError,
        match=r"#1 a put\(x, 1\) → null: the model register has no 'put'. It has: read\(\), write\(value\)",
    ):
        check(_history(op(1, "a", "put", (1, 2), key="x", value=1)), register())
    with pytest.raises(
        HistoryError, match=r"write of the model register has the arguments \(value\), not \(valeu\)"
    ):
        check(_history(op(1, "a", "write", (1, 2), valeu=1)), register())


def test_an_exception_of_the_model_is_reported_as_its_fault() -> None:
    broken: Model[Any] = Model(
        name="broken", operations={"read": ()}, initial=0, step=lambda state, _: [(state / 0, state)]
    )
    with pytest.raises(
        ModelError, match=r"the model broken failed on read\(\) in the state 0: ZeroDivisionError"
    ):
        check(_history(op(1, "a", "read", (1, 2))), broken)


def test_an_unhashable_state_is_reported() -> None:
    broken: Model[Any] = Model(
        name="broken", operations={"add": ()}, initial=(), step=lambda state, _: [(None, [*state, 1])]
    )
    with pytest.raises(ModelError, match=r"a state of the model broken cannot be hashed: \[1\]"):
        check(_history(op(1, "a", "add", (1, 2)), op(2, "a", "add", (3, 4))), broken)
