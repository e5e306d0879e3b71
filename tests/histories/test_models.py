"""The models: what each operation answers, one at a time."""

from typing import Any

import pytest

from tests.histories.toys import CALLS, corpus
from tlacheck.histories import MODELS, Call, Fate, Legality, Model, check
from tlacheck.histories.models import Entries


def _answers(model: Model[Any], *calls: tuple[Any, ...]) -> list[Any]:
    """What the model answers to these calls, one after another; each is a name and arguments in order."""
    state, answers = model.initial, []
    for name, *values in calls:
        arguments = dict(zip(model.operations[name], values, strict=True))
        ((answer, state),) = model.steps(state, Call(name, arguments))
        answers.append(answer)
    return answers


def test_a_register_gives_back_what_was_written_last() -> None:
    calls = (("read",), ("write", 1), ("read",), ("write", 2), ("read",))
    assert _answers(MODELS["register"], *calls) == [None, None, 1, None, 2]


def test_a_compare_and_set_says_whether_it_set() -> None:
    calls = (("cas", None, 1), ("cas", 2, 3), ("read",), ("cas", 1, 3), ("read",))
    assert _answers(MODELS["cas"], *calls) == [True, False, 1, True, 3]


def test_a_key_is_put_appended_to_compared_and_deleted() -> None:
    calls = (
        ("append", "x", "a"),
        ("append", "x", "b"),
        ("get", "x"),
        ("delete", "x"),
        ("get", "x"),
        ("append", "x", 1),
        ("append", "x", "b"),
        ("get", "x"),
        ("cas", "x", (1, "b"), 5),
        ("cas", "x", None, 6),
        ("put", "x", "new"),
        ("get", "x"),
    )
    expected = [None, None, "ab", None, None, None, None, (1, "b"), True, False, None, "new"]
    assert _answers(MODELS["kv"], *calls) == expected


def test_to_a_number_nothing_can_be_appended() -> None:
    kv = MODELS["kv"]
    assert kv.steps(5, Call("append", {"key": "x", "value": "a"})) == ()


def test_a_log_answers_with_indexes_from_1_and_keeps_what_it_has() -> None:
    calls = (
        ("prefix",),
        ("append", "a"),
        ("append", "b"),
        ("read", 1),
        ("read", 2),
        ("read", 3),
        ("read", 0),
        ("prefix",),
    )
    assert _answers(MODELS["log"], *calls) == [(), 1, 2, "a", "b", None, None, ("a", "b")]


def test_a_queue_gives_the_oldest_first_and_null_when_it_is_empty() -> None:
    calls = (("dequeue",), ("enqueue", 1), ("enqueue", 2), ("dequeue",), ("dequeue",), ("dequeue",))
    assert _answers(MODELS["queue"], *calls) == [None, None, None, 1, 2, None]


def test_logs_are_equal_if_their_entries_are_however_they_came_about() -> None:
    """Two orders that lead to the same log are one configuration; two that do not are two."""
    ab, ab_again, ac = (Entries(Entries(Entries(), "a"), last) for last in ("b", "b", "c"))
    assert ab == ab_again
    assert hash(ab) == hash(ab_again)
    assert ab not in {ac, Entries(Entries(), "a")}
    assert Entries(Entries(Entries(), "x"), "b") != ab
    assert ab != ("a", "b")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_what_a_model_calls_a_read_changes_nothing(name: str) -> None:
    """The search lets reads happen at once. A write among them would be lost."""
    model = MODELS[name]
    assert model.reads <= set(model.operations)
    state = model.initial
    for call in (Call(call, arguments) for call, arguments in CALLS[name] * 3):
        for _, after in model.steps(state, call):
            assert call.name not in model.reads or after == state
            state = after


def test_what_a_model_foresees_is_so() -> None:
    """Every state on the way of an order that gives all answers is one that it holds possible."""
    seen = 0
    for model, history in corpus(60, seed=1):
        result = check(history, model)
        if model.foresee is None or result.legality is not Legality.OK:
            continue
        answered = [each for each in history.operations if each.fate is Fate.ANSWERED]
        open_ = [each for each in history.operations if each.is_open]
        is_possible = model.foresee([*sorted(answered, key=lambda each: each.answered_at or 0), *open_])
        assert all(is_possible(placed.state) for placed in result.witness)
        seen += 1
    assert seen > 10


def test_a_whole_has_the_state_of_each_part_that_is_not_as_it_began() -> None:
    whole = MODELS["kv"].whole()
    put, delete = (
        Call("put", {"key": "x", "value": 1}),
        Call("delete", {"key": "x"}),
    )
    ((_, after),) = whole.steps(whole.initial, put)
    assert whole.show(after) == "{x: 1}"
    ((_, again),) = whole.steps(after, delete)
    assert again == whole.initial
