"""The models: the answer of each operation, one at a time."""

from typing import Any

import pytest

from tests.histories.toys import CALLS, corpus
from tlacheck.histories import MODELS, Call, Fate, Legality, Model, check
from tlacheck.histories.models import Entries


def _answers(model: Model[Any], *calls: tuple[Any, ...]) -> list[Any]:
    """The model's answers to successive calls, each a name and its arguments."""
    state, answers = model.initial, []
    for name, *values in calls:
        arguments = dict(zip(model.operations[name], values, strict=True))
        ((answer, state),) = model.steps(state, Call(name, arguments))
        answers.append(answer)
    return answers


def test_a_register_returns_the_last_write() -> None:
    calls = (("read",), ("write", 1), ("read",), ("write", 2), ("read",))
    assert _answers(MODELS["register"], *calls) == [None, None, 1, None, 2]


def test_a_compare_and_set_reports_its_success() -> None:
    calls = (("cas", None, 1), ("cas", 2, 3), ("read",), ("cas", 1, 3), ("read",))
    assert _answers(MODELS["cas"], *calls) == [True, False, 1, True, 3]


def test_a_key_is_put_appended_to_compared_and_deleted() -> None:
    calls = (
        ("append", "x", "a"), ("append", "x", "b"), ("get", "x"), ("delete", "x"), ("get", "x"),
        ("append", "x", 1), ("append", "x", "b"), ("get", "x"), ("cas", "x", (1, "b"), 5),
        ("cas", "x", None, 6), ("put", "x", "new"), ("get", "x"),
    )  # fmt: skip
    expected = [None, None, "ab", None, None, None, None, (1, "b"), True, False, None, "new"]
    assert _answers(MODELS["kv"], *calls) == expected


def test_appending_to_a_number_is_refused() -> None:
    kv = MODELS["kv"]
    assert kv.steps(5, Call("append", {"key": "x", "value": "a"})) == ()


def test_a_log_returns_indexes_from_1_and_keeps_its_entries() -> None:
    calls = (
        ("prefix",), ("append", "a"), ("append", "b"), ("read", 1), ("read", 2), ("read", 3), ("read", 0),
        ("prefix",),
    )  # fmt: skip
    assert _answers(MODELS["log"], *calls) == [(), 1, 2, "a", "b", None, None, ("a", "b")]


def test_a_queue_returns_the_oldest_or_null_if_empty() -> None:
    calls = (("dequeue",), ("enqueue", 1), ("enqueue", 2), ("dequeue",), ("dequeue",), ("dequeue",))
    assert _answers(MODELS["queue"], *calls) == [None, None, None, 1, 2, None]


def test_logs_with_equal_entries_are_equal() -> None:
    """Orders that lead to equal logs are one configuration."""
    ab, ab_again, ac = (Entries(Entries(Entries(), "a"), last) for last in ("b", "b", "c"))
    assert ab == ab_again
    assert hash(ab) == hash(ab_again)
    assert ab not in {ac, Entries(Entries(), "a")}
    assert Entries(Entries(Entries(), "x"), "b") != ab
    assert ab != ("a", "b")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_read_of_a_model_changes_nothing(name: str) -> None:
    """The search applies reads at once; a write among them would be lost."""
    model = MODELS[name]
    assert model.reads <= set(model.operations)
    state = model.initial
    for call in (Call(call, arguments) for call, arguments in CALLS[name] * 3):
        for _, after in model.steps(state, call):
            assert call.name not in model.reads or after == state
            state = after


def test_a_models_predicted_answers_occur() -> None:
    """Every state along a legal order is one that the model predicts as possible."""
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


def test_a_composed_state_has_each_changed_part() -> None:
    whole = MODELS["kv"].whole()
    put, delete = (Call("put", {"key": "x", "value": 1}), Call("delete", {"key": "x"}))
    ((_, after),) = whole.steps(whole.initial, put)
    assert whole.show(after) == "{x: 1}"
    ((_, again),) = whole.steps(after, delete)
    assert again == whole.initial
