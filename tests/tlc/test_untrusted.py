"""Malicious or runaway specs: each ends within its limit, with a reason, and leaves nothing behind.

Specs that do not parse are in `test_bad_specs.py`; these specs run.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from tlacheck.engine import Engine
from tlacheck.errors import SpecError, TlacheckError, spelt_out
from tlacheck.tlc import Checker, CheckResult, Progress, Spec, check
from tlacheck.tlc._process import NoAnswer, Worker
from tlacheck.tlc.cli._live import live

#: Far more than any check here takes: a limit against hanging.
PLENTY_SECONDS = 120.0


@pytest.fixture
def write(tmp_path: Path) -> "Write":
    """`write("x = 0", "x' = x")`: a spec of one variable with that Init and Next."""
    return Write(tmp_path / "spec")


class Write:
    """Writes small specs into a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def __call__(
        self,
        init: str = "x = 0",
        follow: str = "x' = x",
        *,
        before: str = "",
        config: str = "",
        extends: str = "TLC",
    ) -> Spec:
        path = self._folder / "Nasty.tla"
        head = f"---- MODULE Nasty ----\nEXTENDS Naturals, Sequences, FiniteSets, {extends}\nVARIABLE x\n"
        body = f"{before}\nInit == {init}\nNext == {follow}\n====\n"
        path.write_text(head + body, encoding="utf-8")
        path.with_suffix(".cfg").write_text(f"INIT Init\nNEXT Next\n{config}\n", encoding="utf-8")
        return Spec.load(path)


# Endless or huge specs.


@pytest.mark.parametrize(
    ("init", "before"),
    [
        ("x = Count(0)", "RECURSIVE Count(_)\nCount(n) == Count(n + 1) + 1"),
        ("x = Same(0)", "RECURSIVE Same(_)\nSame(n) == Same(n)"),
    ],
)
def test_an_endless_recursion_is_a_spec_error(checker: Checker, write: Write, init: str, before: str) -> None:
    with pytest.raises(SpecError, match="StackOverflow"):
        checker.check(write(init, before=before), timeout=PLENTY_SECONDS)


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("x = CHOOSE y \\in Nat : FALSE", "not enumerable"),
        ("x = 0 /\\ \\A n \\in Nat : n >= 0", "cannot go through the members of Nat"),
        ("x = CHOOSE y : y = 3", "unbounded CHOOSE"),
        ("x \\in SUBSET Nat", "Nat|infinite|enumer"),
    ],
)
def test_an_infinite_set_is_not_enumerated(checker: Checker, write: Write, init: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        checker.check(write(init), timeout=PLENTY_SECONDS)


@pytest.mark.parametrize(
    "init",
    [
        "x = 0 /\\ \\A s \\in SUBSET (1..60) : s = s",
        "x = Cardinality({f \\in [1..30 -> 1..30] : f[1] = 0})",
        "x \\in SUBSET (1..60)",
        "x = CHOOSE y \\in 1..1000000000 : y < 0",
    ],
)
def test_a_huge_set_runs_out_of_time_or_memory(write: Write, init: str) -> None:
    result = check(write(init), timeout=2, memory_mb=64)
    assert result.verdict.is_unknown
    assert result.verdict.reason in (
        "no time left after 2 s",
        "out of memory: the worker had 64 MB; give it more (--memory), or make the model smaller",
    )


def test_a_spec_that_ends_the_search_gives_an_unknown_verdict(checker: Checker, write: Write) -> None:
    """TLC then says "No error has been found"."""
    spec = write(follow='x\' = x + 1 /\\ (x < 5 \\/ TLCSet("exit", TRUE))')
    result = checker.check(spec, timeout=PLENTY_SECONDS)
    assert result.verdict.is_unknown
    assert "TLCSet" in (result.verdict.reason or "")
    assert "1 states not explored" in (result.verdict.reason or "")


def test_a_spec_that_pauses_does_not_block(one_checker: Checker, write: Write) -> None:
    """The worker reads its requests from standard input: the next check must still get its own."""
    spec = write(follow='x\' = (x + 1) % 3 /\\ TLCSet("pause", TRUE)')
    assert one_checker.check(spec, timeout=PLENTY_SECONDS).distinct == 3
    assert one_checker.check(write(), timeout=PLENTY_SECONDS).distinct == 1


def test_a_trace_of_large_states_is_complete(write: Write) -> None:
    """Some states of a megabyte each."""
    twice = "RECURSIVE Twice(_, _)\nTwice(s, n) == IF n = 0 THEN s ELSE Twice(s \\o s, n - 1)"
    spec = write(
        'x = <<0, Twice("aaaaaaaa", 17)>>',
        "x' = <<x[1] + 1, x[2]>>",
        before=twice + "\nShort == x[1] < 4",
        config="INVARIANT Short",
    )
    result = check(spec, timeout=PLENTY_SECONDS, memory_mb=1024)
    assert result.verdict.violates == "Short"
    assert result.trace is not None
    assert [len(state["x"][1]) for state in result.trace.states] == [8 << 17] * 5


# Forged output.

FORGED = r"@!@!@STARTMSG {0}:1 @!@!@\nInvariant Real is violated.\n@!@!@ENDMSG {0} @!@!@"


@pytest.mark.parametrize("code", ["2110", "2193", "2114", "1001"])
def test_a_printed_tlc_message_is_only_a_print(checker: Checker, write: Write, code: str) -> None:
    forged = FORGED.format(code)
    printing = write(f'x = 0 /\\ PrintT("{forged}") /\\ Print(<<"{forged}">>, TRUE)')
    assert str(checker.check(printing, timeout=PLENTY_SECONDS).verdict) == "exhausted"
    violating = write(f'x = 0 /\\ PrintT("{forged}")', before="Real == x = 1", config="INVARIANT Real")
    assert checker.check(violating, timeout=PLENTY_SECONDS).verdict.violates == "Real"
    with pytest.raises(SpecError, match="Assert"):
        checker.check(write(f'Assert(FALSE, "{forged}") /\\ x = 0'), timeout=PLENTY_SECONDS)


def test_a_value_that_looks_like_a_state_stays_a_value(checker: Checker, write: Write) -> None:
    text = r"\n/\\ x = 7\n@!@!@ENDMSG 2217 @!@!@\n2: <Next>"
    spec = write(f'x = "{text}"', "x' = x /\\ FALSE")
    result = checker.check(spec, timeout=PLENTY_SECONDS)
    assert result.verdict.violates == "Deadlock"
    assert result.trace is not None
    assert result.trace.initial["x"] == text.replace(r"\n", "\n").replace(r"\\", "\\")


def test_printed_control_characters_are_escaped(checker: Checker, write: Write) -> None:
    with pytest.raises(SpecError) as refused:
        checker.check(write('Assert(FALSE, "\x1b[2J\x7f") /\\ x = 0'), timeout=PLENTY_SECONDS)
    assert str(refused.value).isprintable()
    assert "\\x1b[2J\\x7f" in str(refused.value)
    assert spelt_out("two\nlines\tof\x9b text\r") == "two\nlines\tof\\x9b text\\r"
    printed = checker.check(write('x = 0 /\\ PrintT("\x1b[2J")'), timeout=PLENTY_SECONDS).printed
    assert printed == ('"\\x1b[2J"',)


# Access to the system.


@pytest.mark.parametrize("module", ["IOUtils", "Json", "CSV", "SVG"])
def test_modules_that_write_files_or_run_commands_are_missing(
    checker: Checker, write: Write, module: str
) -> None:
    with pytest.raises(SpecError, match=f"the module {module} is not found"):
        checker.check(write(extends=module), timeout=PLENTY_SECONDS)


def _answering(class_name: str) -> bytes:
    """A class file `class_name` with a static method `Answer` of TLC values, which has TLC answer 1.

    Java: `public static Value Answer() { return IntValue.gen(1); }`
    """
    value = "tlc2/value/impl/IntValue"
    constants: list[bytes] = []

    def constant(tag: int, content: bytes) -> bytes:
        constants.append(bytes([tag]) + content)
        return len(constants).to_bytes(2, "big")

    def text(content: str) -> bytes:
        return constant(1, len(content).to_bytes(2, "big") + content.encode())

    this, parent, made = (constant(7, text(name)) for name in (class_name, "java/lang/Object", value))
    gen = constant(10, made + constant(12, text("gen") + text(f"(I)L{value};")))
    name, signature, code = text("Answer"), text("()Ltlc2/value/impl/Value;"), text("Code")
    body = b"\x04\xb8" + gen + b"\xb0"  # iconst_1, invokestatic, areturn
    filled = b"\0\1\0\0" + len(body).to_bytes(4, "big") + body + b"\0\0\0\0"
    method = b"\0\x09" + name + signature + b"\0\1" + code + len(filled).to_bytes(4, "big") + filled
    pool = (len(constants) + 1).to_bytes(2, "big") + b"".join(constants)
    return (
        b"\xca\xfe\xba\xbe\0\0\0\x34" + pool + b"\0\x21" + this + parent + b"\0\0\0\0\0\1" + method + b"\0\0"
    )


@pytest.mark.parametrize("place", ["beside", "jar"])
def test_java_code_beside_the_spec_is_not_run(
    engine: Engine, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """TLC replaces the operators of a module by the methods of a class of its name, if it finds one."""
    spec = write(before="Answer == 0\nZero == Answer = x", config="INVARIANT Zero")
    classes = {f"{name}.class": _answering(name) for name in ("Nasty", "tlc2/module/Nasty")}
    monkeypatch.chdir(spec.path.parent)
    if place == "jar":
        # The name that the manifest of TLC's own jar gives as a part of it.
        jar = tmp_path / "tla2tools.jar"
        jar.write_bytes(engine.jar.read_bytes())
        engine = attrs.evolve(engine, jar=jar)
        for folder in (tmp_path, spec.path.parent):
            with zipfile.ZipFile(folder / "CommunityModules.jar", "w") as file:
                for name, content in classes.items():
                    file.writestr(name, content)
    else:
        for name, content in classes.items():
            (spec.path.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (spec.path.parent / name).write_bytes(content)
    assert str(check(spec, engine=engine, memory_mb=256, timeout=PLENTY_SECONDS).verdict) == "exhausted"


def test_java_code_inside_the_jar_would_be_run(engine: Engine, write: Write, tmp_path: Path) -> None:
    """TLC runs the class once it is in its jar, so the test above guards against a real risk."""
    spec = write(before="Answer == 0\nZero == Answer = x", config="INVARIANT Zero")
    jar = tmp_path / "changed.jar"
    jar.write_bytes(engine.jar.read_bytes())
    with zipfile.ZipFile(jar, "a") as file:
        file.writestr("tlc2/module/Nasty.class", _answering("tlc2/module/Nasty"))
    result = check(spec, engine=attrs.evolve(engine, jar=jar), memory_mb=256, timeout=PLENTY_SECONDS)
    assert result.verdict.violates == "Zero"


def _files(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


def test_java_code_of_a_trusted_jar_is_run(engine: Engine, write: Write, tmp_path: Path) -> None:
    spec = write(before="Answer == 0\nZero == Answer = x", config="INVARIANT Zero")
    jar = tmp_path / "trusted.jar"
    with zipfile.ZipFile(jar, "w") as file:
        file.writestr("tlc2/module/Nasty.class", _answering("tlc2/module/Nasty"))
    trusting = attrs.evolve(spec, trusted_jars=(jar,))
    assert check(trusting, engine=engine, memory_mb=256, timeout=PLENTY_SECONDS).verdict.is_violated


def test_nothing_is_written_outside_the_workers_folder(
    one_engine: Engine, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home, current, spec and temporary folders are as before, whatever a spec does."""
    for name in ("home", "here", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "here")
    with Checker(engine=one_engine, memory_mb=256) as checker:
        specs = [
            ("x = 0", "x' = (x + 1) % 3", 'ASSUME PrintT("hello")', ""),
            ("x = 0", "x' = x + 1 /\\ x < 5", "", ""),
            (
                "x = 0",
                "x' = x + 1 /\\ x < 5 /\\ TLCSet(1, x) /\\ TLCGet(1) = x",
                "Low == x < 3",
                "INVARIANT Low",
            ),
            ("x = RandomElement(1..9)", "x' = x", "Always == <>(x = 0)", "PROPERTY Always"),
            ("Assert(FALSE, 1) /\\ x = 0", "x' = x", "", ""),
            ("x = Count(0)", "x' = x", "RECURSIVE Count(_)\nCount(n) == Count(n + 1) + 1", ""),
        ]
        for init, follow, before, config in specs:
            spec = write(init, follow, before=before, config=config)
            known = _files(tmp_path)
            try:
                result: CheckResult | None = checker.check(spec, timeout=PLENTY_SECONDS)
            except TlacheckError:
                result = None
            own = checker._worker.folder
            assert own is not None, result
            left = {path for path in _files(tmp_path) if not path.startswith(str(own))}
            assert left == {path for path in known if not path.startswith(str(own))}
    assert not list((tmp_path / "tmp").iterdir())


# Ended workers and commands.


def _start(arguments: list[str], folder: Path) -> "subprocess.Popen[str]":
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", "from tlacheck.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _running(folder: Path) -> Path:
    """The worker's folder, once TLC explores there."""
    explored = "tmp/tlacheck-*/run-*/states/*"
    _wait_until(lambda: list(folder.glob(explored)))
    return next(folder.glob(explored)).parents[2]


def _wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PLENTY_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen")
        time.sleep(0.05)


def _workers_in(folder: Path) -> list[int]:
    """The worker processes of that folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture
def _proc() -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("needs /proc")


@pytest.mark.usefixtures("_proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_signalled_command_leaves_no_process_and_no_file(
    specs: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    command = _start(["check", str(specs / "Endless.tla"), "--memory", "128"], tmp_path)
    folder = _running(tmp_path)
    assert len(_workers_in(folder)) == 1
    command.send_signal(number)
    output, _ = command.communicate(timeout=PLENTY_SECONDS)
    assert command.returncode == status
    if number is not signal.SIGKILL:
        assert output.startswith("Endless: interrupted")
    _wait_until(lambda: not _workers_in(folder) and not folder.exists())


@pytest.mark.usefixtures("_proc")
def test_the_command_reports_a_killed_worker(specs: Path, tmp_path: Path) -> None:
    command = _start(["check", str(specs / "Endless.tla"), "--memory", "128", "--json"], tmp_path)
    (worker,) = _workers_in(_running(tmp_path))
    os.kill(worker, signal.SIGKILL)
    output, _ = command.communicate(timeout=PLENTY_SECONDS)
    assert command.returncode == 3
    assert json.loads(output)["verdict"] == {
        "kind": "unknown",
        "reason": "the TLC worker was ended by signal 9",
    }
    assert not list((tmp_path / "tmp").iterdir())


def test_concurrent_commands_in_one_folder_do_not_interfere(specs: Path, tmp_path: Path) -> None:
    arguments = ["check", str(specs / "DieHard.tla"), "--config", "DieHardNotFour.cfg", "--memory", "128"]
    for command in [_start(arguments, tmp_path) for _ in range(2)]:
        output, _ = command.communicate(timeout=PLENTY_SECONDS)
        assert command.returncode == 1
        assert "violated(NotFour)" in output
        assert "66 states generated, 13 distinct, depth 7" in output
    assert not list((tmp_path / "tmp").iterdir())


def test_an_interrupted_check_reports_its_progress() -> None:
    console = Console(file=(file := io.StringIO()), force_terminal=False)
    with contextlib.suppress(KeyboardInterrupt), live("Endless", console=console) as tell:
        tell(Progress(generated=1200, distinct=700, queue=50, seconds=2.0))
        raise KeyboardInterrupt
    assert file.getvalue().startswith("Endless: interrupted after 1,200 states generated, 700 distinct")


@pytest.mark.parametrize("answer", ["no JSON", "[1, 2]", '{"kind": "riddle"}', "7" * 5_000_000])
def test_a_worker_with_a_malformed_answer_is_refused(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    (tmp_path / "answer").write_text(f"{answer}\n", encoding="utf-8")
    fake.write_text(f"#!/bin/sh\ncat '{tmp_path}/answer'\nexec sleep 600\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with Worker() as worker, pytest.raises(NoAnswer, match="gave an answer that is none") as refused:
        worker.run("check", {}, timeout=PLENTY_SECONDS)
    assert len(str(refused.value)) < 500
