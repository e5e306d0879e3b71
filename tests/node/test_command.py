"""The command, as its user sees it: a cluster with a client, and mistakes."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cluster import Running, init_cluster, loopback

ROOT = Path(__file__).resolve().parents[2]
KN = ROOT / "tests" / "node" / "kn.yaml"


def command(*words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "node", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """The folder of a cluster that runs, and what `up` printed."""
    folder = tmp_path_factory.mktemp("cluster") / "run"
    with subprocess.Popen(
        [sys.executable, "-m", "node", "up", "--folder", str(folder), "--for", "600"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        yield folder, [process.stdout.readline() for _ in range(4)]
        process.terminate()
        assert process.wait(30) == 0


def test_a_client_proposes_reads_and_asks(cluster: tuple[Path, list[str]]) -> None:
    folder, printed = cluster
    assert printed[3] == f"ask it: python -m node status {folder}\n"
    proposed = command("propose", str(folder), "Custom", "name=colour", "version=1", "data=red")
    assert (proposed.returncode, proposed.stdout) == (0, '{"Applied": {}}\n'), proposed.stderr
    assert command("read", str(folder), "record/colour").stdout == "1\n"
    refused = command("propose", str(folder), "Custom", "name=colour", "version=1")
    assert refused.returncode == 1
    assert "OTHER_VERSION" in refused.stdout
    wrong = command("read", str(folder), "colour")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'colour' is no key: read case/ID, record/NAME, policy/ID or overlay/SPEC" in wrong.stderr
    status = command("status", str(folder)).stdout
    assert len(re.findall(r"^n[123]  (?:Leader|Follower) ", status, re.MULTILINE)) == 3
    assert status.count("Leader") == 1
    assert '"proposals_committed": ' in command("metrics", str(folder)).stdout


@pytest.mark.parametrize(
    ("protocol", "shown"),
    [
        ("pbft", r"^n1  (Primary|Backup|Changing) .*  view \d+  executed \d+"),
        ("hotstuff", r"^n1  (Leader|Replica) .*  view \d+  committed \d+"),
    ],
)
def test_a_client_believes_what_enough_replicas_say(tmp_path: Path, protocol: str, shown: str) -> None:
    """One of four replicas is down from the begin, and the client's answers do not need it."""
    cluster = init_cluster(tmp_path / "run", loopback(4, protocol=protocol))
    folder = str(cluster.folder)
    running = [Running(cluster, name) for name in ("n1", "n2", "n3")]
    try:
        for node in running:
            node.wait_until_up(60)
        words = ("Custom", "name=colour", "version=1", "data=red", "--patience", "60")
        proposed = command("propose", folder, *words, seconds=120)
        assert (proposed.returncode, proposed.stdout) == (0, '{"Applied": {}}\n'), proposed.stderr
        found = command("read", folder, "record/colour", "--patience", "60", seconds=120)
        assert found.stdout == "1\n", found.stderr
        wrong = command("read", folder, "colour")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "'colour' is no key" in wrong.stderr
        status = command("status", folder).stdout
        assert re.search(shown, status, re.MULTILINE), status
        assert "n4  does not answer" in status
    finally:
        statuses = [node.end() for node in running]
    assert statuses == [0, 0, 0]


def test_the_admin_address_tells_life_readiness_and_metrics(cluster: tuple[Path, list[str]]) -> None:
    folder, printed = cluster
    command("read", str(folder), "record/colour")
    address = re.search(r"http://\S+(?=/status)", printed[0])
    assert address is not None
    for path, part in {
        "/livez": "ok",
        "/readyz": "ok",
        "/metrics": "consensus_leader_elections_total",
        "/status": '"commit_index"',
    }.items():
        with urllib.request.urlopen(address[0] + path, timeout=10) as answer:  # noqa: S310 - loopback
            assert part in answer.read().decode(), path
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(address[0] + "/secret", timeout=10)  # noqa: S310 - loopback


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("status", "nowhere"), "holds no cluster"),
        (("run", "nowhere", "n1"), "holds no cluster"),
        (("init", str(KN), "--folder", "{tmp}/a", "--nodes", "3"), ""),
        (("up", str(KN), "--folder", "{tmp}/b", "--loopback"), "this version runs raft, pbft, hotstuff"),
        (("init", "nowhere.yaml", "--folder", "{tmp}/c"), "cannot be read"),
        (("up", "--protocol", "pbft", "--nodes", "3"), "pbft on 3 nodes tolerates no Byzantine one"),
        (("up", "--protocol", "gossip"), "this version runs raft, pbft, hotstuff"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_status_2(tmp_path: Path, words: tuple[str, ...], reason: str) -> None:
    done = command(*(word.replace("{tmp}", str(tmp_path)) for word in words))
    assert "Traceback" not in done.stderr
    if reason:
        assert done.returncode == 2, done.stdout
        assert re.fullmatch(f"error: .*{reason}.*\n", done.stderr), done.stderr
    else:
        assert done.returncode == 0, done.stderr


def test_a_wrong_operation_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    done = command("propose", str(tmp_path), "Custom", "name=x")
    assert (done.returncode, done.stderr) == (2, "error: Custom lacks the field 'version'\n")


def test_a_node_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    init_cluster(tmp_path, loopback(1))
    script = (
        "import sys, time, pathlib; from node.cluster import Running, opened; "
        f"running = Running(opened(pathlib.Path({str(tmp_path)!r})), 'n1'); running.wait_until_up(); "
        "print(running.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        node = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 20
    while time.monotonic() < until and Path(f"/proc/{node}/stat").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{node}/stat").exists()


def test_a_damaged_log_keeps_a_node_from_starting(tmp_path: Path) -> None:
    cluster = init_cluster(tmp_path, loopback(1))
    node = Running(cluster, "n1")
    node.wait_until_up()
    time.sleep(1)
    assert node.end() == 0
    path = cluster.node_folder("n1") / "data" / "wal-00000001.log"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = Running(cluster, "n1")
    assert again.wait() == 2
    log = (cluster.node_folder("n1") / "log.txt").read_text(encoding="utf-8")
    assert "is damaged at byte" in log
    assert "Traceback" not in log
