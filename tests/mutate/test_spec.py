"""Mutants of a spec: every rule is changed, models notice, and a system leaves the counterexamples."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from tlacheck import itf
from tlacheck.cli import main
from tlacheck.errors import ConfigError
from tlacheck.mutate.spec import SpecFate, SpecPlan, SpecScore, display, mutate_spec
from tlacheck.tlc.parse import Parser

#: A counter between bounds. `Small` is about the upper bound only; `NeverTwo` is for a witness. Mutants that
#: nobody notices have few states.
COUNTER = """---- MODULE Counter ----
EXTENDS Naturals
CONSTANT Limit
VARIABLES n, ups
Up ==
    /\\ n < Limit
    /\\ n' = n + 1
    /\\ ups' = [ups EXCEPT !.count = IF @ < 3 THEN (@ + 1) % 5 ELSE @]
Down ==
    /\\ n > 0
    /\\ n' \\in {n - 1, 0} \\cap Nat
    /\\ UNCHANGED ups
Init == n = 0 /\\ ups = [count |-> 0]
Next == Up \\/ Down
Spec == Init /\\ [][Next]_<<n, ups>> /\\ WF_<<n, ups>>(Up) /\\ SF_<<n, ups>>(Down)
Unused == n > 7
Small == n <= Limit
NeverTwo == n < 2
Returns == []<>(n < Limit)
====
"""

#: A rule that a property uses too: if it is changed, the property fails in behaviours of the unchanged spec.
SHARED = """---- MODULE Shared ----
EXTENDS Naturals
VARIABLES n, ups
Room == n < 2
Up == Room /\\ n' = n + 1 /\\ ups' = [ups EXCEPT !.count = @ + 1]
Init == n = 0 /\\ ups = [count |-> 0]
Next == Up \\/ UNCHANGED <<n, ups>>
Tidy == Room \\/ n = 2
====
"""

MANIFEST = """
[[model]]
spec = "Counter.tla"
config = "small.cfg"
what = "the upper bound"
expect = "exhausted"

[[model]]
spec = "Counter.tla"
config = "two.cfg"
what = "two is reached"
expect = "witness"
violates = "NeverTwo"

[[model]]
spec = "Counter.tla"
config = "returns.cfg"
what = "it comes back"
expect = "exhausted"

[[model]]
spec = "Counter.tla"
config = "broken.cfg"
what = "broken on purpose: asked about no mutant"
expect = "violated"
violates = "NeverTwo"
"""

SYSTEM = """
from pathlib import Path

from immutabledict import immutabledict

from tlacheck.conform import NotPossible
from tlacheck.conform.replays import Replays, Walks

HERE = Path(__file__).parent


class Counter:
    variables = frozenset({{"n", "ups"}})

    def reset(self, initial):
        self.n, self.ups = 0, 0

    def perform(self, action, args):
        if action == "Up":
            if self.n >= {limit}:
                raise NotPossible("at the limit")
            self.n, self.ups = self.n + 1, min(self.ups + 1, 3)
        elif self.n == 0:
            raise NotPossible("at zero")
        else:
            self.n -= 1

    def observe(self):
        return {{"n": self.n, "ups": immutabledict(count=self.ups)}}


REPLAYS = Replays(
    system_for=lambda config: Counter(),
    specs=HERE,
    traces=HERE,
    root=HERE,
    walks=Walks(module="Counter.tla", config="small.cfg"),
)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the spec, its models, and two systems: one that keeps the limit and one that does not."""
    folder = tmp_path_factory.mktemp("counter")
    (folder / "Counter.tla").write_text(COUNTER, encoding="utf-8")
    (folder / "Shared.tla").write_text(SHARED, encoding="utf-8")
    (folder / "Shared.cfg").write_text("INIT Init\nNEXT Next\nINVARIANT Tidy\n", encoding="utf-8")
    (folder / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    for name, checked in (("small", "Small"), ("two", "NeverTwo"), ("broken", "NeverTwo")):
        text = f"CONSTANT Limit = 2\nINIT Init\nNEXT Next\nINVARIANT {checked}\n"
        (folder / f"{name}.cfg").write_text(text, encoding="utf-8")
    text = "CONSTANT Limit = 2\nSPECIFICATION Spec\nPROPERTY Returns\n"
    (folder / "returns.cfg").write_text(text, encoding="utf-8")
    (folder / "keeps.py").write_text(SYSTEM.format(limit=2), encoding="utf-8")
    (folder / "exceeds.py").write_text(SYSTEM.format(limit=9), encoding="utf-8")
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, as the current one."""
    monkeypatch.chdir(made)
    monkeypatch.syspath_prepend(str(made))
    return made


@pytest.fixture
def reviewed(folder: Path) -> Iterator[Path]:
    """That folder, with a `mutate.toml` as long as a test lasts."""
    file = folder / "mutate.toml"
    file.write_text(_LISTED, encoding="utf-8")
    yield folder
    file.unlink()


def _tried(plan: SpecPlan) -> SpecScore:
    """Try the mutants in this process, whose TLC stays warm."""
    folder = plan.of if plan.of.is_dir() else plan.of.parent
    with ThreadPoolExecutor(1) as executor:
        return mutate_spec(plan, folder=folder / "out", executor=executor)


@pytest.fixture(scope="module")
def score(made: Path) -> SpecScore:
    """All mutants, tried by all models."""
    return _tried(SpecPlan(of=made))


def _mutate(*words: str) -> Result:
    return CliRunner().invoke(main, ["mutate", *words])


def test_expressions_have_places_levels_and_what_they_use(folder: Path) -> None:
    with Parser() as parser:
        module = parser.parse(folder / "Counter.tla", expressions=True)
    up = module.definition("Up").body
    assert up is not None
    assert [each.level.value for each in up.operands] == ["state", "action", "action"]
    assert [each.uses for node in (module.definition("Next").body,) if node for each in node.operands] == [
        "Up",
        "Down",
    ]
    assert (up.operands[0].operator, up.operands[0].span.line, up.operands[0].span.column) == ("<", 6, 8)
    assert parser.parse(folder / "Counter.tla").definition("Up").body is None


def test_each_rule_of_a_behaviour_is_changed_and_no_other(folder: Path) -> None:
    mutants = SpecPlan(of=folder).chosen()
    assert {each.definition for each in mutants} == {"Up", "Down", "Init", "Next", "Spec"}
    assert {
        "n < Limit -> TRUE",
        "n < Limit -> <=",
        "n' = n + 1 -> n' = n",
        "Up -> FALSE",
        "@ < 3 -> FALSE",
        "SF_<<n, ups>>(Down) -> WF_<<n, ups>>(Down)",
    } <= {each.change if each.old != " < " else f"n < Limit -> {each.new.strip()}" for each in mutants}
    assert not [each for each in mutants if each.definition == "Init" and each.operator == "drop-condition"]
    for mutant in mutants:
        assert len(mutant.source.splitlines()) == len(COUNTER.splitlines())


def test_each_fate_is_told_with_what_decided_it(score: SpecScore) -> None:
    fates = {
        (each.mutant.definition, each.mutant.operator, each.mutant.change): (each.fate, each.detail)
        for each in score.trials
    }
    assert fates["Up", "drop-condition", "n < Limit -> TRUE"] == (SpecFate.VIOLATED, "Small")
    assert fates["Up", "drop-update", "n' = n + 1 -> n' = n"] == (SpecFate.OUT_OF_REACH, "NeverTwo")
    assert fates["Spec", "drop-fairness", "SF_<<n, ups>>(Down) -> TRUE"] == (SpecFate.VIOLATED, "Returns")
    assert fates["Down", "drop-condition", "n > 0 -> TRUE"][0] is SpecFate.ONLY_COUNTED
    assert fates["Up", "shift-threshold", "3 -> 4"][0] is SpecFate.ONLY_COUNTED
    assert fates["Init", "shift-threshold", "0 -> 1"][0] is not SpecFate.REFUSED
    assert SpecFate.SAME in score.fates()


def test_a_property_that_notices_no_mutant_is_named(score: SpecScore) -> None:
    first = score.first()
    assert set(first) == {"Small", "NeverTwo", "Returns"}
    assert first["Small"] > 0


@pytest.mark.parametrize(("system", "left"), [("keeps", 1), ("exceeds", 0)])
def test_a_counterexample_is_left_by_a_system_without_the_fault(folder: Path, system: str, left: int) -> None:
    score = _tried(SpecPlan(of=folder, only="Counter:Up:drop-condition:1", replays=f"{system}:REPLAYS"))
    (trial,) = score.trials
    assert trial.left is bool(left)
    assert [each.mutant.name for each in score.followed] == [] if left else [trial.mutant.name]
    assert display.status(score) == (0 if left else 1)
    file = folder / "out" / "Counter-Up-drop-condition-1.itf.json"
    assert len(itf.read(file)) == trial.steps == 3


def test_a_counterexample_that_the_unchanged_spec_has_may_be_followed(folder: Path) -> None:
    score = _tried(SpecPlan(of=folder / "Shared.tla", only="Shared:Room:*", replays="keeps:REPLAYS"))
    left = {(each.mutant.change, each.fate, each.left) for each in score.trials}
    assert {("2 -> 1", SpecFate.VIOLATED, None), ("2 -> 3", SpecFate.VIOLATED, True)} <= left
    assert not score.followed


def test_the_command_shows_survivors_and_goes_on_where_it_ended(folder: Path) -> None:
    words = ("--of", "manifest.toml", "--only", "Counter:Down:drop-*", "--json", "report.json", "--jobs", "1")
    first = _mutate(*words, "--campaign", "c.ndjson")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert {trial["fate"] for trial in report["trials"]} == {"only counted", "violated", "same"}
    assert first.exit_code == 1
    assert "only counted: Counter:Down:drop-condition:1" in first.output
    assert f"tried=5 of {report['mutants']} seed=0" in first.output
    again = _mutate(*words, "--campaign", "c.ndjson")
    shown = [
        each.output.partition("definition ")[2].partition("counterexamples")[0] for each in (first, again)
    ]
    assert shown[0] == shown[1]
    lines = (folder / "c.ndjson").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if "Counter:Down" in line]) == 5


@pytest.mark.usefixtures("folder")
def test_a_module_with_one_configuration_needs_no_manifest() -> None:
    plan = SpecPlan(of=Path("Counter.tla"), config="small.cfg", only="Counter:Up:drop-condition:1")
    assert display.summary(_tried(plan)).startswith("mutate: noticed=1/1 (100.0 %)")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--of", ".", "--layer", "nobody/*"), "has no model that can be asked"),
        (("--of", ".", "--only", "Nothing:*"), "none of"),
        (("--of", "Counter.tla"), "no such configuration"),
        (("--of", ".", "--again", "manifest.toml"), "is for mutants of code"),
        (("--of", "some.package", "--config", "x.cfg"), "are for a spec"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_wrong_use_is_told_in_a_sentence(words: tuple[str, ...], told: str) -> None:
    done = _mutate(*words)
    assert done.exit_code not in (0, 1)
    assert told in str(done.exception or done.output) + done.output
    assert "Traceback" not in done.output


#: What a person says of two mutants: of one truly, of the other wrongly.
_LISTED = """
[[equivalent]]
mutant = "Counter:Down:drop-condition:1"
change = "n > 0 -> TRUE"
why = "there is no lower bound"

[[equivalent]]
mutant = "Counter:Up:drop-condition:1"
change = "n < Limit -> TRUE"
why = "nobody minds"
"""


def test_a_listed_mutant_is_not_tried_but_by_controls(reviewed: Path) -> None:
    plan = SpecPlan(of=reviewed, only="Counter:[DU]*:drop-condition:1")
    score = _tried(plan)
    assert [each.detail for each in score.trials] == ["nobody minds", "there is no lower bound"]
    assert display.summary(score).startswith("mutate: noticed=0/0 only_counted=0 limit=0 same=0 listed=2")
    assert display.status(score) == 0
    controlled = _tried(attrs.evolve(plan, controls=True))
    assert [each.fate for each in controlled.trials] == [SpecFate.MISLISTED, SpecFate.LISTED]
    assert display.status(controlled) == 1


def test_a_listed_mutant_that_is_another_one_now_is_refused(reviewed: Path) -> None:
    (reviewed / "mutate.toml").write_text(_LISTED.replace("n > 0 ->", "n > 1 ->"), encoding="utf-8")
    with pytest.raises(ConfigError, match="is 'n > 0 -> TRUE' now"):
        SpecPlan(of=reviewed).listed()
    assert list(SpecPlan(of=reviewed, layers=("*/small",)).listed()) == ["Counter:Up:drop-condition:1"]


def test_a_spec_that_is_broken_already_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="is not ok without any mutant"):
        _tried(SpecPlan(of=folder / "Counter.tla", config="broken.cfg"))
