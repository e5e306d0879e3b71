"""Mistakes in specs and configurations: one readable message each, at its location, on both engines.

Mistakes that `parse` meets as well are in `test_bad_specs.py`.
"""

from pathlib import Path
from typing import Any

import attrs
import pytest

from tlacheck.errors import SpecError
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc._diagnose import diagnose
from tlacheck.tlc._protocol import Kind, Message
from tlacheck.trace import EvaluationError

_GOOD = "VARIABLE x\nInit == x = 0\nNext == x' = x\n"
_CONFIG = "INIT Init\nNEXT Next\n"


@attrs.frozen
class Mistake:
    """A module `M` with one mistake, its location, and words of the expected message."""

    name: str
    body: str = _GOOD
    config: str = _CONFIG
    extends: str = "Naturals"
    end: str = "====\n"
    place: str = "M.tla"
    words: tuple[str, ...] = ()
    steps: int | None = None


_EVAL = 'VARIABLE x\nInit == x = 0\nNext == x\' = IF x = 2 THEN (IF x = "a" THEN 1 ELSE 2) ELSE x + 1\n'

MISTAKES = [
    Mistake("lexical error", "VARIABLE x\nInit == x = 0 ? 1\n", place="M.tla:4:16",
        words=('"?"', "no TLA+ symbol")),
    Mistake("string not closed", 'VARIABLE x\nInit == x = "abc\n', place="M.tla:4:17",
        words=("not closed",)),
    Mistake("no end", end="", place="M.tla:5:15", words=("==== is missing",)),
    Mistake("unbalanced", "VARIABLE x\nInit == x = (1 + 2\nNext == x' = x\n", place="M.tla:5:1",
        words=("syntax error", 'after "2"', "line 4, column 13")),
    Mistake("operators that are written otherwise",
        "VARIABLE x\nInit == x = 0 \\equiv TRUE ~> x /= 1\nNext == x' = x\n", place="M.tla:4:15",
        words=("which of <=> and ~> binds tighter",)),
    Mistake("an operator that does not chain", "VARIABLE x\nInit == x \\in 1..2..3\nNext == x' = x\n",
        place="M.tla:4:16", words=("how .. groups with another ..; write parentheses",)),
    Mistake("a prefix and a postfix operator", "VARIABLE x\nInit == x = 0\nNext == UNCHANGED x'\n",
        place="M.tla:5:20", words=("which of UNCHANGED and ' binds tighter",)),
    Mistake("empty definition", "VARIABLE x\nInit == x = 0\nNext ==\n", place="M.tla:5:1",
        words=("syntax error",)),
    Mistake("unknown operator", "VARIABLE x\nInit == x = Foo(1)\nNext == x' = y\n", place="M.tla:4:13",
        words=("unknown operator Foo", "1 more error")),
    Mistake("wrong arity", "VARIABLE x\nF(a) == a\nInit == x = F(1, 2)\n", place="M.tla:5:14",
        words=("F takes 1 argument",)),
    Mistake("defined twice", f"{_GOOD}Init == x = 1\n", place="M.tla:6:1",
        words=("Init is already defined",)),
    Mistake("a prime too many", "VARIABLE x\nInit == x = 0\nNext == x'' = x\n", place="M.tla:5:9",
        words=("prime",)),
    Mistake("primed in Init", "VARIABLE x\nInit == x' = 0\nNext == x' = x\n", place="M.tla:4:9",
        words=("x has no value",)),
    Mistake("primed invariant", f"{_GOOD}Inv == x' = 0\n", f"{_CONFIG}INVARIANT Inv\n", place="M.tla:6:1",
        words=("Inv is not a state predicate",)),
    Mistake("unknown constant", config=f"{_CONFIG}CONSTANT K = 3\n", place="M.cfg:3:10",
        words=("K", "declares no such")),
    Mistake("constant without a value", f"CONSTANT K\n{_GOOD}", place="M.cfg",
        words=("constant K has no value",)),
    Mistake("unknown invariant", config=f"{_CONFIG}INVARIANT Nope\n", place="M.cfg:3:11",
        words=("invariant Nope",)),
    Mistake("unknown property", config=f"{_CONFIG}PROPERTY Nope\n", place="M.cfg:3:10", words=("Nope",)),
    Mistake("unknown specification", config="SPECIFICATION Spec\n", place="M.cfg:1:15",
        words=("specification Spec",)),
    Mistake("unknown Init", config="INIT Begin\nNEXT Next\n", place="M.cfg:1:6", words=("Begin",)),
    Mistake("no INIT", config="INVARIANT Init\n", place="M.cfg",
        words=("SPECIFICATION, or INIT and NEXT",)),
    Mistake("empty configuration", config="", place="M.cfg", words=("names no INIT",)),
    Mistake("set not closed in the configuration", config="CONSTANT K = {1,\nNEXT Next\n",
        words=("configuration",), place="M.cfg:2"),
    Mistake("no keyword in the configuration", config=f"{_CONFIG}FOO Bar\n", place="M.cfg:3",
        words=("keyword",)),
    Mistake("keyword twice", config=f"{_CONFIG}INIT Init\n", place="M.cfg:3", words=("twice",)),
    Mistake("comparing what cannot be compared", _EVAL, place="M.tla:5:32",
        words=('integer 2 with non-integer: "a"',), steps=2),
    Mistake("adding a string", 'VARIABLE x\nInit == x = 1 + "a"\nNext == x\' = x\n', place="M.tla:4:13",
        words=("Naturals!Plus was given a string where it needs an integer",)),
    Mistake("invariant that cannot be evaluated",
        "VARIABLE x\nInit == x = 0\nNext == x' = (x + 1) % 5\nInv == (x = 3) => x[1] = 2\n",
        f"{_CONFIG}INVARIANT Inv\n", place="M.tla:6:19", words=("invariant Inv", "non-function"), steps=3),
    Mistake("outside of the domain", "VARIABLE x\nInit == x = <<1>>\nNext == x' = x[2]\n",
        place="M.tla:5:14", words=("<<1>>", "which is out of")),
    Mistake("endless quantifier", "VARIABLE x\nInit == x = 0\nNext == \\E y \\in Nat : x' = y\n",
        place="M.tla:5:9", words=("Nat",)),
    Mistake("endless value", "VARIABLE x\nInit == x = Nat\nNext == x' = x\n", place="M.tla:4:9",
        words=("contains Nat",)),
    Mistake("assertion", 'VARIABLE x\nInit == x = 0\nNext == x\' = x + 1 /\\ Assert(x < 3, "x grew")\n',
        extends="Naturals, TLC", place="M.tla:5:23", words=("Assert", "x grew")),
    Mistake("CASE without a case", "VARIABLE x\nInit == x = 0\nNext == x' = CASE x = 1 -> 2\n",
        place="M.tla:5:14", words=("CASE",)),
    Mistake("CHOOSE of nothing", "VARIABLE x\nInit == x = 0\nNext == x' = CHOOSE y \\in {1} : y = 3\n",
        place="M.tla:5:14", words=("CHOOSE",)),
    Mistake("number too large", "VARIABLE x\nInit == x = 1\nNext == x' = x * 65536\n", place="M.tla:5:14",
        words=("Overflow",)),
    Mistake("forgotten variable", "VARIABLES x, y\nInit == x = 0 /\\ y = 0\nNext == x' = 1\n",
        place="M.tla:5:9", words=("no value to y", "UNCHANGED"), steps=0),
    Mistake("forgotten in Init", "VARIABLES x, y\nInit == x = 0\nNext == x' = 1 /\\ y' = 1\n",
        words=("no value to y",)),
    Mistake("no initial state", "VARIABLE x\nInit == x = 0 /\\ x = 1\nNext == x' = x\n",
        words=("nothing was checked",)),
    Mistake("endless recursion",
        "VARIABLE x\nRECURSIVE F(_)\nF(n) == F(n + 1) + 1\nInit == x = 0\nNext == x' = F(x)\n", place="",
        words=("recursion",)),
    Mistake("formula that is none", "VARIABLE x\nInit == x = 0\nNext == x\n", words=("TLC itself failed",)),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_one_readable_message_at_its_place(
    checker: Checker, tmp_path: Path, mistake: Mistake
) -> None:
    head = f"---- MODULE M ----\nEXTENDS {mistake.extends}\n"
    (tmp_path / "M.tla").write_text(head + mistake.body + mistake.end)
    (tmp_path / "M.cfg").write_text(mistake.config)
    error = _told(checker, Spec.load(tmp_path / "M.tla"))
    for words in mistake.words:
        assert words in error.message
    if mistake.place:
        assert str(error.location) == str(tmp_path / mistake.place)
    _assert_readable(error.message)
    if mistake.steps is not None:
        assert isinstance(error, EvaluationError)
        assert len(error.trace) == mistake.steps


def _told(checker: Checker, spec: Spec) -> SpecError:
    """The error reported for a mistake; retries if the JVM crashes on a full stack, as it may."""
    for _ in range(3):
        try:
            verdict = checker.check(spec).verdict
        except SpecError as error:
            return error
        if "as by a recursion without end" not in (verdict.reason or ""):
            break
    raise AssertionError(f"no SpecError but {verdict}")


def _assert_readable(message: str) -> None:
    assert "\n" not in message
    assert len(message) < 250
    for jargon in ("@!@!@", "java", "Exception: ", "tlc2.", "\tat ", "tlacheck_staged"):
        assert jargon not in message


def test_a_mistake_in_an_extended_module_is_found_there(checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "M.tla").write_text(f"---- MODULE M ----\nEXTENDS Naturals, Lib\n{_GOOD}====\n")
    (tmp_path / "M.cfg").write_text(_CONFIG)
    (tmp_path / "Lib.tla").write_text("---- MODULE Lib ----\nEXTENDS Naturals\nTwice(a) == a + zz\n====\n")
    with pytest.raises(SpecError, match="unknown operator zz") as caught:
        checker.check(Spec.load(tmp_path / "M.tla"))
    assert str(caught.value.location) == str(tmp_path / "Lib.tla:3:17")
    (tmp_path / "Lib.tla").write_text("---- MODULE Lib ----\nTwice(a) == (a\n====\n")
    with pytest.raises(SpecError, match="syntax error") as caught:
        checker.check(Spec.load(tmp_path / "M.tla"))
    assert str(caught.value.location).startswith(str(tmp_path / "Lib.tla:3"))


def test_locations_use_the_path_that_the_user_gave(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "M.tla").write_text("---- MODULE M ----\nVARIABLE x\nInit == x = a\n====\n")
    (tmp_path / "M.cfg").write_text(_CONFIG)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as caught:
        checker.check(Spec.load("M.tla"))
    assert str(caught.value).startswith("M.tla:3:13: unknown operator a")


def test_an_unknown_sany_error_is_reported_verbatim(tmp_path: Path) -> None:
    """A missing reason is reported only if SANY gives none."""
    (tmp_path / "M.tla").write_text(f"---- MODULE M ----\n{_GOOD}====\n")
    (tmp_path / "M.cfg").write_text(_CONFIG)
    spec = Spec.load(tmp_path / "M.tla")
    said = (
        "***Parse Error***\nTwo suns at line 3, col 9 to line 3, col 9 of module M\n"
        "  \n\nResidual stack trace follows:\nExpression"
    )
    failed = Message(3002, Kind.ERROR, "Parsing or semantic analysis failed.")
    error = diagnose(spec, [Message(None, Kind.INFORMATION, said), failed])
    assert error.message == "syntax error: Two suns at line 3, col 9 to line 3, col 9 of module M"
    assert str(error.location) == str(tmp_path / "M.tla:3:9")
    assert diagnose(spec, [failed]).message == "SANY cannot parse M and does not say why"


def test_a_missing_file_is_refused_with_the_existing_ones(load: Any, specs: Path) -> None:
    with pytest.raises(SpecError, match=r"MutexBroken\.cfg, MutexStrong\.cfg"):
        Spec.load(specs / "Mutex.tla", "Mutexx.cfg")
    with pytest.raises(SpecError, match=r"DieHard\.tla"):
        Spec.load(specs / "DieHarder.tla")
    assert load("Mutex").name == "Mutex"
    assert load("Mutex", "MutexWeak").name == "Mutex-MutexWeak"
