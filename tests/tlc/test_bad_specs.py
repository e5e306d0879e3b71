"""Unusable spec files: `check` and `parse` give the same clear message."""

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from tlacheck.engine import VERSIONS, Engine
from tlacheck.errors import EngineError, SpecError
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc.parse import Parser, parse

_HEAD = "---- MODULE M ----\nEXTENDS Naturals\n"
_BODY = "VARIABLE x\nInit == x = 0\nNext == x' = x\n"
_END = "====\n"


@attrs.frozen
class Bad:
    """The files of an unusable module `M`, the location of the error, and words of its message."""

    name: str
    files: dict[str, bytes]
    place: str
    words: str


def _bad(name: str, text: str | bytes, place: str, words: str, **others: str) -> Bad:
    files = {"M.tla": text if isinstance(text, bytes) else text.encode()}
    files |= {f"{module}.tla": other.encode() for module, other in others.items()}
    return Bad(name, files, place, words)


def _with(line: str) -> str:
    return f"{_HEAD}{line}\n{_BODY}{_END}"


def _extending(module: str, other: str) -> str:
    return f"---- MODULE {module} ----\nEXTENDS {other}\n{_BODY if module == 'M' else ''}{_END}"


BAD = [
    _bad("empty", "", "M.tla:1", "there is no module here"),
    _bad("no module", "hello\nworld\n", "M.tla:1", "there is no module here"),
    _bad("another name", _with("").replace("MODULE M", "MODULE Other"), "M.tla:1", "called Other"),
    _bad("missing module", _extending("M", "Nowhere"), "M.tla:2:9", "module Nowhere is not found"),
    _bad("itself", _extending("M", "M"), "M.tla:2", "in a circle: M -> M"),
    _bad("two in a circle", _extending("M", "A"), "M.tla:2", "in a circle: M -> A -> M",
        A=_extending("A", "M")),
    _bad("a circle further on", _extending("M", "A"), "A.tla:2", "in a circle: A -> B -> A",
        A="---- MODULE A ----\nI == INSTANCE B\n====\n", B=_extending("B", "A")),
    _bad("no UTF-8 in a string", _with('D == "?"').encode().replace(b"?", b"\xe9"), "M.tla:3:7", "0xE9"),
    _bad("no UTF-8 in code", _with("D?").encode().replace(b"?", b"\xff"), "M.tla:3:2", "0xFF"),
    _bad("no UTF-8 after a comment", _with('(* ? "(* *) " *) D == "?"').encode().replace(b"?", b"\xe9"),
        "M.tla:3:24", "is no UTF-8: save the file as UTF-8"),
    _bad("UTF-16", _with("").encode("utf-16"), "M.tla:1", "the file is UTF-16"),
    _bad("a NUL byte", _with("D == 1\0"), "M.tla:3:7", "a NUL byte"),
    _bad("tabs and CRLF", _with("D ==\t1 +\tzz").replace("\n", "\r\n"), "M.tla:3:17",
        "unknown operator zz"),
    _bad("a symbol of newer TLCs", _with("D ≜ 1"), "M.tla:3:3", 'does not know "≜"; write =='),
    _bad("another one", _with("D == TRUE ∧ FALSE"), "M.tla:3:11", 'does not know "∧"; write /\\'),
    _bad("a symbol in a string", _with('D == "≜"'), "M.tla:3:7", 'does not know "≜"'),
    _bad("a symbol of no TLC", _with("D == €"), "M.tla:3:6", 'does not know "€"; it reads ASCII'),
    _bad("no order of operators", _with("D == TRUE \\/ TRUE /\\ TRUE"), "M.tla:3:11",
        r"of \/ and /\ binds tighter"),
    _bad("a list item too far left", _with("D == /\\ (1\n  )"), "M.tla:4:3", "wrong indentation"),
    _bad("a comment without an end", _with("D == 1 (* and"), "M.tla:3", "*) is missing"),
    _bad("20,000 parentheses", _with(f"D == {'(' * 20_000}1{')' * 20_000}"), "M.tla", "nests too deep"),
    _bad("20,000 sets", _with(f"D == {'{' * 20_000}1{'}' * 20_000}"), "M.tla", "nests too deep"),
    _bad("20,000 terms", _with(f"D == {' + '.join(['1'] * 20_000)}"), "M.tla", "nests too deep"),
]  # fmt: skip


#: The cases that newer TLCs read.
_NEWER_SYMBOLS = ("a symbol of newer TLCs", "another one", "a symbol in a string")


@pytest.fixture(scope="module")
def parser(engine: Engine) -> Iterator[Parser]:
    """A parser whose worker stays warm."""
    with Parser(engine=engine, memory_mb=512) as warm:
        yield warm


@pytest.fixture(params=["check", "parse"])
def use(request: pytest.FixtureRequest, checker: Checker, parser: Parser) -> Callable[[Path], object]:
    """Both ways to read a spec."""

    def check(path: Path) -> object:
        return checker.check(Spec.load(path))

    return check if request.param == "check" else parser.parse


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_an_unusable_file_is_one_clear_message(
    use: Callable[[Path], object], engine: Engine, tmp_path: Path, bad: Bad
) -> None:
    for name, content in bad.files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "M.cfg").write_text("INIT Init\nNEXT Next\n")
    if bad.name in _NEWER_SYMBOLS and engine.version not in VERSIONS:
        use(tmp_path / "M.tla")
        return
    with pytest.raises(SpecError) as caught:
        use(tmp_path / "M.tla")
    assert bad.words in caught.value.message
    assert str(caught.value.location) == str(tmp_path / bad.place)
    assert len(caught.value.message) < 250
    for jargon in ("java", "Exception", "StackOverflow", "\n", "tlc2."):
        assert jargon not in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        _with("\\* ?").encode().replace(b"?", b"\xe9"),
        _with("(* (* ? *) ? *)").encode().replace(b"?", b"\xe9"),
        b"\xe9\n" + _with("").encode() + b"\xe9\n",
        b"\xef\xbb\xbf" + _with("").encode(),
        _with('D == "é" \\* ∧').encode(),
        _with("\\* \0").encode(),
        _with("D ==\t1").replace("\n", "\r\n").encode(),
    ],
    ids=["line comment", "block comment", "around the module", "BOM", "Unicode", "NUL", "CRLF"],
)
def test_unusual_input_that_sany_accepts_is_accepted(
    use: Callable[[Path], object], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "M.tla").write_bytes(content)
    (tmp_path / "M.cfg").write_text("INIT Init\nNEXT Next\n")
    use(tmp_path / "M.tla")


def test_a_folder_in_place_of_a_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "In.tla").mkdir()
    for use in (Spec.load, parse):
        with pytest.raises(SpecError, match=r"this is a folder; name a module; in .* there are In\.tla"):
            use(tmp_path)
        with pytest.raises(SpecError, match=r"this is a folder"):
            use(tmp_path / "In.tla")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A module of 10 MB."""
    lines = (f'Def{number}(a, b) == <<a, b, "{"words " * 830}">>\n' for number in range(2000))
    path = tmp_path / "M.tla"
    path.write_text(f"{_HEAD}{''.join(lines)}{_BODY}{_END}")
    assert path.stat().st_size > 9_900_000
    return path


def test_a_module_of_ten_megabytes_is_parsed(large: Path) -> None:
    """By the preferred engine: 2.15 takes time with the square of a token's length."""
    module = parse(large, memory_mb=1024, timeout=300)
    assert len(module.definitions) == 2002
    assert module.definition("Def1999").span.line == 2002


def test_a_module_parsed_too_slowly_times_out(engine: Engine, large: Path) -> None:
    with pytest.raises(EngineError, match=r"M\.tla is not parsed: no time left after 0\.5 s"):
        parse(large, engine=engine, timeout=0.5)
