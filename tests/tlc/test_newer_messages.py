"""Messages of TLCs newer than 2.18, which no registry has: texts as a build of April 2026 gives them."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import SpecError
from tlacheck.tlc import Spec
from tlacheck.tlc._outcome import TlcResult, interpret
from tlacheck.tlc._protocol import Kind, Message, Report

_ENGINE = Engine(version="2026.04.29-cc6b616", sha256="0" * 64, jar=Path("newer.jar"), source="pin")
_BODY = "EXTENDS Naturals\nVARIABLE x\nInit == x = y\nNext == x' = z\n"
_PARSED = Message(2219, Kind.INFORMATION, "SANY finished.")
_COUNTS = Message(
    2199, Kind.INFORMATION, "9 states generated, 4 distinct states found, 0 states left on queue."
)
_FAILED = Message(3002, Kind.ERROR, "Parsing or semantic analysis failed.")
_DONE = Message(2193, Kind.INFORMATION, "Model checking completed. No error has been found.")


def _said(*texts: str) -> tuple[Message, ...]:
    return tuple(Message(None, Kind.INFORMATION, text) for text in texts)


def _outcome(folder: Path, *messages: Message, temporal: tuple[str, ...] = ()) -> TlcResult:
    (folder / "M.tla").write_text(f"---- MODULE M ----\n{_BODY}====\n", encoding="utf-8")
    (folder / "M.cfg").write_text("INIT Init\nNEXT Next\n", encoding="utf-8")
    report = Report(messages=messages, variables=("x",), temporal=temporal, seconds=0.1)
    return interpret(report, Spec.load(folder / "M.tla"), _ENGINE)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Temporal property Done was violated.\n", ["Done"]),
        ("Temporal properties Done and Live were violated.\n", ["Done", "Live"]),
        ("Temporal properties Done, Live, and Fair were violated.\n", ["Done", "Live", "Fair"]),
        ("Temporal properties were violated.\n", ["Done or Live or Fair"]),
    ],
)
def test_violated_temporal_properties_have_their_names(tmp_path: Path, text: str, names: list[str]) -> None:
    message = Message(2116, Kind.ERROR, text)
    found = _outcome(tmp_path, _PARSED, message, _COUNTS, temporal=("Done", "Live", "Fair"))
    assert [each.property for each in found.violations] == names
    assert found.verdict.is_violated


def test_a_false_postcondition_is_a_violation_with_its_place(tmp_path: Path) -> None:
    text = "Postcondition Five at line 4, col 9 to line 4, col 14 of module M is false."
    found = _outcome(tmp_path, _PARSED, Message(2404, Kind.ERROR, text), _COUNTS)
    assert found.verdict.violates == "Five"
    assert found.violations[0].reason.endswith("M.tla:4:9")
    assert found.distinct == 4


def test_warnings_of_the_parser_in_a_list_are_heeded(tmp_path: Path) -> None:
    stale = "The PlusCal algorithm in module M has changed since its last translation."
    said = _said(
        "Parsing module M in file M.tla",
        "Warnings (2) during syntax parsing of M:",
        f"In module M\n\n{stale}",
        "line 4, col 1 to line 4, col 4 of module M\n\nSomething\nelse.",
        "Semantic processing of module M",
    )
    found = _outcome(tmp_path, *said, _PARSED, _DONE, _COUNTS)
    place = "line 4, col 1 to line 4, col 4 of module M"
    assert found.warnings == (stale, f"{place}: Something else.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The following variable is not defined: y.\n", "gives no value to y:"),
        ("The following variables are not defined: x, y.\n", "gives no value to x, y:"),
    ],
)
def test_a_forgotten_variable_has_its_name(tmp_path: Path, text: str, words: str) -> None:
    head = "Successor state is not completely specified by the next-state action. "
    with pytest.raises(SpecError, match=words):
        _outcome(tmp_path, _PARSED, Message(2109, Kind.ERROR, head + text))


def test_a_file_without_a_module_is_told_as_such(tmp_path: Path) -> None:
    said = _said(
        "Parsing module M in file M.tla",
        '***Parse Error***\nWas expecting "---- MODULE (beginning of module)"\n'
        'Encountered "<EOF>" at line 2, column 6 and token "world"',
        "Fatal errors while parsing TLA+ spec in file M",
        "*** Errors: 1\n\nIn module M\n\nCould not parse module M from file M.tla",
    )
    report = Report(messages=(*said, _PARSED, _FAILED), seconds=0.1)
    (tmp_path / "M.tla").write_text("hello\nworld\n", encoding="utf-8")
    (tmp_path / "M.cfg").write_text("INIT Init\nNEXT Next\n", encoding="utf-8")
    with pytest.raises(SpecError, match="there is no module here"):
        interpret(report, Spec.load(tmp_path / "M.tla"), _ENGINE)


def test_mistakes_that_are_told_one_by_one_have_their_place(tmp_path: Path) -> None:
    said = _said(
        "Parsing module M in file M.tla",
        "Parsing module Naturals in file Naturals.tla",
        "Semantic processing of module M",
        "Semantic errors:\n\n*** Errors: 2",
        "line 4, col 13 to line 4, col 13 of module M\n\nUnknown operator: `y'.",
        "line 5, col 14 to line 5, col 14 of module M\n\nUnknown operator: `z'.",
    )
    with pytest.raises(SpecError, match=r"M\.tla:4:13: unknown operator y: .* \(and 1 more error\)"):
        _outcome(tmp_path, *said, _PARSED, _FAILED)


@pytest.mark.parametrize(
    ("manifest", "version"),
    [
        ("Build-TimeStamp: 2026-04-29T16:48:09Z\nX-Git-ShortRevision: cc6b616\n", "2026.04.29-cc6b616"),
        ("Build-TimeStamp: 2026-04-29T16:48:09Z\n", "2026.04.29"),
        ("Build-TimeStamp: yesterday\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_jar_without_a_version_has_the_date_of_its_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: str, version: str
) -> None:
    jar = tmp_path / "tla2tools.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("tlc2/TLC.class", b"")
        archive.writestr("tlc2/TLCGlobals.class", b"")
        if manifest:
            archive.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\n{manifest}")
    monkeypatch.setenv("TLACHECK_JAR", str(jar))
    found = find_engine()
    assert (found.version, found.sha256) == (version, hashlib.sha256(jar.read_bytes()).hexdigest())
