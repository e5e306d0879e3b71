"""Mutants of a toy core by its layers: fates, limits, resumption, what was reviewed, and the command."""

import json
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from tlacheck.errors import ConfigError
from tlacheck.mutants import Layer
from tlacheck.mutate import Fate, Plan, Score, mutate
from tlacheck.mutate import probes as probes_module
from tlacheck.mutate import reached as reached_module
from tlacheck.mutate.cli import mutate_command
from tlacheck.mutate.probes import probed
from tlacheck.mutate.process import Ending, ask
from tlacheck.mutate.reviewed import review_file, reviewed

REVIEWED = """modules = ["queues.core"]

[[equivalent]]
mutant = "queues.core:drained:weaken-comparison:1"
change = "len(waiting) > served -> len(waiting) >= served"
why = "a wrong entry, which a control refutes"

[[not_judged]]
mutants = "queues.core:forgotten:*"
why = "nothing calls it"
"""

#: Name -> fate and layer. The layers have holes: the limit of the queue, and its order.
DESERVED = {
    "admit:never:1": (Fate.CAUGHT, "once"),
    "admit:always:1": (Fate.CAUGHT, "once"),
    "admit:always:2": (Fate.RAISED, "once"),
    "admit:never:2": (Fate.SURVIVED, ""),
    "admit:weaken-comparison:1": (Fate.SURVIVED, ""),
    "urgent:swap-extreme:1": (Fate.SURVIVED, ""),
    "urgent:never:1": (Fate.CAUGHT, "served"),
    "drained:drop-statement:1": (Fate.LIMIT, "served"),
    "drained:never:1": (Fate.INCONCLUSIVE, "served"),
    "forgotten:never:1": (Fate.NOT_REACHED, ""),
}

PLAN = Plan(of="queues", modules=("queues.core",))


def _mutate(plan: Plan, folder: Path, **options: object) -> dict[str, tuple[Fate, str]]:
    score = mutate(plan, folder=folder / "out", jobs=2, **options)  # type: ignore[arg-type]  # passed on
    return {each.mutant.name.removeprefix("queues.core:"): (each.fate, each.layer) for each in score.trials}


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants of the toy loop for ever soon enough."""
    monkeypatch.setattr(reached_module, "_SECONDS_MIN", 3.0)
    monkeypatch.setattr(reached_module, "_FACTOR", 1.0)


@pytest.mark.usefixtures("short_limits")
def test_each_mutant_of_a_function_has_the_fate_it_deserves(queues: Path) -> None:
    """Holes of the layers survive: the limit and the order. What loops for ever ends at its limit."""
    fates = _mutate(attrs.evolve(PLAN, again=[f"queues.core:{name}" for name in DESERVED]), queues.parent)
    assert fates == DESERVED


def test_a_module_that_cannot_be_imported_is_told_apart(queues: Path) -> None:
    layers = [Layer("once", "queues.checks:once")]
    (answer,) = ask(
        {"queues.core": "raise ImportError('gone')"}, layers, {"once": 20.0}, folder=queues, seed=0
    )
    assert (answer.layer, answer.ending, answer.detail) == ("", Ending.UNIMPORTABLE, "ImportError: gone")


def test_a_process_that_dies_is_told_with_its_layer(queues: Path) -> None:
    layers = [Layer("once", "queues.checks:once")]
    dies = "import os\n\n\ndef admit(waiting, name):\n    os._exit(7)\n"
    (answer,) = ask({"queues.core": dies}, layers, {"once": 20.0}, folder=queues, seed=0)
    assert (answer.layer, answer.ending) == ("once", Ending.RAISED)
    assert "its process ended with status 7" in answer.detail


def test_a_mutant_that_takes_much_memory_is_ended(queues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a list that grows for ever takes the machine with it."""
    (queues.parent / "sitecustomize.py").write_text(
        "import tlacheck.mutate.process as process\nprocess.MEMORY_MIB = 200\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(queues.parent))
    grows = "def admit(waiting, name):\n    kept = []\n    while True:\n        kept.append(bytes(1 << 16))\n"
    layers = [Layer("once", "queues.checks:once")]
    (answer,) = ask({"queues.core": grows}, layers, {"once": 60.0}, folder=queues, seed=0)
    assert answer.ending == Ending.LIMIT
    assert answer.detail.endswith("MiB of memory")


def test_a_layer_that_fails_on_the_unchanged_code_is_refused(queues: Path) -> None:
    text = 'from tlacheck.mutants import Layer\n\nLAYERS = (Layer("objects", "queues.checks:objects"),)\n'
    (queues / "layers.py").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"objects ends with 'violated' on the unchanged code \(Always\)"):
        _mutate(PLAN, queues.parent)


def test_a_sample_is_drawn_by_its_seed(queues: Path) -> None:
    del queues
    mutants = PLAN.mutants(PLAN.review())
    one, again = (Plan(of="queues", sample=5, seed=3).chosen(mutants) for _ in range(2))
    assert one == again
    assert len(one) == 5
    assert one != Plan(of="queues", sample=5, seed=4).chosen(mutants)
    assert [mutants.index(each) for each in one] == sorted(mutants.index(each) for each in one)


def test_probes_tell_which_statements_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes_module, "REACHED", set())
    source = '"""Doc."""\n\n\ndef f(a):\n    """Doc."""\n    if a:\n        return 1\n    return 2\n'
    names: dict[str, object] = {}
    exec(probed("m", source), names)  # noqa: S102 - the probed source is the subject
    assert names["f"](1) == 1  # type: ignore[operator]  # a function
    assert {("m", 6), ("m", 7)} == probes_module.REACHED


# --- campaigns


def test_a_campaign_goes_on_where_it_ended(queues: Path) -> None:
    tried: list[str] = []
    file = queues.parent / "rows.ndjson"
    for only in ("*admit:never:*", "*admit:n*"):
        mutate(
            Plan(of="queues", modules=("queues.core",), only=only),
            folder=queues.parent / "out",
            file=file,
            on_row=lambda row, _: tried.append(row.case),
        )
    assert len(tried) == len(set(tried)) == 4


# --- mutate.toml


def test_what_was_reviewed_is_not_tried_and_counts_apart(queues: Path) -> None:
    (queues / "mutate.toml").write_text(REVIEWED, encoding="utf-8")
    score = mutate(Plan(of="queues", only="*forgotten*"), folder=queues.parent / "out")
    assert set(score.fates()) == {Fate.NOT_JUDGED}
    score = mutate(Plan(of="queues", only="*drained:weaken*"), folder=queues.parent / "out")
    assert (set(score.fates()), score.survivors) == ({Fate.EQUIVALENT}, ())
    assert score.trials[0].detail == "a wrong entry, which a control refutes"


def test_a_control_refutes_an_equivalent_that_is_none(queues: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`inconclusive` or `caught`: the mutated loop serves one too many, or never ends."""
    monkeypatch.setattr(reached_module, "_SECONDS_MIN", 3.0)
    wrong = REVIEWED.replace("drained:weaken-comparison:1", "admit:never:1").replace(
        "len(waiting) > served -> len(waiting) >= served", "name in waiting -> False"
    )
    (queues / "mutate.toml").write_text(wrong, encoding="utf-8")
    plan = Plan(of="queues", only="*admit:never:1", controls=True)
    score: Score = mutate(plan, folder=queues.parent / "out")
    assert score.fates() == {Fate.NOT_EQUIVALENT: 1}
    assert len(score.survivors) == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (">= served", "< served", "is listed as equivalent with .* is 'len"),
        ("weaken-comparison:1", "weaken-comparison:9", "is no mutant any more"),
        ("forgotten", "forgot", "fits no mutant any more"),
        ('why = "nothing calls it"', 'why = " "', '"why" is empty'),
        ("queues.core:forgotten:*", "queues.core:*", "name a function"),
        ('["queues.core"]', "[1]", "list of import names"),
        ("change =", "changed =", '"change" is missing'),
        ("[[not_judged]]", "[[not_juged]]", 'did you mean "not_judged"'),
    ],
)
def test_an_entry_that_is_stale_or_malformed_is_refused(queues: Path, old: str, new: str, told: str) -> None:
    (queues / "mutate.toml").write_text(REVIEWED.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        Plan(of="queues").mutants(reviewed(review_file("queues")))


# --- the command


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(mutate_command, ["--of", "queues", "--module", "queues.core", *arguments])


def test_survivors_are_shown_as_diffs_and_as_json(queues: Path) -> None:
    result = _run("--only", "*admit:never:*", "--json", "report.json")
    assert result.exit_code == 1, result.output
    assert "survived: queues.core:admit:never:2" in result.output
    assert "-    if len(waiting) >= LIMIT:\n+    if False:" in result.output
    assert "mutate: noticed=1/2 (50.0 %) survived=1" in result.output
    report = json.loads((queues.parent / "report.json").read_text(encoding="utf-8"))
    assert report["score"] == 0.5
    assert report["operators"] == {"never": {"score": 0.5, "caught": 1, "survived": 1}}
    assert report["layers"] == {"once": 1, "served": 0}
    other = _run("--only", "*admit:never:*", "--layer", "served")
    assert "noticed=0/2" in other.output
    again = _run("--again", "report.json")
    assert "tried=1 of " in again.output


def test_a_run_without_survivors_leaves_with_status_0(queues: Path) -> None:
    del queues
    result = _run("--only", "*admit:never:1", "--resume")
    assert result.exit_code == 0, result.output
    assert Path(".verify/mutate-queues.ndjson").is_file()


def test_a_mutant_that_only_blinds_a_layer_gives_status_3(queues: Path) -> None:
    del queues
    result = _run("--only", "*drained:never:1")
    assert result.exit_code == 3, result.output
    assert "inconclusive: queues.core:drained:never:1 (served: nobody was served)" in result.output


def test_mutants_are_listed_without_a_trial(queues: Path) -> None:
    del queues
    result = _run("--list", "--only", "*urgent*")
    assert result.exit_code == 0
    assert "queues.core:urgent:swap-extreme:1  min -> max\n" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "nothing"), "none of "),
        (("--module", "queues.gone"), "there is no module queues.gone"),
        (("--layer", "twice"), "there is no layer 'twice'; there are once, served"),
        (("--again", "queues/core.py"), "is no file of tlacheck mutate --json"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(queues: Path, arguments: tuple[str, ...], told: str) -> None:
    del queues
    result = _run(*arguments)
    assert isinstance(result.exception, ConfigError) or result.exit_code == 2
    assert told in f"{result.output}{result.exception}"


def test_modules_must_be_named_somewhere(queues: Path) -> None:
    del queues
    with pytest.raises(ConfigError, match="which modules are to be mutated"):
        Plan(of="queues").mutants(reviewed(review_file("queues")))
