"""A soak test on Dask's scheduler, over TLS on loopback: a worker dies, one differs, the digest stays."""

import datetime as dt
import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
_TLACHECK = [sys.executable, "-c", "from tlacheck.cli import main; main()"]
_SOAK = ["soak", "lock.protocol:LOCK", "--seeds", "24", "--steps", "60"]
_PLENTY = 240.0

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for loopback, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(loopback, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(encoding))
    paths[1].write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    return paths


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes in a folder, and ends them: by TERM, then by KILL."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, *command: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(tmp_path)}
        with (tmp_path / f"log-{len(started)}.txt").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                text=True,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
    for process in started:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=_PLENTY)


def _project(folder: Path) -> Path:
    shutil.copytree(ROOT / "examples" / "lock", folder / "lock", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _wait_until(holds: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + _PLENTY
    while not holds():
        assert time.monotonic() < deadline, why
        time.sleep(0.05)


def _rows(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line for line in lines if '"kind": "case"' in line and line.endswith("}")]


def _shown(file: Path) -> dict[str, object]:
    command = [*_TLACHECK, "campaign", "show", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PLENTY, check=False)
    shown: dict[str, object] = json.loads(done.stdout)
    return shown


@pytest.mark.sweep
def test_a_killed_worker_loses_no_seed_and_changes_no_digest(
    tmp_path: Path, tls: tuple[Path, Path], start: Start
) -> None:
    project, other = _project(tmp_path / "project"), _project(tmp_path / "other")
    core = other / "lock" / "core.py"
    core.write_text(f"{core.read_text(encoding='utf-8')}\n# another version\n", encoding="utf-8")
    certificate, key = map(str, tls)
    dask_tls = [
        "--tls-ca-file",
        certificate,
        "--tls-cert",
        certificate,
        "--tls-key",
        key,
        "--protocol",
        "tls",
    ]
    dask_tls += ["--host", "127.0.0.1", "--no-dashboard"]
    found = tmp_path / "scheduler.json"
    module = [sys.executable, "-m"]
    start(
        project,
        *module,
        "distributed.cli.dask_scheduler",
        "--port",
        "0",
        "--scheduler-file",
        str(found),
        *dask_tls,
    )
    _wait_until(found.is_file, "the scheduler does not start")
    address = json.loads(found.read_text(encoding="utf-8"))["address"]
    worker = [*module, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", *dask_tls]
    victim, survivor, _ = (start(folder, *worker) for folder in (project, project, other))
    client_tls = ["--tls-ca", certificate, "--tls-cert", certificate, "--tls-key", key]
    spread, local = tmp_path / "spread.jsonl", tmp_path / "local.jsonl"
    coordinator = start(
        project, *_TLACHECK, *_SOAK, "--campaign", str(spread), "--scheduler", address, *client_tls
    )
    _wait_until(lambda: len(_rows(spread)) > 2 or coordinator.poll() is not None, "no seed is done")
    victim.send_signal(signal.SIGKILL)
    assert len(_rows(spread)) < 24, "it was too late to kill a worker"
    log = tmp_path / "log-4.txt"
    assert coordinator.wait(timeout=_PLENTY) == 0, log.read_text(encoding="utf-8")
    assert sorted(json.loads(row)["case"] for row in _rows(spread)) == sorted(map(str, range(24)))
    assert "of another version: sources: " in log.read_text(encoding="utf-8")
    assert start(project, *_TLACHECK, *_SOAK, "--campaign", str(local)).wait(timeout=_PLENTY) == 0
    assert _shown(spread)["digest"] == _shown(local)["digest"]
    assert (_shown(spread)["repeated"], _shown(spread)["mismatches"]) == (1, [])
    workers = {json.loads(row)["worker"].partition(":")[2] for row in _rows(spread)}
    assert workers <= {str(victim.pid), str(survivor.pid)}
