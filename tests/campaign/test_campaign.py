"""Campaigns on toy work: nothing is lost, nothing counts twice, and what is doubtful is told."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from tlacheck import campaign
from tlacheck.campaign import Campaign, Limits, Version, Work
from tlacheck.campaign.page import render_page
from tlacheck.cli import main
from tlacheck.errors import ConfigError, EngineError

#: Work that workers can import. What a toy does is in its name.
TOYS = """
import os
from pathlib import Path

import attrs

from tlacheck.campaign import Done
from tlacheck.errors import ConfigError


@attrs.frozen
class Toy:
    kind: str
    needs_fresh_process: bool = False

    @property
    def name(self):
        return f"toy {self.kind}"

    def configuration(self):
        return {"kind": self.kind}

    def prepare(self):
        pass

    def do(self, case):
        with Path("done.txt").open("a") as file:
            file.write(f"{case}\\n")
        if case in ("3", "5") and self.kind == "breaks":
            files = {f"{case}.log": "no"}
            return Done(digest=case, seconds=0.1, property="Safe", actions=("Grant",), files=files)
        if self.kind == "differs":
            return Done(digest=str(os.getpid()), seconds=0.1)
        if self.kind == "kills" and case == "3":
            os._exit(9)
        if self.kind == "raises":
            raise KeyError("c9")
        if self.kind == "refuses":
            raise ConfigError("no such faults")
        return Done(digest=case, seconds=0.1, steps=2, goals={"even": int(case) % 2 == 0, "<b>never</b>": 0})
"""

#: No repetition: the toys' own tests have it.
ONCE = Limits(repeat_every=0)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Work]]:
    """Makes toys, in a folder of their own."""
    (tmp_path / "toys.py").write_text(TOYS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("toys").Toy
    monkeypatch.delitem(sys.modules, "toys")


@pytest.fixture
def here() -> Iterator[Executor]:
    """An executor in this process."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def _times() -> list[str]:
    return Path("done.txt").read_text(encoding="utf-8").split()


def _show(*words: str) -> Result:
    return CliRunner().invoke(main, ["campaign", "show", *words])


def _campaign(work: Work, file: Path, executor: Executor, cases: int = 6, limits: Limits = ONCE) -> Campaign:
    return campaign.run(work, range(cases), file=file, executor=executor, limits=limits)


def test_work_of_the_script_that_is_run_is_refused(
    toy: Callable[..., Work], here: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "__module__", "__main__")
    with pytest.raises(ConfigError, match="no worker can import it: define it in a module"):
        _campaign(toy("holds"), tmp_path / "c.jsonl", here)
    assert not (tmp_path / "c.jsonl").exists()


# --- nothing is lost, nothing counts twice


def test_a_campaign_goes_on_where_its_file_ends(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    first = _campaign(toy("holds"), tmp_path / "c.jsonl", here, cases=3)
    whole = _campaign(toy("holds"), tmp_path / "c.jsonl", here)
    assert sorted(_times()) == ["0", "1", "2", "3", "4", "5"]
    assert [row.case for row in whole.rows] == ["0", "1", "2", "3", "4", "5"]
    assert whole.digest != first.digest
    assert whole.digest == _campaign(toy("holds"), tmp_path / "other.jsonl", here).digest


def test_a_torn_line_is_skipped_and_its_case_done_again(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    file = tmp_path / "c.jsonl"
    whole = _campaign(toy("holds"), file, here)
    file.write_text(file.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    again = _campaign(toy("holds"), file, here)
    assert again.digest == whole.digest
    assert len(_times()) == 7
    assert "1 lines were torn" in _show(str(file)).output


def test_a_file_that_holds_everything_twice_counts_it_once(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    file = tmp_path / "c.jsonl"
    whole = _campaign(toy("holds"), file, here)
    file.write_text(file.read_text(encoding="utf-8") * 2, encoding="utf-8")
    assert _campaign(toy("holds"), file, here).digest == whole.digest
    assert len(_times()) == 6


def test_another_configuration_or_version_begins_a_campaign_of_its_own(
    toy: Callable[..., Work], here: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.jsonl"
    _campaign(toy("holds"), file, here)
    _campaign(toy("holds too"), file, here)
    newer = attrs.evolve(Version.here(), commit="newer")
    monkeypatch.setattr(Version, "here", lambda: newer)
    _campaign(toy("holds"), file, here)
    assert len(_times()) == 18
    shown = _show(str(file))
    assert shown.output.count("also there: ") == 2


def test_a_case_that_kills_its_worker_is_named_and_costs_no_other(toy: Callable[..., Work]) -> None:
    found = campaign.run(toy("kills"), range(6), jobs=2, limits=ONCE)
    assert list(found.unfinished) == ["3"]
    assert [row.case for row in found.rows] == ["0", "1", "2", "4", "5"]


def test_a_batch_that_an_executor_loses_is_done_again(toy: Callable[..., Work]) -> None:
    found = campaign.run(toy("holds"), range(6), executor=_Forgetful(), limits=ONCE)
    assert len(found.rows) == 6
    assert not found.unfinished


class _Forgetful(ThreadPoolExecutor):
    """An executor that loses the first two things that it is given, as Dask does if workers die."""

    def __init__(self) -> None:
        super().__init__(1)
        self._lost = 0

    def submit(self, *arguments: Any, **named: Any) -> Any:
        self._lost += 1
        if self._lost > 2:
            return super().submit(*arguments, **named)
        lost: Future[Any] = Future()
        lost.set_exception(RuntimeError("KilledWorker"))
        return lost


# --- what is doubtful is told


def test_a_repetition_elsewhere_with_another_digest_is_told(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    file = tmp_path / "c.jsonl"
    found = _campaign(toy("differs"), file, here, limits=Limits(repeat_every=5))
    assert [row.case for row, _ in found.mismatches] == ["0", "5"]
    shown = _show(str(file))
    assert shown.exit_code == 3
    assert "got different runs" in shown.output


def test_a_repetition_elsewhere_with_the_same_digest_agrees(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    found = _campaign(toy("holds"), tmp_path / "c.jsonl", here, limits=Limits(repeat_every=5))
    assert {row.worker for row in found.repeated.values()}.isdisjoint({row.worker for row in found.rows})
    assert sorted(found.repeated) == ["0", "5"]
    assert not found.mismatches


def test_workers_of_another_version_are_refused_and_told_apart(
    toy: Callable[..., Work], here: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Version.here()
    theirs = attrs.evolve(mine, python="CPython 3.9", packages={**mine.packages, "attrs": "1.0"})
    versions = iter([mine])
    monkeypatch.setattr(Version, "here", lambda: next(versions, theirs))
    with pytest.raises(ConfigError, match=r"python: .* here, CPython 3\.9 there; attrs .* here, 1\.0 there"):
        campaign.run(toy("holds"), range(6), executor=here, limits=Limits(refusals=3))


def test_a_batch_that_one_worker_refuses_is_done_by_another(
    toy: Callable[..., Work], here: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Version.here()
    versions = iter([mine, attrs.evolve(mine, sources="others")])
    monkeypatch.setattr(Version, "here", lambda: next(versions, mine))
    found = campaign.run(toy("holds"), range(6), executor=here, limits=ONCE)
    assert len(found.rows) == 6
    (lines,) = found.refused.values()
    assert lines == (f"sources: {mine.sources} here, others there",)


def test_a_campaign_in_which_nobody_answers_ends(toy: Callable[..., Work]) -> None:
    class Silent(Executor):
        def submit(self, *_: Any, **__: Any) -> Any:
            return Future()

    with pytest.raises(EngineError, match=r"no worker answered for 0\.1 s, 6 of 6 cases are left"):
        campaign.run(toy("holds"), range(6), executor=Silent(), limits=Limits(patience_seconds=0.1))


def test_a_mistake_of_the_user_ends_the_campaign_and_says_so(
    toy: Callable[..., Work], here: Executor
) -> None:
    with pytest.raises(ConfigError, match="no such faults"):
        campaign.run(toy("refuses"), range(6), executor=here)
    with pytest.raises(EngineError, match=r"toy raises, case \d, on .*: KeyError: 'c9'"):
        campaign.run(toy("raises"), range(6), executor=here)
    with pytest.raises(EngineError, match="case 0, on .*: KeyError: 'c9'"):
        campaign.run(toy("raises", needs_fresh_process=True), range(6), executor=here)
    with pytest.raises(ConfigError, match="0 cases by 1 processes"):
        campaign.run(toy("holds"), [], executor=here)


# --- what is shown


def test_failures_are_one_group_with_its_first_files(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    file = tmp_path / "c.jsonl"
    (group,) = _campaign(toy("breaks"), file, here).groups
    assert [row.case for row in group.rows] == ["3", "5"]
    shown = _show(str(file))
    assert shown.exit_code == 1
    assert "2x Safe" in shown.output
    assert "actions: Grant" in shown.output
    assert (tmp_path / "c" / "3.log").read_text(encoding="utf-8") == "no"


def test_the_table_and_its_json_count_goals_by_cases(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    file = tmp_path / "c.jsonl"
    _campaign(toy("holds"), file, here)
    shown = _show(str(file))
    assert shown.exit_code == 3  # a goal was never met
    assert "never met: <b>never</b>" in shown.output
    data = json.loads(_show(str(file), "--json").output)
    assert data["goals"]["even"] == {"met": 3, "cases": 3, "first": "0"}
    assert data["cases"] == 6


def test_the_page_has_a_curve_of_each_goal_and_no_markup_of_others(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    file, page = tmp_path / "c.jsonl", tmp_path / "pages" / "c.html"
    found = _campaign(toy("holds"), file, here)
    assert f"page: {page}" in _show(str(file), "--html", str(page)).output
    text = page.read_text(encoding="utf-8")
    assert text == render_page(found)
    assert text.count("<polyline") == 2
    assert "<title>even: 3 of 6</title>" in text
    assert "<b>never" not in text


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        (None, (), "there is no such file"),
        ("nothing\n", (), "is no file of campaigns"),
        ('{"kind": "campaign", "format": 9, "key": "k"}\n', (), "is of format 9"),
    ],
)
def test_a_file_that_is_no_campaign_is_refused(
    tmp_path: Path, text: str | None, words: tuple[str, ...], says: str
) -> None:
    file = tmp_path / "c.jsonl"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    shown = _show(str(file), *words)
    assert (shown.exit_code, says in shown.output) == (2, True), shown.output


def test_an_unknown_key_is_refused_with_those_that_there_are(
    toy: Callable[..., Work], here: Executor, tmp_path: Path
) -> None:
    found = _campaign(toy("holds"), tmp_path / "c.jsonl", here)
    shown = _show(str(tmp_path / "c.jsonl"), "--key", "zz")
    assert shown.exit_code == 2
    assert found.head.key in shown.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--scheduler", "tcp://127.0.0.1:9"), "must speak TLS"),
        (("--scheduler", "tls://127.0.0.1:9", "--tls-ca", "none.pem"), "there is no such file"),
        (("--tls-ca", "none.pem", "--campaign", "c.jsonl"), "are for a --scheduler"),
    ],
)
def test_a_scheduler_without_tls_is_refused(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    del tmp_path
    found = CliRunner().invoke(main, ["soak", "property_tests.vote.protocol:VOTE", "--seeds", "1", *words])
    assert (found.exit_code, says in found.output) == (2, True), found.output
