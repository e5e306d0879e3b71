"""Tiny histories, right and wrong: clients of a model, whose answers are sometimes corrupted."""

import random
from collections.abc import Iterable
from typing import Any

from tlacheck.histories import MODELS, Call, Fate, History, Model, Operation, Recorder

#: Model -> the calls that its clients make; few values, so that wrong histories are often only just wrong.
CALLS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "register": (("write", {"value": 1}), ("write", {"value": 2}), ("read", {}), ("read", {})),
    "cas": (("write", {"value": 1}), ("cas", {"old": 1, "new": 2}), ("cas", {"old": None, "new": 1}),
        ("read", {})),
    "kv": (("put", {"key": "x", "value": 1}), ("append", {"key": "y", "value": "a"}),
        ("delete", {"key": "x"}), ("get", {"key": "x"}), ("get", {"key": "y"}),
        ("cas", {"key": "x", "old": 1, "new": 2})),
    "log": (("append", {"value": "a"}), ("append", {"value": "b"}), ("read", {"index": 1}), ("prefix", {})),
    "queue": (("enqueue", {"value": "a"}), ("enqueue", {"value": "b"}), ("enqueue", {"value": "c"}),
        ("dequeue", {}), ("dequeue", {})),
}  # fmt: skip


def op(
    number: int,
    process: str,
    call: str,
    moments: tuple[float, float | None],
    answer: Any = None,
    **arguments: Any,
) -> Operation:
    """An operation called and answered at these times; pending if never answered."""
    return Operation(
        number=number,
        process=process,
        call=Call(call, arguments),
        fate=Fate.PENDING if moments[1] is None else Fate.ANSWERED,
        answer=answer,
        invoked_at=moments[0],
        answered_at=moments[1],
    )


def acted(model: Model[Any], script: Iterable[tuple[int, int]], operations_max: int = 5) -> History:
    """Let clients act on a model: each item selects a client and its next event.

    An idle client calls; a pending operation takes effect (or its client gives up, or it fails); one that
    took effect is answered, now and then with another client's answer.
    """
    recorder, whole, calls = Recorder(), model.whole(), CALLS[model.name]
    state: Any = whole.initial
    busy: dict[int, tuple[int, Call, Any, bool]] = {}
    said: list[Any] = [None]
    count = 0
    for process, how in script:
        if process not in busy:
            if count < operations_max:
                name, arguments = calls[how % len(calls)]
                number = recorder.invoke(f"c{process}", name, **arguments)
                busy[process] = (number, Call(name, arguments), None, False)
                count += 1
            continue
        number, call, answer, has_happened = busy.pop(process)
        if has_happened:
            if how == 0:
                recorder.give_up(number)
            else:
                recorder.answer(number, said[how % len(said)] if how % 3 == 1 else answer)
        elif how == 1:
            recorder.fail(number)
        elif how == 2:
            recorder.give_up(number)
        else:
            ((answer, state),) = whole.step(state, call)
            said.append(answer)
            busy[process] = (number, call, answer, True)
    return recorder.history(model=model.name)


def corpus(each: int, *, seed: int = 0, operations_max: int = 5) -> list[tuple[Model[Any], History]]:
    """A fixed number of histories per model, and one with a pending write that takes effect later."""
    recorder = Recorder()
    recorder.invoke("c0", "write", value=1)
    read = recorder.invoke("c1", "read")
    recorder.give_up(recorder.invoke("c2", "write", value=2))
    recorder.answer(read, 2)
    recorder.answer(recorder.invoke("c1", "read"), 1)
    found: list[tuple[Model[Any], History]] = [(MODELS["register"], recorder.history())]
    for name, model in MODELS.items():
        rng = random.Random(f"{name} {seed}")
        for _ in range(each):
            script = [(rng.randrange(3), rng.randrange(12)) for _ in range(rng.randrange(6, 24))]
            found.append((model, acted(model, script, operations_max)))
    return found
