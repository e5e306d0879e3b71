"""Operations a second of the linearizability checker, on histories of 100 to 10,000 operations.

The time depends on the number of operations open at once, above all those given up, far more than on
the length. A few are given up in each history, whatever its length, and none in those of the queue,
where one dequeue of unknown fate could have taken any value.

Clients act on a correct object; an illegal history is the same with one late answer changed. Baselines,
on the same histories in the same run: Wing and Gong's search without and with a cache (Lowe's first
improvement, as in Porcupine), the checker without partition, and on tiny histories the definition. A
baseline is cut off, and reported so, after `BASELINE_STEPS` steps of the model.

CPU time, one core; the median of the rounds.
"""

import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks._machine import begin, sized
from tlacheck.histories import (
    MODELS,
    Call,
    Fate,
    History,
    Legality,
    Limits,
    Model,
    Operation,
    Recorder,
    check,
    is_linearizable,
)

SIZES = sized((100, 1_000, 10_000), (100, 200))
CLIENTS, KEYS, LOST, ROUNDS = 8, 10, 4, sized(3, 1)
BASELINE_STEPS, OWN_CONFIGURATIONS = sized((50_000, 200_000), (500, 2_000))
BOUNDED = Limits(configurations=BASELINE_STEPS // CLIENTS)
TINY, TINY_OPERATIONS = 20, 6


def _call(name: str, number: int, rng: random.Random) -> tuple[str, dict[str, Any]]:
    match name:
        case "kv":
            key = f"k{rng.randrange(KEYS)}"
            return ("put", {"key": key, "value": number}) if rng.random() < 0.5 else ("get", {"key": key})
        case "cas":
            old, new = rng.randrange(5), rng.randrange(5)
            return rng.choice((("write", {"value": new}), ("cas", {"old": old, "new": new}), ("read", {})))
        case "log":
            if rng.random() < 0.5:
                return "append", {"value": number}
            return "read", {"index": rng.randint(1, max(1, number // 2))}
        case _:
            return ("enqueue", {"value": number}) if rng.random() < 0.5 else ("dequeue", {})


def acted(model: Model[Any], operations: int, *, seed: int, clients: int = CLIENTS, lost: float) -> History:
    """Record clients of a correct object: call, effect (or the client gives up), answer."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    recorder = Recorder()
    whole: dict[Any, Any] = {}
    busy: dict[int, tuple[int, Call, bool, Any]] = {}
    called = 0
    while called < operations or busy:
        client = rng.randrange(clients)
        if client not in busy:
            if called < operations:
                called += 1
                name, arguments = _call(model.name, called, rng)
                number = recorder.invoke(f"c{client}", name, **arguments)
                busy[client] = (number, Call(name, arguments), False, None)
            continue
        number, call, has_happened, answer = busy.pop(client)
        if has_happened:
            recorder.answer(number, answer)
            continue
        part = None if model.partition is None else model.partition(call)
        ((answer, whole[part]),) = model.steps(whole.get(part, model.initial), call)
        if rng.random() < lost:
            recorder.give_up(number)
        else:
            busy[client] = (number, call, True, answer)
    return recorder.history(model=model.name)


def spoilt(history: History) -> History:
    """Return the same history with an impossible answer near the end."""
    operations = list(history.operations)
    for place in range(len(operations) - 1, -1, -1):
        operation = operations[place]
        if (
            operation.fate is Fate.ANSWERED
            and operation.answer is not None
            and operation.call.name != "append"
        ):
            operations[place] = Operation(
                number=operation.number,
                process=operation.process,
                call=operation.call,
                fate=operation.fate,
                answer="never written",
                invoked_at=operation.invoked_at,
                answered_at=operation.answered_at,
            )
            return History(operations=tuple(operations), model=history.model)
    raise SystemExit("no answer to spoil: the history is too short")


def wing_gong(history: History, model: Model[Any], *, remembers: bool) -> bool | None:
    """Run Wing and Gong's search over the calls before the first remaining answer; None if it is cut off."""
    operations = [each for each in history.operations if each.fate is not Fate.FAILED]
    whole = model if model.partition is None else model.whole()
    needed = sum(1 << place for place, each in enumerate(operations) if each.fate is Fate.ANSWERED)
    ends = [(each.answered_at or 0) if each.fate is Fate.ANSWERED else float("inf") for each in operations]
    # In the order of the calls, so that the rest begins at a place that only grows.
    stack: list[tuple[int, int, Any]] = [(0, 0, whole.initial)]
    seen: set[tuple[int, Any]] = set()
    steps = 0
    while stack:
        first, done, state = stack.pop()
        if done & needed == needed:
            return True
        while first < len(operations) and done >> first & 1:
            first += 1
        candidates, end = [], float("inf")
        for place in range(first, len(operations)):
            if operations[place].invoked_at > end:
                break
            if not done >> place & 1:
                candidates.append(place)
                end = min(end, ends[place])
        for place in sorted(candidates, key=lambda place: ends[place], reverse=True):
            operation = operations[place]
            for answer, after in whole.steps(state, operation.call):
                steps += 1
                if not operation.is_open and answer != operation.answer:
                    continue
                row = (done | 1 << place, after)
                if remembers:
                    if row in seen:
                        continue
                    seen.add(row)
                stack.append((first, *row))
        if steps > BASELINE_STEPS:
            return None
    return False


def rate(work: Callable[[], bool | None], operations: int, *, expected: bool) -> str:
    """Format operations a second, or the progress where the baseline was cut off."""
    rates = []
    for _ in range(ROUNDS):
        started = time.process_time()
        found = work()
        seconds = max(time.process_time() - started, 1e-6)
        if found is None:
            return f"cut off after {seconds:.1f} s"
        if found is not expected:
            raise SystemExit("two checkers disagree: run the tests of histories")
        rates.append(operations / seconds)
    return f"{statistics.median(rates):,.0f}"


def _checked(history: History, model: Model[Any], limits: Limits) -> bool | None:
    legality = check(history, model, limits=limits).legality
    return None if legality is Legality.UNKNOWN else legality is Legality.OK


def main() -> None:
    """Measure and print."""
    begin(
        f"Operations a second, {CLIENTS} clients, {KEYS} keys, about {LOST} operations given up, CPU "
        f"time, median of {ROUNDS}"
    )
    header = ("model", "operations", "history", "checker", "unpartitioned", "with memory", "without")
    print("".join(f"{name:>20}" for name in header))
    summary = {}
    for name in ("kv", "cas", "log", "queue"):
        model = MODELS[name]
        for size in SIZES:
            right = acted(model, size, seed=size, lost=0.0 if name == "queue" else LOST / size)
            for kind, history in (("legal", right), ("illegal", spoilt(right))):
                expected = kind == "legal"
                cells = [
                    rate(
                        partial(_checked, history, model, Limits(configurations=OWN_CONFIGURATIONS)),
                        size,
                        expected=expected,
                    ),
                    rate(partial(_checked, history, model.whole(), BOUNDED), size, expected=expected)
                    if model.partition is not None
                    else "-",
                    rate(partial(wing_gong, history, model, remembers=True), size, expected=expected),
                    rate(partial(wing_gong, history, model, remembers=False), size, expected=expected),
                ]
                print("".join(f"{cell:>20}" for cell in (name, f"{size:,}", kind, *cells)), flush=True)
                summary[name, size, kind] = cells[0]
    _tiny()
    figures = " ".join(
        f"{name}_{size}_{kind}={own.replace(',', '').replace(' ', '_')}"
        for (name, size, kind), own in summary.items()
    )
    print(f"histories_rate: {figures}")


def _tiny() -> None:
    """Compare with the definition, on tiny histories."""
    pairs = [
        (model, acted(model, TINY_OPERATIONS, seed=seed, clients=3, lost=0.2))
        for model in MODELS.values()
        for seed in range(TINY)
        if model.name != "register"
    ]
    operations = sum(len(history.operations) for _, history in pairs)
    own = rate(lambda: all(check(h, m).legality is Legality.OK for m, h in pairs), operations, expected=True)
    naive = rate(lambda: all(is_linearizable(h, m) for m, h in pairs), operations, expected=True)
    print(f"{len(pairs)} histories of {TINY_OPERATIONS} operations: checker {own}, the definition {naive}")


if __name__ == "__main__":
    main()
