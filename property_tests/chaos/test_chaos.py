"""Campaigns on real processes: a right host passes, one with a seeded bug is found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from node.settings import BFT
from property_tests.chaos.judge import judge_logs

ROOT = Path(__file__).resolve().parents[2]
BUGGY = ROOT / "tests" / "node" / "buggy_node.py"


def played(folder: Path, *options: str, bug: str = "none", seed: int = 3) -> str:
    """Run one campaign on a host with a bug, and return what the command printed."""
    words = ["run", "--quiet", f"--folder={folder}", f"--seed={seed}", f"--host={BUGGY} {bug}", *options]
    done = subprocess.run(
        [sys.executable, "-m", "property_tests.chaos", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode in {0, 1, 3}, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a short campaign in which a right host met each kind of fault, and its judgement."""
    folder = tmp_path_factory.mktemp("chaos")
    said = played(folder, "--seconds=5", "--clients=3", seed=1)
    return folder / "seed-1", said


def test_the_spec_and_the_history_accept_a_right_host(calm: tuple[Path, str]) -> None:
    """The logs are judged to their end; with a step dropped, swapped or changed they are refused."""
    _, said = calm
    assert "sampled(1 cases, seed 1)" in said, said
    assert "altered logs are refused" in said
    actions = re.search(r"steps are those of the spec, of (\d+) actions", said)
    assert actions is not None, said
    assert int(actions[1]) >= 12


def test_a_log_with_a_missing_line_is_refused(calm: tuple[Path, str]) -> None:
    folder, _ = calm
    path = folder / "nodes" / "n2" / "events.ndjson"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.startswith('{"step":'))
    path.write_text("".join(lines[:place] + lines[place + 1 :]), encoding="utf-8")
    judged = judge_logs(folder)
    path.write_text(text, encoding="utf-8")
    assert judged.rule == "WholeLog", judged.why


def test_a_campaign_keeps_its_folder_for_people(calm: tuple[Path, str]) -> None:
    names = {path.name for path in calm[0].iterdir()}
    assert {"cluster.yaml", "history.ndjson", "run.json", "nodes"} <= names


def test_check_without_a_run_is_one_message(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "property_tests.chaos", "check", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "holds no run" in done.stderr


def test_a_vote_that_is_not_persisted_is_found(tmp_path: Path) -> None:
    found = played(tmp_path, "--seconds=1", "--fault=crash", bug="vote-not-persisted")
    assert "violated(Durable" in found


def test_a_certificate_that_is_not_checked_is_found(tmp_path: Path) -> None:
    found = played(tmp_path, "--seconds=1.5", "--fault=forge", bug="certificate-not-checked")
    assert "violated(Sent" in found or "Sent: " in found


@pytest.mark.sweep
def test_a_sync_that_is_left_out_is_found(tmp_path: Path) -> None:
    assert "violated(Durable" in played(tmp_path, "--seconds=1", "--fault=crash", bug="sync-left-out")


@pytest.mark.sweep
def test_a_message_that_leaves_before_the_sync_is_found(tmp_path: Path) -> None:
    found = played(
        tmp_path, "--seconds=20", "--fault=crash at", "--point=before persist", bug="sent-before-persisted"
    )
    assert "  logs        Durable: " in found, found


def test_an_answer_before_the_commit_is_found(tmp_path: Path) -> None:
    found = played(tmp_path, "--seconds=1", "--fault=delay", bug="answered-before-committed")
    assert "violated(Answered" in found


# --- PBFT and HotStuff


@pytest.mark.parametrize("protocol", BFT)
def test_the_spec_and_the_history_accept_a_right_host_of(tmp_path: Path, protocol: str) -> None:
    """The logs are judged to their end; with a step dropped, swapped or changed they are refused."""
    said = played(tmp_path, f"--protocol={protocol}", "--seconds=3", "--clients=3", seed=1)
    assert "sampled(1 cases, seed 1)" in said, said
    assert "altered logs are refused" in said


@pytest.mark.parametrize(
    ("protocol", "bug"),
    [
        ("pbft", "certificate-not-persisted"),
        ("hotstuff", "lock-not-persisted"),
        pytest.param("hotstuff", "last-vote-not-persisted", marks=pytest.mark.sweep),
    ],
)
def test_what_is_not_persisted_is_missed(tmp_path: Path, protocol: str, bug: str) -> None:
    found = played(tmp_path, f"--protocol={protocol}", "--seconds=1", "--fault=crash", bug=bug)
    assert "  logs        Durable: " in found, found


def test_a_signature_that_is_not_checked_is_found(tmp_path: Path) -> None:
    found = played(tmp_path, "--protocol=pbft", "--seconds=1.5", "--fault=forge", bug="signature-not-checked")
    assert "  logs        Sent: " in found or "  logs        Deterministic: " in found, found


@pytest.mark.sweep
def test_an_answer_before_the_execution_is_found(tmp_path: Path) -> None:
    found = played(
        tmp_path, "--protocol=pbft", "--seconds=1", "--fault=delay", bug="answered-before-executed"
    )
    assert "  logs        Answered: " in found, found


@pytest.mark.sweep
@pytest.mark.parametrize("protocol", BFT)
@pytest.mark.parametrize("seed", range(20, 23))
def test_a_right_byzantine_host_is_accepted_with_any_seed(tmp_path: Path, protocol: str, seed: int) -> None:
    assert "violated" not in played(tmp_path, f"--protocol={protocol}", "--seconds=8", seed=seed)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(20, 24))
def test_a_right_host_is_accepted_with_any_seed(tmp_path: Path, seed: int) -> None:
    assert "violated" not in played(tmp_path, "--seconds=10", seed=seed)
