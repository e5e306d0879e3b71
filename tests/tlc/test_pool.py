"""Many specs checked by a pool: order, errors, and clean-up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, SetupError, SpecError
from tlacheck.tlc import Checker, Progress, Spec, check
from tlacheck.tlc import pool as module
from tlacheck.tlc.pool import Checked, Pool, Task, check_all


@pytest.fixture(scope="module")
def pool(one_engine: Engine) -> Iterator[Pool]:
    with Pool(2, engine=one_engine, memory_mb=1024) as warm:
        yield warm


def _say(checked: Checked) -> str:
    return str(checked.error or (checked.result and checked.result.verdict))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return " Z " not in Path(f"/proc/{process}/stat").read_text()  # a container may not collect orphans
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_results_come_in_order_and_equal_a_checkers(pool: Pool, one_checker: Checker, load: Any) -> None:
    specs = [load("DieHard"), load("Mutex"), load("Mail"), load("DieHard", "DieHardNotFour")] * 2
    found = pool.check_all(specs)
    assert [checked.index for checked in found] == list(range(8))
    assert [checked.spec for checked in found] == specs
    for checked, alone in zip(found, [one_checker.check(spec) for spec in specs[:4]] * 2, strict=True):
        result = checked.result
        assert checked.error is None
        assert result is not None
        assert (result.verdict, result.generated, result.distinct, result.trace) == (
            alone.verdict,
            alone.generated,
            alone.distinct,
            alone.trace,
        )


def test_workers_stay_warm_between_batches(pool: Pool, load: Any) -> None:
    pool.check_all([load("DieHard")] * 4)
    pids = pool.worker_pids
    assert len(pids) == 2
    pool.check_all([load("Mutex")] * 4)
    assert pool.worker_pids == pids


def test_a_spec_with_an_error_does_not_affect_the_others(pool: Pool, load: Any, tmp_path: Path) -> None:
    broken = tmp_path / "Broken.tla"
    broken.write_text("---- MODULE Broken ----\nInit == (\n====\n")
    (tmp_path / "Broken.cfg").write_text("INIT Init\nNEXT Init\n")
    first, second, third = pool.check_all([load("DieHard"), Spec.load(broken), load("Mutex")])
    assert [_say(first), _say(third)] == ["exhausted", "exhausted"]
    assert second.result is None
    assert isinstance(second.error, SpecError)
    assert "Broken.tla:3" in str(second.error)


def test_a_tasks_options_override_the_common_ones(pool: Pool, load: Any) -> None:
    spec = load("Countdown")
    found = pool.check_all([spec, Task(spec, {"deadlock": True})], deadlock=False)
    assert [_say(checked) for checked in found] == ["exhausted", "violated(Deadlock)"]


def test_invalid_options_are_the_error_of_their_task(pool: Pool, load: Any) -> None:
    spec = load("DieHard")
    bad, good = pool.check_all([Task(spec, {"workers": 0}), spec])
    assert isinstance(bad.error, ConfigError)
    assert _say(good) == "exhausted"


def test_an_unknown_option_raises_type_error(pool: Pool, load: Any) -> None:
    with pytest.raises(TypeError, match="colour"):
        pool.check_all([load("DieHard")] * 3, colour="red")
    assert _say(pool.check_all([load("DieHard")])[0]) == "exhausted"


def test_missing_java_is_one_error_for_all_specs(
    one_engine: Engine, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise SetupError("no Java here")

    monkeypatch.setattr("tlacheck.tlc._process.find_jvm", none)
    with pytest.raises(SetupError, match="no Java"):
        check_all([load("DieHard")] * 3, processes=2, engine=one_engine, memory_mb=512)


def test_results_are_reported_as_they_arrive(pool: Pool, load: Any) -> None:
    told: list[Checked] = []
    found = pool.check_all([load("DieHard"), load("Mutex"), load("Mail")], on_result=told.append)
    assert sorted(told, key=lambda checked: checked.index) == list(found)


def test_a_timeout_applies_to_each_spec_alone(pool: Pool, load: Any) -> None:
    seen: list[tuple[Spec, Progress]] = []
    endless, quick = load("Endless"), load("DieHard")
    found = pool.check_all(
        [Task(endless, {"timeout": 2}), quick, quick],
        timeout=60,
        on_progress=lambda spec, progress: seen.append((spec, progress)),
    )
    assert [_say(checked) for checked in found] == [
        "unknown(no time left after 2 s)",
        "exhausted",
        "exhausted",
    ]
    assert endless in {spec for spec, _ in seen}


def test_a_killed_worker_affects_only_its_spec(pool: Pool, load: Any) -> None:
    endless, quick = Task(load("Endless"), {"timeout": 2}), load("DieHard")
    pool.check_all([quick] * 2)
    killed: list[int] = []

    def kill(_: Spec, __: Progress) -> None:
        if not killed:
            killed.append(pool.worker_pids[0])  # both run the endless one
            os.kill(killed[0], signal.SIGKILL)

    *slow, last = pool.check_all([endless, endless, quick], on_progress=kill)
    assert {_say(checked) for checked in slow} == {
        "unknown(the TLC worker was ended by signal 9)",
        "unknown(no time left after 2 s)",
    }
    assert _say(last) == "exhausted"


def test_an_exception_in_a_callback_ends_the_batch_only(pool: Pool, load: Any) -> None:
    endless, quick = load("Endless"), load("DieHard")
    pool.check_all([quick] * 2)
    pids = pool.worker_pids

    def refuse(checked: Checked) -> None:
        raise LookupError(_say(checked))

    with pytest.raises(LookupError, match="exhausted"):
        pool.check_all([endless, quick, endless, endless], on_result=refuse)
    assert sum(map(_is_alive, pids)) < 2
    assert [_say(checked) for checked in pool.check_all([quick] * 3)] == ["exhausted"] * 3


def test_a_nested_batch_is_refused(pool: Pool, load: Any) -> None:
    quick = load("DieHard")

    def nested(_: Checked) -> None:
        pool.check_all([quick])

    with pytest.raises(ConfigError, match="in use"):
        pool.check_all([quick], on_result=nested)


def test_a_closed_pool_leaves_no_process_and_no_folder(one_engine: Engine, load: Any) -> None:
    with Pool(2, engine=one_engine, memory_mb=512) as mine:
        mine.check_all([load("DieHard")] * 2)
        pids = mine.worker_pids
        folders = [checker._worker.folder for checker in mine._checkers]
    assert len(pids) == 2
    assert not any(map(_is_alive, pids))
    assert not any(folder and folder.exists() for folder in folders)


def test_a_light_pool_gives_the_same_results(pool: Pool, load: Any) -> None:
    specs = [load("DieHard"), load("Mutex"), load("DieHard", "DieHardNotFour")]
    light = check_all(specs, processes=1, memory_mb=512, light=True)
    assert [_say(each) for each in light] == [_say(each) for each in pool.check_all(specs)]
    assert [each.result and each.result.distinct for each in light] == [16, 8, 13]


def test_an_empty_batch_starts_no_process(one_engine: Engine) -> None:
    with Pool(2, engine=one_engine, memory_mb=512) as mine:
        assert mine.check_all([]) == ()
        assert mine.worker_pids == ()


def test_ctrl_c_ends_all_workers(one_engine: Engine, load: Any) -> None:
    script = (
        "import sys\n"
        "from tlacheck.engine import find_engine\n"
        "from tlacheck.tlc import Spec\n"
        "from tlacheck.tlc.pool import Pool\n"
        "pool = Pool(2, engine=find_engine(sys.argv[1]), memory_mb=512)\n"
        "def show(spec, progress): print(*pool.worker_pids, flush=True)\n"
        "with pool:\n"
        "    pool.check_all([Spec.load(sys.argv[2])] * 3, on_progress=show)\n"
    )
    arguments = [sys.executable, "-c", script, one_engine.version, str(load("Endless").path)]
    asking = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    try:
        assert asking.stdout is not None
        pids: list[int] = []
        while len(pids) < 2:
            pids = [int(word) for word in asking.stdout.readline().split()]
        asking.send_signal(signal.SIGINT)
        _, said = asking.communicate(timeout=60)
    finally:
        asking.kill()
    assert "KeyboardInterrupt" in said
    deadline = time.monotonic() + 10
    while any(map(_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_is_alive, pids))


def test_invalid_pool_sizes_are_refused(one_engine: Engine) -> None:
    with pytest.raises(ConfigError, match="processes is 0"):
        Pool(0, engine=one_engine)
    with pytest.raises(ConfigError, match="memory_mb is 1"):
        Pool(2, engine=one_engine, memory_mb=1)


def test_a_pool_takes_all_cores_and_shares_the_memory(
    one_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_cores", lambda: 3)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 12 * 2**18}.__getitem__)
    pool = Pool(engine=one_engine)  # of 12 GB
    assert (pool.processes, pool.memory_mb) == (3, 2048)
    assert Pool(1, engine=one_engine).memory_mb == 4096
    assert Pool(100, engine=one_engine).memory_mb == 512


def test_check_all_uses_a_temporary_pool(one_engine: Engine, load: Any) -> None:
    (checked,) = check_all([load("Mutex")], processes=1, engine=one_engine, memory_mb=512)
    assert checked.result is not None
    assert checked.result.distinct == check(load("Mutex"), engine=one_engine, memory_mb=512).distinct == 8
