"""Scenario files, on the lock service of `examples/lock`: what they print, when they fail, and bad files."""

import re
import unittest
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tlacheck import itf
from tlacheck.cli import main
from tlacheck.errors import ConfigError
from tlacheck.harness import checks, run_scenario, scenarios_of
from tlacheck.harness.soak import load_protocol
from tlacheck.harness.syntax import read_blocks, write_blocks
from tlacheck.verdict import Kind
from tlacheck.verify import Context

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SCENARIOS = EXAMPLES / "lock" / "scenarios"
LOCK = "lock.protocol:LOCK"

pytestmark = pytest.mark.usefixtures("lock_example")

VARIANTS = """
import attrs
from lock.protocol import LOCK
from tlacheck.harness import Directive, Invariant, ScenarioSyntax


def keep(scene, line):
    scene.kept[line.word(0)] = line.words[1]
    return [f"{len(scene.kept)} kept"]


SYNTAX = attrs.evolve(
    LOCK.scenario_syntax,
    directives=[Directive("keep NAME VALUE", "Keep a value.", keep)],
    text=lambda value: "it",
)
EXTENDED = attrs.evolve(LOCK, scenario_syntax=SYNTAX)
NARROW = attrs.evolve(
    LOCK, invariants=[Invariant("NoGrant", lambda view: "granted" if view["s"].token else None)]
)
"""


def _scenario(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["scenario", *arguments])


def _printed(text: str, target: str = LOCK) -> tuple[list[str], tuple[str, ...]]:
    """The output of directives, and what failed."""
    path = Path("one.txt")
    path.write_text(f"{text}\n----\n", encoding="utf-8")
    result = run_scenario(load_protocol(target), path)
    (block,) = read_blocks(result.text, path)
    return list(block.output), result.failures


# --- what passes


def test_the_scenarios_of_the_example_say_what_happens() -> None:
    found = _scenario(LOCK, str(SCENARIOS))
    assert found.exit_code == 0, found.output
    assert found.output.startswith("4 scenarios, ")


def test_scenarios_are_collected_as_tests_one_a_file() -> None:
    case = scenarios_of(LOCK, SCENARIOS)
    names = unittest.TestLoader().getTestCaseNames(case)
    assert names == ["test_crash", "test_forged", "test_grant", "test_network"]
    outcome = unittest.TestResult()
    case("test_grant").run(outcome)
    assert outcome.wasSuccessful()


def test_a_file_is_written_as_it_was_read() -> None:
    for path in sorted(SCENARIOS.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert write_blocks(read_blocks(text, path)) == text


def test_the_page_shows_a_scenario_as_it_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```text title=grant.txt\n((?:.*\n)*?)```$", page, re.MULTILINE)
    ((command, printed),) = re.findall(r"^```console\n\$ tlacheck (.*)\n((?:.*\n)*?)```$", page, re.MULTILINE)
    (tmp_path / "grant.txt").write_text(text, encoding="utf-8")
    found = CliRunner().invoke(main, command.split())
    assert (found.exit_code, found.output) == (0, printed)


def test_the_page_names_every_directive() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    listed = _scenario(LOCK, "--directives").output
    for name in re.findall(r"^([a-z_]+)", listed, re.MULTILINE):
        assert re.search(rf"\b{name}\b", page), name


# --- what is printed


def test_effects_are_printed_by_level() -> None:
    def lines(detail: str) -> list[str]:
        return _printed(f"start\noutput {detail}\nrequest c1 acquire client=c1\nsettle")[0][2:]

    assert lines("none") == ["ok", "ok"]
    assert lines("steps")[:2] == ["c1 takes Acquire(client='c1')", "  spec: Acquire(c = c1)"]
    assert "  Sync" in lines("effects")
    assert lines("spec") == lines("steps")


def test_spec_detail_leaves_out_steps_that_the_spec_has_not() -> None:
    text = "start\noutput spec\nrequest c1 acquire client=c1\nsettle\nrequest c2 acquire client=c2\nsettle"
    assert _printed(text)[0][-1] == "ok"


def test_an_unjudged_run_prints_no_steps_of_the_spec() -> None:
    output, _ = _printed("start judged=false\nrequest c1 acquire client=c1")
    assert output[1:] == ["c1 takes Acquire(client='c1')", "  Send Acquire(client='c1') to s"]


def test_messages_are_chosen_by_source_dest_and_type() -> None:
    asked = "start\nrequest c1 acquire client=c1\nrequest c2 acquire client=c2\n"
    output, _ = _printed(f"{asked}drop from=c1\nmessages\ndeliver type=Grant")
    assert output[-3:] == [
        "drop: 1 message",
        "c2 -> s: Acquire(client='c2')",
        "no such message is on its way",
    ]


def test_a_timer_is_fired_by_name() -> None:
    output, _ = _printed("start\ntimers")
    assert output[-1] == "no timer runs"


def test_a_protocol_adds_directives_and_texts() -> None:
    output, failures = _printed("start\nkeep a 3\nrequest c1 acquire client=c1", "variants:EXTENDED")
    assert output[1:3] == ["1 kept", "c1 takes it"]
    assert failures == ()


# --- what fails


def test_a_file_that_differs_from_its_run_fails_with_a_diff() -> None:
    path = Path("grant.txt")
    text = (SCENARIOS / "grant.txt").read_text(encoding="utf-8")
    path.write_text(text.replace("c1.held = 1", "c1.held = 7"), encoding="utf-8")
    found = _scenario(LOCK, "grant.txt")
    assert found.exit_code == 1
    assert "-c1.held = 7\n+c1.held = 1\n" in found.output
    assert "tlacheck scenario lock.protocol:LOCK grant.txt --rewrite" in found.output
    assert _scenario(LOCK, "grant.txt", "--rewrite").exit_code == 0
    assert path.read_text(encoding="utf-8") == text


def test_a_test_of_a_wrong_file_fails(tmp_path: Path) -> None:
    (tmp_path / "wrong.txt").write_text("start\n----\n5 nodes\n", encoding="utf-8")
    outcome = unittest.TestResult()
    scenarios_of(LOCK, tmp_path)("test_wrong").run(outcome)
    assert "+4 nodes: s, c1, c2, c3" in outcome.failures[0][1]


@pytest.mark.parametrize(
    ("demand", "why"),
    [
        ("expect s token=1", "s.token is 0"),
        ("expect s token.x=1", "int has no x"),
        ("expect violated NoGrant", "violated was nothing"),
    ],
)
def test_a_failed_demand_fails_a_rewrite_too(demand: str, why: str) -> None:
    Path("one.txt").write_text(f"start\n{demand}\n----\n", encoding="utf-8")
    for _ in range(2):
        found = _scenario(LOCK, "one.txt", "--rewrite")
        assert found.exit_code == 1
        assert f"one.txt:2: {demand}: " in found.output
        assert why in found.output


def test_an_invariant_that_breaks_fails_unless_it_is_expected() -> None:
    run = "start\nrequest c1 acquire client=c1\nsettle\n"
    output, failures = _printed(f"{run}goals\nsettle", "variants:NARROW")
    assert "violated: NoGrant" in output
    assert output[-1] == "the run has ended"
    assert failures == ("one.txt:3: settle: violated NoGrant",)
    assert _printed(f"{run}expect violated NoGrant\nspec token", "variants:NARROW")[1] == ()
    assert _printed(f"{run}expect violated Another", "variants:NARROW")[1] == (
        "one.txt:4: expect violated Another: violated was NoGrant",
    )
    assert _printed(f"{run}start\nexpect violated NoGrant", "variants:NARROW")[1] == (
        "one.txt:3: settle: violated NoGrant",
        "one.txt:5: expect violated NoGrant: violated was nothing",
    )


def test_an_unexpected_violation_leaves_its_trace() -> None:
    Path("one.txt").write_text("start\nrequest c1 acquire client=c1\nsettle\n----\n", encoding="utf-8")
    found = _scenario("variants:NARROW", "one.txt", "--rewrite", "--out", "kept")
    assert found.exit_code == 1
    violation = itf.read(Path("kept/scenario-one.itf.json")).violation
    assert violation is not None
    assert violation.property == "NoGrant"


@pytest.mark.parametrize("name", ["grant-before-sync", "stale-grant-taken", "seen-not-persisted"])
def test_the_scenarios_of_the_example_catch_a_mutant(name: str) -> None:
    found = _scenario(LOCK, str(SCENARIOS), "--mutant", name)
    assert found.exit_code == 1, found.output


# --- crafted messages


def test_a_kept_message_is_sent_again_and_changed() -> None:
    text = "start\nrequest c1 acquire client=c1\nkeep asked\nlet other $asked client=c2\nsend c2 s $other"
    output, failures = _printed(f"{text}\nmessages")
    assert output[-2:] == ["c1 -> s: Acquire(client='c1')", "c2 -> s: Acquire(client='c2')"]
    assert "other: Acquire(client='c2')" in output
    assert failures == ()


def test_trying_a_message_changes_nothing() -> None:
    text = "start\nrequest c1 acquire client=c1\nkeep asked\ntry c1 s $asked\nshow s\ntry s c2 grant token=1"
    output, _ = _printed(text)
    assert output[4:8] == [
        "asked: Acquire(client='c1')",
        "s would take Acquire(client='c1')",
        "  Write lock = Server(owner='c1', token=1)",
        "  Sync",
    ]
    assert "s: Server(owner=None, token=0)" in output


def test_a_core_that_raises_on_a_tried_message_fails() -> None:
    output, failures = _printed("start\ntry s c1 grant token=many")
    assert output[-1].startswith("the core raises TypeError: ")
    assert failures == (f"one.txt:2: try s c1 grant token=many: {output[-1]}",)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("fire s tick", "s has no timer tick; there run none"),
        ("keep grant type=Grant", "no such message is on its way"),
    ],
)
def test_what_is_not_there_fails_and_the_run_goes_on(line: str, why: str) -> None:
    output, failures = _printed(f"start\n{line}\nsend s c1 $grant\nshow s owner")
    assert failures[0] == f"one.txt:2: {line}: {why}"
    assert output[1] == why
    assert output[-1] == "s.owner = None"


def test_without_the_spec_the_scenarios_say_the_same() -> None:
    lock = load_protocol(LOCK)
    for path in sorted(SCENARIOS.glob("*.txt")):
        if not re.search("^expect violated", path.read_text(), re.MULTILINE):
            assert run_scenario(lock, path, judged=False).is_right, path


def test_without_the_spec_another_effect_is_a_difference(tmp_path: Path) -> None:
    text = (SCENARIOS / "crash.txt").read_text()
    path = tmp_path / "crash.txt"
    path.write_text(text.replace("Grant(token=1)", "Grant(token=2)"))
    assert path.read_text() != text
    assert not run_scenario(load_protocol(LOCK), path, judged=False).is_right


# --- bad files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strat\n----\n", "one.txt:1: strat: there is no directive strat: did you mean start?"),
        ("# c\n\nstart\n", "one.txt:3: no line ---- after 'start'"),
        ("start\n----\nok\n\n----\n", "one.txt:5: ---- without a directive above it"),
        ("", "there is no directive in this file"),
        ("settle\n----\n", "one.txt:1: settle: nothing runs yet: begin with start"),
        ("start nodes=9\n----\n", "one.txt:1: start nodes=9: lock declares no size of 9 nodes"),
        ("start nodes=many\n----\n", "nodes is a whole number, not 'many'"),
        ("start size=4\n----\n", "no option size; the usage is: start [nodes=N]"),
        ("start a\n----\n", "1 words; the usage is: start"),
        ("start seed=1 seed=2\n----\n", "the option seed is there twice"),
        ("start seed==1\n----\n", "cannot read 'seed==1'"),
        (
            "start\nrequest c9 acquire\n----\n",
            "one.txt:2: request c9 acquire: there is no node c9; there are s",
        ),
        ("start\nrequest c1 ask\n----\n", "there is no input ask; the protocol declares acquire, release"),
        ("start\nrequest c1 acquire who=c1\n----\n", "acquire cannot be made so: "),
        ("start\nop fly\n----\n", "there is no operation 'fly'; there are 'acquire', 'release'"),
        ("start\nsend c1 s $grant\n----\n", "nothing is kept as grant; there is nothing"),
        ("start\nlet one grant token=$two\n----\n", "nothing is kept as two"),
        ("start\nlet one grant token=1\nlet two $one owner=s\n----\n", "$one cannot be made so: "),
        ("start\nshow s tokens\n----\n", "Server has no tokens; it has owner, token"),
        ("start\nspec tokens\n----\n", "the spec has no variable tokens"),
        ("start judged=false\nspec\n----\n", "the run is not judged"),
        ("start\nexpect s\n----\n", "say what is expected: expect NODE FIELD=VALUE"),
        ("start\noutput all\n----\n", "there is no detail all; there are none, spec, steps, effects"),
        ("start\ncrash s torn=3\n----\n", "torn of the fault crash is true or false, not 3"),
        ("start\nmake_byzantine c1 silent\n----\n", "there is no behaviour 'silent'"),
    ],
)
def test_a_bad_file_is_one_message_with_its_line(text: str, words: str) -> None:
    Path("one.txt").write_text(text, encoding="utf-8")
    found = _scenario(LOCK, "one.txt")
    assert found.exit_code == 2, found.output
    assert words in found.output
    assert "Traceback" not in found.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([LOCK], "name the files to run"),
        ([LOCK, "nothing.txt"], "nothing.txt: no scenario can be read from here"),
        ([LOCK, "."], "holds no scenario"),
        (["lock.protocol:LOK", "x.txt"], "did you mean LOCK"),
        ([LOCK, "x.txt", "--rewrite", "--mutant", "seen-not-persisted"], "leave --rewrite or --mutant out"),
        ([LOCK, "x.txt", "--mutant", "none"], "no mutant 'none'"),
    ],
)
def test_a_bad_command_is_one_message_with_status_two(arguments: list[str], words: str) -> None:
    found = _scenario(*arguments)
    assert found.exit_code == 2, found.output
    assert words in found.output


def test_a_folder_without_scenarios_makes_no_tests(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no scenario"):
        scenarios_of(LOCK, tmp_path)


# --- the check of verify


def test_the_check_is_sampled_or_violated(tmp_path: Path) -> None:
    context = Context(folder=tmp_path, budget="smoke", seed=0, command="verify", progress=lambda _: None)
    assert checks.scenarios(context, LOCK, folder=str(SCENARIOS)).verdict.kind is Kind.SAMPLED
    Path("one.txt").write_text("start\n----\n", encoding="utf-8")
    found = checks.scenarios(context, LOCK, folder=".")
    assert found.verdict.kind is Kind.VIOLATED
    assert "+4 nodes" in found.message
