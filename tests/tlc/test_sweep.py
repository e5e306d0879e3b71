"""Sweeps over constants: generated configurations, their order, and the smallest failing one."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tlacheck import itf
from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, SpecError
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc._configuration import configure, split_values, to_assignment
from tlacheck.tlc.cli import sweep as cli
from tlacheck.tlc.cli.sweep import sweep_command
from tlacheck.tlc.pool import Pool
from tlacheck.tlc.sweep import Point, PointStatus, Sweep, sweep
from tlacheck.values import ModelValue

# --- configurations -----------------------------------------------------------------------------

_CONFIG = """\\* N = 1 in a comment
SPECIFICATION Spec
CONSTANTS (* N = 2 (* N = 3 *) *) N = 4 \\* N = 5
  Procs = {p1,
           "N = 6", {p2}}
  Rule <- Weak  Plan <- [Other]Short
INVARIANT N
CONSTANT None = None
"""


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("N", "= 7", "N = 4 ", "N = 7 "),
        ("N", "<- Seven", "N = 4 ", "N <- Seven "),
        ("Procs", "= {}", '= {p1,\n           "N = 6", {p2}}', "= {}\n"),
        ("Rule", "= 1", "Rule <- Weak", "Rule = 1"),
        ("Plan", "<- Long", "Plan <- [Other]Short", "Plan <- Long"),
        ("None", "= n", "None = None", "None = n"),
    ],
)
def test_a_value_is_replaced_in_place(name: str, value: str, old: str, new: str) -> None:
    assert configure(_CONFIG, {name: value}) == _CONFIG.replace(old, new)


def test_a_constant_without_a_value_gets_one_at_the_end() -> None:
    assert configure("INIT I\nNEXT N\n", {"M": "= 1", "N": "<- X"}) == (
        "INIT I\nNEXT N\n\nCONSTANTS\n  M = 1\n  N <- X\n"
    )


def test_text_that_is_no_configuration_is_unchanged() -> None:
    for text in (
        "",
        "CONSTANT",
        "CONSTANT N",
        "CONSTANT N =",
        "CONSTANT N = {1,",
        "CONSTANTS = =",
        "(* N = 1",
    ):
        assert configure(text, {}) == text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3", ("3",)),
        ("1..4", ("1", "2", "3", "4")),
        ("1 .. 2,8", ("1", "2", "8")),
        ("{p1},{p1, p2}", ("{p1}", "{p1, p2}")),
        ('"a, b", {"}", {1,2}}', ('"a, b"', '{"}", {1,2}}')),
        ("<- Weak,Strong", ("<- Weak", "Strong")),
        ("<<1,2>>,(1,2)", ("<<1,2>>", "(1,2)")),
    ],
)
def test_a_list_of_values_is_split_at_its_outer_commas(text: str, values: tuple[str, ...]) -> None:
    assert split_values(text) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing"),
        ("1,,2", "missing"),
        ("4..1", "4..1 is empty"),
        ("{1,2", "} is missing"),
        ("{1)", r"\) closes nothing"),
        ("1}", "} closes nothing"),
        ('"a', "not closed"),
    ],
)
def test_a_malformed_list_of_values_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        split_values(text)


@pytest.mark.parametrize("value", ["3", "TRUE", "p1", '"a b"', "{}", "{ }", '{p1, {1, "x"}}'])
def test_a_value_of_a_configuration_is_assigned(value: str) -> None:
    assert to_assignment(value) == f"= {value}"


def test_a_definition_replaces_a_constant() -> None:
    assert to_assignment("<-Weak") == to_assignment(" <-  Weak ") == "<- Weak"


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "-1", "1+1", "<<1>>", "{1", "{1,}", "{1 2}", "1 INVARIANT X", "INVARIANT", "<-", "<- 1",
        "<- A B", '"', "=",
    ],
)  # fmt: skip
def test_an_inexpressible_value_is_refused_with_advice(value: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        to_assignment(value)


# --- sweeps -------------------------------------------------------------------------------------

_RACE = """---- MODULE Race ----
EXTENDS Integers, FiniteSets
CONSTANTS N, Procs, Rule(_)
ASSUME N > 0
VARIABLE x
Plain(a) == a + 1
Double(a) == a + 2
Back(a) == a - 1
Init == x = 0
Next == x < N * Cardinality(Procs) /\\ x' = Rule(x)
Small == x < 6
====
"""
_RACE_CONFIG = "INIT Init\nNEXT Next\nINVARIANT Small\nCONSTANTS N = 1\n  Procs = {p}  Rule <- Plain\n"


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """It fails where N times the number of Procs is 6 or more; or 5 with the rule Double."""
    folder = tmp_path_factory.mktemp("race")
    (folder / "Race.tla").write_text(_RACE)
    (folder / "Race.cfg").write_text(_RACE_CONFIG)
    return Spec.load(folder / "Race.tla")


@pytest.fixture(scope="module")
def pool(one_engine: Engine) -> Iterator[Pool]:
    with Pool(2, engine=one_engine, memory_mb=1024) as warm:
        yield warm


@pytest.fixture(scope="module")
def _pool_of_one(one_engine: Engine) -> Iterator[Pool]:
    with Pool(1, engine=one_engine, memory_mb=512) as warm:
        yield warm


@pytest.fixture
def _warm_command(_pool_of_one: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command use the warm pool."""
    monkeypatch.setattr(cli, "Pool", lambda *_, **__: contextlib.nullcontext(_pool_of_one))


_PROCS = ("{p}", "{p, q}", "{p, q, r}")


def _sizes(points: tuple[Point, ...]) -> list[tuple[int, ...]]:
    return [tuple(place + 1 for place in point.places) for point in points]


def test_the_smallest_and_the_minimal_failing_points_are_found(pool: Pool, race: Spec) -> None:
    seen: list[Point] = []
    found = sweep(
        race, {"N": [1, 2, 3, 4, 5, 6], "Procs": _PROCS}, pool=pool, deadlock=False, on_point=seen.append
    )
    assert found.points == tuple(seen)
    assert found.skipped == 0
    sizes = _sizes(found.points)
    assert sizes == sorted(sizes, key=lambda size: (sum(size), size))
    assert len(set(sizes)) == 18
    assert {
        size for point, size in zip(found.points, sizes, strict=True) if point.outcome is PointStatus.FAILS
    } == {(n, p) for n in range(1, 7) for p in range(1, 4) if n * p >= 6}
    assert _sizes(found.minimal) == [(2, 3), (3, 2), (6, 1)]
    assert found.smallest == found.minimal[0]
    assert str(found.smallest) == "N = 2, Procs = {p, q, r}"
    assert all(point.outcome in (PointStatus.HOLDS, PointStatus.FAILS) for point in found.points)


def test_a_sweep_may_stop_at_the_smallest_failing_point(pool: Pool, race: Spec) -> None:
    for _ in range(2):
        found = sweep(race, {"N": [4, 5, 6, 7]}, pool=pool, deadlock=False, first_failure=True)
        assert _sizes(found.points) == [(1,), (2,), (3,)]
        assert found.skipped == 1
        assert found.smallest is not None
        assert found.smallest.values == {"N": "6"}
        result = found.smallest.result
        assert result is not None
        assert result.trace is not None
        assert len(result.trace) == 6


def test_a_definition_and_tla_values_may_be_swept(pool: Pool, race: Spec) -> None:
    p, q = ModelValue("p"), ModelValue("q")
    found = sweep(
        race,
        {"Rule": ["<- Plain", "<- Double"], "Procs": [frozenset({p}), frozenset({p, q})], "N": [5]},
        pool=pool,
        deadlock=False,
    )
    assert [str(point) for point in found.minimal] == [
        "Rule <- Plain, Procs = {p, q}, N = 5",
        "Rule <- Double, Procs = {p}, N = 5",
    ]


def test_a_false_assumption_excludes_a_point(pool: Pool, race: Spec) -> None:
    found = sweep(race, {"N": [0, 1, 6]}, pool=pool, deadlock=False)
    assert [point.outcome for point in found.points] == [
        PointStatus.EXCLUDED,
        PointStatus.HOLDS,
        PointStatus.FAILS,
    ]
    assert found.smallest == found.points[2]


def test_a_timed_out_point_is_unknown_and_an_invalid_one_an_error(pool: Pool, race: Spec) -> None:
    found = sweep(race, {"N": ["p", "2"]}, pool=pool, deadlock=False)
    assert [point.outcome for point in found.points] == [PointStatus.ERROR, PointStatus.HOLDS]
    assert isinstance(found.points[0].error, SpecError)
    found = sweep(race, {"Rule": ["<- Back"]}, pool=pool, timeout=1)
    assert [point.outcome for point in found.points] == [PointStatus.UNKNOWN]
    assert found.smallest is None


def test_kept_configurations_reproduce_their_results(
    pool: Pool, one_checker: Checker, race: Spec, tmp_path: Path
) -> None:
    found = sweep(
        race, {"N": [3], "Procs": ["{p, q}", "{p,q}"]}, pool=pool, deadlock=False, folder=tmp_path / "kept"
    )
    names = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert names == ["N=3_Procs=p_q.cfg", "N=3_Procs=p_q_0_1.cfg"]
    for point in found.points:
        assert point.spec.config.read_text() == point.configuration
        assert one_checker.check(point.spec, deadlock=False).verdict.is_violated
    assert "N = 3\n" in found.points[0].configuration
    assert race.config.read_text() == _RACE_CONFIG


def test_without_a_folder_no_configuration_is_kept(
    pool: Pool, race: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(race.path.parent.iterdir())
    sweep(race, {"N": [1, 2]}, pool=pool, deadlock=False)
    assert list(tmp_path.glob("tlacheck-sweep-*")) == []
    assert set(race.path.parent.iterdir()) == before


def test_an_undeclared_constant_is_refused_before_any_check(pool: Pool, race: Spec) -> None:
    with pytest.raises(
        SpecError, match="Race declares no constant M; its constants are N, Procs, Rule"
    ) as caught:
        sweep(race, {"M": [1]}, pool=pool)
    assert caught.value.location is not None
    assert caught.value.location.file == str(race.path)


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({}, "nothing to sweep"),
        ({"N": []}, "N has no values"),
        ({"N": [1, "1"]}, "N has the value 1 twice"),
        ({"N": [-1]}, "N: .*no negative number"),
        ({"N": [(1, 2)]}, "N: .*<<1, 2>>"),
        ({"N": range(101), "Procs": range(100)}, "10,100 configurations"),
    ],
)
def test_invalid_values_are_refused(race: Spec, constants: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sweep(race, constants)


def test_a_point_is_within_another_with_no_smaller_value(race: Spec) -> None:
    def point(*places: int) -> Point:
        return Point(values={}, places=places, spec=race, configuration="")

    assert point(1, 2).is_within(point(1, 2))
    assert point(1, 2).is_within(point(3, 2))
    assert not point(1, 2).is_within(point(3, 1))
    assert Sweep(points=(), skipped=0).minimal == ()


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def invoke(spec: Spec, *arguments: str) -> Any:
        return CliRunner().invoke(
            sweep_command, [str(spec.path), "--no-deadlock", "--jobs", "1", "--memory", "512", *arguments]
        )

    return invoke


def test_the_command_shows_each_point_and_the_smallest_failure(run: Any, race: Spec, tmp_path: Path) -> None:
    done = run(race, "--set", "N=4..7", "--set", "Procs={p},{p,q}")
    assert done.exit_code == 1, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "Race: 8 configurations of N, Procs"
    assert lines[1].startswith("  N = 4, Procs = {p}: exhausted, 5 states generated, 5 distinct, depth 5, ")
    assert lines[2].startswith("  N = 4, Procs = {p,q}: violated(Small), 7 states generated")
    assert lines[3] == "  6 more not checked: a smaller one fails (--all checks them too)"
    assert lines[4] == "the smallest that fails: N = 4, Procs = {p,q}"
    trace = tmp_path / ".verify" / "traces" / "Race-N=4_Procs=p_q.itf.json"
    assert itf.read(trace).origin.config == ".verify/sweep/Race/N=4_Procs=p_q.cfg"
    command = f"tlacheck check {race.path} --config .verify/sweep/Race/N=4_Procs=p_q.cfg --no-deadlock"
    assert lines[-1].strip() == f"check it again with: {command}"
    assert (tmp_path / ".verify/sweep/Race/N=4_Procs=p_q.cfg").is_file()


def test_a_campaign_finds_the_same_smallest_failure_and_goes_on(run: Any, race: Spec, tmp_path: Path) -> None:
    words = ["--set", "N=4..5", "--set", "Procs={p},{p,q}", "--campaign", "c.jsonl"]
    done, again = run(race, *words), run(race, *words)
    assert (done.exit_code, again.exit_code) == (1, 1), done.output
    assert "the smallest that fails: N = 4, Procs = {p,q}" in done.stdout
    assert again.stdout == done.stdout
    assert "  2 more not checked" in done.stdout
    trace = tmp_path / ".verify" / "traces" / "Race-N=4_Procs=p_q.itf.json"
    assert itf.read(trace).origin.config == ".verify/sweep/Race/N=4_Procs=p_q.cfg"


def test_a_point_that_tlc_refuses_is_told_by_a_campaign(run: Any, race: Spec) -> None:
    done = run(race, "--set", "N=4,<- Absent", "--set", "Procs={p}", "--campaign", "c.jsonl")
    assert done.exit_code == 2, done.output
    assert "cannot be checked" in done.output


@pytest.mark.usefixtures("_warm_command")
def test_the_command_checks_all_points_and_prints_json(run: Any, race: Spec) -> None:
    done = run(race, "--set", "N=4..6", "--set", "Procs={p},{p,q}", "--all", "--json")
    assert done.exit_code == 1, done.output
    data = json.loads(done.stdout)
    assert [point["outcome"] for point in data["points"]] == [
        "holds",
        "fails",
        "holds",
        "fails",
        "fails",
        "fails",
    ]
    assert data["smallest"] == {"N": "4", "Procs": "{p,q}"}
    assert data["minimal"] == [{"N": "4", "Procs": "{p,q}"}, {"N": "6", "Procs": "{p}"}]
    for point in data["points"]:
        trace = point["result"]["trace"]
        assert (trace is not None) == (point["constants"] in data["minimal"])
        assert trace is None or Path(trace).is_file()


@pytest.mark.usefixtures("_warm_command")
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--set", "N=1..2"], 0, "none fails"),
        (["--set", "N=0"], 2, "excluded, the assumption at"),
        (["--set", "N=p"], 2, "cannot be checked"),
        (["--set", "Rule=<- Back", "--timeout", "1"], 3, "unknown(no time left after 1 s)"),
        (["--set", "M=1"], 2, "declares no constant M"),
        (["--set", "N"], 2, "such as --set N=1..4"),
        (["--set", "N=1", "--set", "N=2"], 2, "given twice"),
        (["--set", "N=-1"], 2, "no negative number"),
        (["--set", "N=1", "--config", "none.cfg"], 2, "Race.cfg"),
    ],
)
def test_the_command_exits_with_the_status_of_its_findings(
    run: Any, race: Spec, arguments: list[str], status: int, words: str
) -> None:
    done = run(race, *arguments)
    assert done.exit_code == status, done.output
    assert words in done.output
