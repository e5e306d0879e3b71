"""The zoo: every model has the table's outcome on both engines, in process and with plain `java`.

The numbers of the table do not merely repeat TLC's: formulas stand beside them, and many of the
models are explored again here in a few lines of Python, without TLC.
"""

import itertools
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from tlacheck.engine import Engine, find_jvm
from tlacheck.errors import SpecError
from tlacheck.tlc import Checker, Spec

pytestmark = pytest.mark.sweep

ZOO = Path(__file__).parents[1] / "zoo"

#: Too large for a test; used by the benchmark.
LARGE = {"OdometerLarge"}


@attrs.frozen(kw_only=True)
class Model:
    """A row of the table; `models.toml` documents its columns."""

    module: str
    config: str = attrs.Factory(lambda self: self.module, takes_self=True)
    status: int | dict[str, int]
    deadlock: bool = True
    violates: str | None = None
    generated: int = 0
    distinct: int = 0
    depth: int = 0
    steps: int | None = None
    ends: str | None = None
    says: str | None = None

    def expected_of_plain(self, version: str) -> dict[str, Any]:
        # Newer TLCs leave as 2.18 does.
        status = (
            self.status if isinstance(self.status, int) else self.status.get(version, self.status["2.18"])
        )
        return {"status": status, **({} if self.says else self._counts())}

    def expected_in_process(self) -> dict[str, Any]:
        if self.says:
            return {"says": self.says}
        return {"violates": self.violates, "steps": self.steps, "ends": self.ends, **self._counts()}

    def _counts(self) -> dict[str, Any]:
        return {"generated": self.generated, "distinct": self.distinct, "depth": self.depth}


MODELS = {
    model.config: model
    for model in (Model(**row) for row in tomllib.loads((ZOO / "models.toml").read_text())["model"])
}

each_model = pytest.mark.parametrize("name", MODELS)


# --- in process and with the plain command ------------------------------------------------------


def in_process(checker: Checker, model: Model) -> dict[str, Any]:
    """A checker's result, in the columns of the table."""
    spec = Spec.load(ZOO / f"{model.module}.tla", ZOO / f"{model.config}.cfg")
    try:
        result = checker.check(spec, deadlock=model.deadlock)
    except SpecError as error:
        return {"says": model.says if model.says and model.says in str(error) else str(error)}
    violates, steps, ends = result.verdict.violates, None, None
    if result.trace is not None and result.trace.loop is None:
        steps = len(result.trace)
    elif result.trace is not None:
        ends = "stuttering" if result.trace.loop == len(result.trace) else "in a loop"
    return {
        "violates": "assumption" if violates and violates.startswith("assumption at ") else violates,
        "steps": steps,
        "ends": ends,
        "generated": result.generated,
        "distinct": result.distinct,
        "depth": result.depth,
    }


def plain(engine: Engine, model: Model, folder: Path, options: Sequence[str]) -> dict[str, Any]:
    """The result of `java tlc2.TLC`, in the columns of the table, run in `folder` with Java's `options`."""
    shutil.copytree(ZOO, folder)
    (folder / ".tlaplus").mkdir()
    (folder / ".tlaplus" / "esc.txt").write_text("NO_STATISTICS\n")
    command = [str(find_jvm().executable), *options, f"-Duser.home={folder}", f"-Djava.io.tmpdir={folder}"]
    command += ["-cp", str(engine.jar), "tlc2.TLC", "-config", f"{model.config}.cfg"]
    command += ["-workers", "1", *([] if model.deadlock else ["-deadlock"]), f"{model.module}.tla"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    shutil.rmtree(folder)
    if model.says:
        return {"status": done.returncode}
    counts = re.findall(r"([\d,]+) states generated.*?, ([\d,]+) distinct states found", done.stdout)
    depths = re.findall(r"Progress\((\d+)\)|search is (\d+)\.", done.stdout)
    generated, distinct = (int(text.replace(",", "")) for text in (counts[-1] if counts else ("0", "0")))
    depth = int("".join(depths[-1])) if depths else 0
    return {"status": done.returncode, "generated": generated, "distinct": distinct, "depth": depth}


#: One in so many models gets a plain run, which costs several times a warm one; 1 runs all of them.
_SHARE = int(os.environ.get("TLACHECK_ZOO_SHARE", "4"))
_PLAIN = tuple(MODELS)[::_SHARE]


@pytest.fixture(scope="module")
def plain_runs(
    engine: Engine, loaded_before: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """The plain runs of an engine, two at a time: half a second each, nearly all of it Java's start."""
    folder = tmp_path_factory.mktemp(f"plain-{engine.version}")
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as executor:
        yield {
            name: executor.submit(plain, engine, MODELS[name], folder / name, loaded_before)
            for name in _PLAIN
        }
        executor.shutdown(wait=False, cancel_futures=True)


@each_model
def test_the_checker_agrees_with_the_table(checker: Checker, name: str) -> None:
    model = MODELS[name]
    assert in_process(checker, model) == model.expected_in_process()


@pytest.mark.parametrize("name", _PLAIN)
def test_plain_tlc_agrees_with_the_table(
    engine: Engine, plain_runs: dict[str, Future[dict[str, Any]]], name: str
) -> None:
    assert plain_runs[name].result(timeout=120) == MODELS[name].expected_of_plain(engine.version)


# --- the table itself ---------------------------------------------------------------------------


def test_every_configuration_of_the_zoo_is_in_the_table() -> None:
    assert {path.stem for path in ZOO.glob("*.cfg")} - LARGE == set(MODELS)
    used = {model.module for model in MODELS.values()}
    extended = {"Modular"}  # has no configuration: Clock instantiates it
    assert {path.stem for path in ZOO.glob("*.tla")} - extended == used


def test_the_table_has_every_outcome() -> None:
    statuses = {
        status
        for model in MODELS.values()
        for status in (model.status.values() if isinstance(model.status, dict) else [model.status])
    }
    assert statuses == {0, 10, 11, 12, 13, 14, 75, 76, 150, 151, 255}
    assert {model.ends for model in MODELS.values()} == {None, "in a loop", "stuttering"}
    assert any(model.status == 12 and model.steps == 0 for model in MODELS.values())  # at once
    assert any(model.status == 13 and model.steps for model in MODELS.values())  # by a step


@pytest.mark.parametrize("column", ["generated", "distinct", "depth"])
def test_a_wrong_number_in_the_table_is_noticed(checker: Checker, column: str) -> None:
    model = MODELS["Jugs"]
    wrong = attrs.evolve(model, **{column: getattr(model, column) + 1})
    assert in_process(checker, wrong) != wrong.expected_in_process()


def test_a_wrong_outcome_in_the_table_is_noticed(checker: Checker) -> None:
    for wrong in (
        attrs.evolve(MODELS["JugsHalved"], violates="Preserved"),
        attrs.evolve(MODELS["JugsHalved"], steps=6),
        attrs.evolve(MODELS["TrafficLightStays"], ends="in a loop"),
        attrs.evolve(MODELS["Undefined"], says="unknown operator Zero"),
        attrs.evolve(MODELS["Undefined"], says=None),
    ):
        assert in_process(checker, wrong) != wrong.expected_in_process()


# --- counted again, without TLC -----------------------------------------------------------------

Steps = Callable[[Any], Iterable[Any]]


def explore(initial: Iterable[Hashable], steps: Steps, within: Callable[[Any], bool]) -> tuple[int, int, int]:
    """States generated, distinct states and depth of a search by breadth, as TLC counts them."""
    level, seen, generated, depth = [], set(), 0, 0
    found = iter(initial)
    while True:
        for state in found:
            generated += 1
            if state not in seen and within(state):
                seen.add(state)
                level.append(state)
        if not level:
            return generated, len(seen), depth
        depth += 1
        found = itertools.chain.from_iterable(map(steps, level))
        level = []


def put(row: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    """The tuple with another value at one index."""
    return (*row[:index], value, *row[index + 1 :])


def jugs(state: Any) -> Iterator[Any]:
    for a, b in itertools.permutations(range(3), 2):
        amount = min(state[a], (8, 5, 3)[b] - state[b])
        if amount:
            yield put(put(state, a, state[a] - amount), b, state[b] + amount)


def peterson(state: Any) -> Iterator[Any]:
    at, flag, turn = state
    for i in (0, 1):
        match at[i]:
            case "idle":
                yield put(at, i, "raised"), put(flag, i, True), turn
            case "raised":
                yield put(at, i, "waiting"), flag, 1 - i
            case "waiting":  # TLC takes each side of an `or` that is true for a way of its own
                yield from [(put(at, i, "critical"), flag, turn)] * ((not flag[1 - i]) + (turn == i))
            case _:
                yield put(at, i, "idle"), put(flag, i, False), turn


def philosophers(fork: Any) -> Iterator[Any]:
    for p in range(4):
        left, right = p, (p + 1) % 4
        first, second = (left, right) if p else (right, left)
        if fork[first] is None:
            yield put(fork, first, p)
        if fork[first] == p and fork[second] is None:
            yield put(fork, second, p)
        if fork[left] == fork[right] == p:
            yield put(put(fork, left, None), right, None)


def commit(state: Any) -> Iterator[Any]:
    for m, now in enumerate(state):
        if now == "working":
            yield put(state, m, "prepared")
        if now == "prepared" and set(state) <= {"prepared", "committed"}:
            yield put(state, m, "committed")
        if now in ("working", "prepared") and "committed" not in state:
            yield put(state, m, "aborted")


def two_phase(state: Any) -> Iterator[Any]:
    members, is_open, heard, sent = state
    if is_open and len(heard) == 3:
        yield members, False, heard, sent | {"committed"}
    if is_open:
        yield members, False, heard, sent | {"aborted"}
    for m, now in enumerate(members):
        if is_open and m in sent:
            yield members, True, heard | {m}, sent
        if now == "working":
            yield put(members, m, "prepared"), is_open, heard, sent | {m}
            yield put(members, m, "aborted"), is_open, heard, sent
        for order in sent & {"committed", "aborted"}:
            yield put(members, m, order), is_open, heard, sent


def alternating_bit(state: Any) -> Iterator[Any]:
    sending, getting, there, back, count = state
    yield sending, getting, (*there, sending), back, count
    yield sending, getting, there, (*back, 1 - getting), count
    if there:
        new = there[0] == getting
        yield sending, 1 - getting if new else getting, there[1:], back, (count + new) % 3
        yield sending, getting, there[1:], back, count
    if back:
        yield 1 - sending if back[0] == sending else sending, getting, there, back[1:], count
        yield sending, getting, there, back[1:], count


def termination(state: Any) -> Iterator[Any]:
    active, black, at, token = state
    if at == 0:
        yield from [(active, put(black, 0, False), 2, False)] * (token + black[0])  # as in `peterson`
    elif not active[at]:
        yield active, put(black, at, False), at - 1, token or black[at]
    for n in range(3):
        if active[n]:
            yield put(active, n, False), black, at, token
            for m in set(range(3)) - {n}:
                yield put(active, m, True), put(black, n, True), at, token


def election(state: Any) -> Iterator[Any]:
    number, inbox, elected = state
    for p in range(4):
        for n in inbox[p]:
            rest = put(inbox, p, inbox[p] - {n})
            after = (p + 1) % 4
            if n > number[p]:
                rest = put(rest, after, rest[after] | {n})
            yield number, rest, elected | {p} if n == number[p] else elected


def elevator(floors: int) -> Steps:
    def steps(state: Any) -> Iterator[Any]:
        floor, direction, calls = state
        for f in set(range(1, floors + 1)) - calls:
            yield floor, direction, calls | {f}
        if floor in calls:
            yield floor, direction, calls - {floor}
        elif calls:
            heading = direction if 1 <= floor + direction <= floors else -direction
            yield floor + heading, heading, calls

    return steps


def cat(plan: tuple[int, ...], boxes: int) -> Steps:
    def steps(state: Any) -> Iterator[Any]:
        where, day, found = state
        if not found:
            caught = plan[day] == where
            for there in {where} if caught else {where - 1, where + 1} & set(range(1, boxes + 1)):
                yield there, (day + 1) % len(plan), caught

    return steps


def prisoners(state: Any) -> Iterator[Any]:
    switch, count, been, have_set = state
    yield False, count + switch, been, have_set
    for p in range(3):
        if not switch and p not in have_set:
            yield True, count, been | {p}, have_set | {p}
        else:
            yield switch, count, been | {p}, have_set


def lost_update(state: Any) -> Iterator[Any]:
    counter, seen, lock = state
    for p, now in enumerate(seen):
        if now == "ready" and lock is None:
            yield counter, put(seen, p, counter), p
        if isinstance(now, int):
            yield now + 1, put(seen, p, f"done with {now}"), None


def gossip(knows: Any) -> Iterator[Any]:
    for p, q in itertools.combinations(range(4), 2):
        if knows[p] != knows[q]:
            both = knows[p] | knows[q]
            yield put(put(knows, p, both), q, both)


def missionaries(state: Any) -> Iterator[Any]:
    m, c, here = state
    for a, b in ((1, 0), (2, 0), (0, 1), (0, 2), (1, 1)):
        x, y = (m - a, c - b) if here else (m + a, c + b)
        if 0 <= x <= 3 and 0 <= y <= 3 and (x in (0, 3) or x == y):
            yield x, y, not here


def coffee(state: Any) -> Iterator[Any]:
    black, white = state
    if black >= 2:
        yield black - 1, white
    if white >= 2:
        yield black + 1, white - 2
    if black and white:
        yield black - 1, white


def recolour(colour: Any) -> Iterator[Any]:
    for i, c in itertools.product(range(5), range(4)):
        if c not in (colour[i], colour[i - 1], colour[(i + 1) % 5]):
            yield put(colour, i, c)


def purse(state: Any) -> Iterator[Any]:
    for coin in (0, 1):
        if state[0] + 2 * state[1] + coin + 1 <= 10:
            yield put(state, coin, state[coin] + 1)
        if state[coin]:
            yield put(state, coin, state[coin] - 1)


def walk(state: Any) -> Iterator[Any]:
    place, steps = state
    for by in (1, -1):
        yield (place + by) % 9, steps + 1


NOBODY = frozenset[Any]()
RINGS = list(itertools.permutations(range(4)))
#: Model -> its initial states, its steps, and the constraint if it has one.
COUNTED: dict[
    str, tuple[Iterable[Hashable], Steps] | tuple[Iterable[Hashable], Steps, Callable[[Any], bool]]
] = {
    "AlternatingBit": ([(0, 0, (), (), 0)], alternating_bit, lambda s: len(s[2]) <= 3 and len(s[3]) <= 3),
    "CatInBoxes": ([(where, 0, False) for where in range(1, 7)], cat((2, 3, 4, 5, 5, 4, 3, 2), 6)),
    "CatInBoxesMissed": ([(where, 0, False) for where in range(1, 7)], cat((1, 2, 3, 4, 5, 6), 6)),
    "CoffeeCan": ([(b, w) for b in range(13) for w in range(13) if 1 <= b + w <= 12], coffee),
    "Colouring": (
        [f for f in itertools.product(range(4), repeat=5) if all(f[i - 1] != f[i] for i in range(5))],
        recolour,
    ),
    "Commit": ([("working",) * 3], commit),
    "Election": (
        [(ring, tuple(frozenset({ring[p - 1]}) for p in range(4)), NOBODY) for ring in RINGS],
        election,
    ),
    "Elevator": ([(1, 1, NOBODY)], elevator(4)),
    "ElevatorKept": ([(1, 1, NOBODY)], elevator(3)),
    "Gossip": ([tuple(frozenset({p}) for p in range(4))], gossip),
    "Jugs": ([(8, 0, 0)], jugs),
    "LostUpdate": ([(0, ("ready",) * 3, None)], lost_update),
    "Missionaries": ([(3, 3, True)], missionaries),
    "Peterson": ([(("idle",) * 2, (False,) * 2, 0)], peterson),
    "PetersonUnfair": ([(("idle",) * 2, (False,) * 2, 0)], peterson),
    "Philosophers": ([(None,) * 4], philosophers),
    "Prisoners": ([(False, 0, NOBODY, NOBODY)], prisoners),
    "Purse": ([(0, 0)], purse),
    "Termination": (
        [(active, (True,) * 3, 0, True) for active in itertools.product((False, True), repeat=3)],
        termination,
    ),
    "TwoPhase": ([(("working",) * 3, True, NOBODY, NOBODY)], two_phase),
    "WalkBounded": ([(0, 0)], walk, lambda state: state[1] < 12),
}


@pytest.mark.parametrize("name", COUNTED)
def test_the_tables_counts_agree_with_those_in_python(name: str) -> None:
    initial, steps, *constraint = COUNTED[name]
    within = constraint[0] if constraint else lambda _: True
    model = MODELS[name]
    assert explore(initial, steps, within) == (model.generated, model.distinct, model.depth)


def test_rows_marked_as_counted_are_counted_here() -> None:
    text = (ZOO / "models.toml").read_text()
    called = {
        row.get("config", row["module"])
        for comment, block in re.findall(
            r"# ([^\n]*[Cc]ounted in Python[^\n]*)\n(.*?)(?=\n#|\n\n|\Z)", text, re.DOTALL
        )
        for row in tomllib.loads(block)["model"]
        if comment
    }
    assert called == set(COUNTED)
