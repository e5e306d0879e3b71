"""Soak tests as campaigns, on the lock service of `examples/lock`: digests, shrinking, groups, command."""

from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from tlacheck import campaign, itf
from tlacheck.campaign import Limits
from tlacheck.cli import main
from tlacheck.harness import SoakPlan, SoakWork
from tlacheck.harness.shrink import shrink_run
from tlacheck.harness.soak import begun, load_protocol, play_run

LOCK = "lock.protocol:LOCK"

pytestmark = pytest.mark.usefixtures("lock_example")
ONCE = Limits(repeat_every=0)

VARIANTS = """
import attrs
from lock.protocol import LOCK
from tlacheck.harness import Eventually

SLOW = attrs.evolve(
    LOCK, progress=Eventually("a thousand grants", lambda begin, now: now["s"].token > 1_000, 100)
)
"""


def _soak(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["soak", *arguments])


def test_a_seed_gives_one_digest_and_another_seed_another() -> None:
    work = SoakWork(SoakPlan(target=LOCK, steps=40, judged=False))
    assert work.do("1").digest == work.do("1").digest != work.do("2").digest


def test_the_digest_covers_the_trace_in_the_spec() -> None:
    plan = SoakPlan(target=LOCK, steps=20)
    assert SoakWork(plan).do("1").digest != SoakWork(attrs.evolve(plan, judged=False)).do("1").digest


def test_many_seeds_that_meet_one_bug_are_one_group_with_a_short_trace(tmp_path: Path) -> None:
    work = SoakWork(SoakPlan(target=LOCK, steps=60, mutant="seen-not-persisted"))
    found = campaign.run(work, range(4), file=tmp_path / "c.jsonl", limits=ONCE)
    (group,) = found.groups
    assert len(group.rows) > 1
    assert group.actions == ("Acquire", "Grant", "Take", "Restart")
    whole, log, short = map(Path, group.rows[0].paths)
    violation = itf.read(short).violation
    assert violation is not None
    assert violation.property == group.property
    assert len(itf.read(short)) == 4 < len(itf.read(whole))
    assert "crash" in log.read_text(encoding="utf-8")


def test_work_that_changes_its_process_is_done_in_a_fresh_one() -> None:
    work = SoakWork(SoakPlan(target=LOCK, steps=60, mutant="seen-not-persisted", judged=False))
    assert work.needs_fresh_process
    assert load_protocol(LOCK).mutant("seen-not-persisted") == work.mutant


def test_a_run_without_progress_is_shrunk_to_the_demand() -> None:
    done = SoakWork(SoakPlan(target="variants:SLOW", steps=40, judged=False)).do("1")
    assert done.property == "a thousand grants"
    assert done.data["events"] < done.data["events_before"]
    assert set(done.actions) == {"demand"}


def test_a_failure_that_does_not_come_again_is_not_shrunk() -> None:
    plan = SoakPlan(target="variants:SLOW", steps=40, judged=False)
    failed = play_run(plan, 1)
    short = shrink_run(lambda: begun(plan, 1), failed.run, "another property")
    assert (short.trace, len(short.events), short.tries) == (None, len(failed.run.events), 1)


def test_the_command_goes_on_with_a_campaign_and_says_how_it_ends(tmp_path: Path) -> None:
    words = [LOCK, "--steps", "60", "--campaign", str(tmp_path / "c.jsonl"), "--not-judged"]
    assert "2 cases" in _soak(*words, "--seeds", "2").output
    found = _soak(*words, "--seeds", "4")
    assert found.exit_code == 0, found.output
    assert "4 cases" in found.output
    assert "1 repeated by other processes, 1 with the same digest" in found.output
    assert (tmp_path / "c.jsonl").read_text(encoding="utf-8").count('"kind": "case"') == 4
