"""Features of public specs that a spec of one's own rarely has; each was once refused or silently ignored."""

from pathlib import Path

import pytest

from tlacheck.errors import SpecError
from tlacheck.tlc import Checker, Spec
from tlacheck.tlc.simulate import simulate

STALE = """---- MODULE Stale ----
EXTENDS Naturals
(* --algorithm Stale
variables n = 0;
begin
  Up: n := n + 2;
end algorithm *)
\\* BEGIN TRANSLATION (chksum(pcal) = "3ddef384" /\\ chksum(tla) = "a11cb3e6")
VARIABLES pc, n

vars == << pc, n >>

Init == (* Global variables *)
        /\\ n = 0
        /\\ pc = "Up"

Up == /\\ pc = "Up"
      /\\ n' = n + 1
      /\\ pc' = "Done"

(* Allow infinite stuttering to prevent deadlock on termination. *)
Terminating == pc = "Done" /\\ UNCHANGED vars

Next == Up
           \\/ Terminating

Spec == Init /\\ [][Next]_vars

Termination == <>(pc = "Done")

\\* END TRANSLATION
====
"""
COUNT = """---- MODULE Count ----
EXTENDS Naturals
CONSTANT Members
VARIABLE n
Init == n \\in Members
Next == UNCHANGED n
Spec == Init /\\ [][Next]_n
Shown == [doubled |-> n]
Fine == TRUE
====
"""


def _spec(folder: Path, name: str, text: str, config: str) -> Spec:
    (folder / f"{name}.tla").write_text(text, encoding="utf-8")
    (folder / f"{name}.cfg").write_text(config, encoding="utf-8")
    return Spec.load(folder / f"{name}.tla")


def test_a_stale_pluscal_translation_is_a_warning(one_checker: Checker, tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Stale", STALE, "SPECIFICATION Spec\n")
    result = one_checker.check(spec)
    assert result.verdict.is_established
    assert any("has changed since its last translation" in warning for warning in result.warnings)


def test_a_stale_pluscal_translation_is_a_warning_of_simulate(tmp_path: Path) -> None:
    with simulate(_spec(tmp_path, "Stale", STALE, "SPECIFICATION Spec\n"), behaviours=1) as simulation:
        list(simulation)
        warnings = simulation.result.warnings
    assert any("has changed since its last translation" in warning for warning in warnings)


def test_a_fresh_pluscal_translation_is_no_warning(one_checker: Checker, tmp_path: Path) -> None:
    fresh = STALE.replace(" (chksum(pcal)", " (unchecked").replace(
        '"3ddef384" /\\ chksum(tla) = "a11cb3e6")', ""
    )
    assert not one_checker.check(_spec(tmp_path, "Stale", fresh, "SPECIFICATION Spec\n")).warnings


def test_assumptions_alone_hold_or_do_not(one_checker: Checker, tmp_path: Path) -> None:
    text = "---- MODULE Only ----\nEXTENDS Naturals, TLC\nASSUME PrintT(<<2 + 2>>)\nASSUME 1 < {}\n====\n"
    held = one_checker.check(_spec(tmp_path, "Only", text.format(2), ""))
    assert held.verdict.is_established
    assert "<<4>>" in held.printed
    assert not one_checker.check(_spec(tmp_path, "Only", text.format(0), "")).verdict.is_established


def test_a_behaviour_without_initial_states_is_still_refused(one_checker: Checker, tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Count", COUNT, "SPECIFICATION Spec\nCONSTANT Members = {}\n")
    with pytest.raises(SpecError, match="no state satisfies the initial predicate"):
        one_checker.check(spec)


def test_model_values_need_no_declaration(one_checker: Checker, tmp_path: Path) -> None:
    config = "SPECIFICATION Spec\nCONSTANTS\n r1 = r1\n r2 = r2\n Members = {r1, r2}\n"
    assert one_checker.check(_spec(tmp_path, "Count", COUNT, config)).distinct == 2


def test_a_value_for_a_constant_that_nobody_declares_is_refused(one_checker: Checker, tmp_path: Path) -> None:
    config = "SPECIFICATION Spec\nCONSTANTS\n Members = {1}\n Membres = {2}\n"
    with pytest.raises(SpecError, match="a value to Membres"):
        one_checker.check(_spec(tmp_path, "Count", COUNT, config))


@pytest.mark.parametrize("section", ["ALIAS Shown", "POSTCONDITION Fine"])
def test_a_section_that_this_tlc_does_not_know_is_named(
    one_checker: Checker, tmp_path: Path, section: str
) -> None:
    config = f"SPECIFICATION Spec\nCONSTANT Members = {{1}}\nINVARIANT Fine\n{section}\n"
    with pytest.raises(SpecError, match=rf"does not know {section.split(maxsplit=1)[0]}.*TLA\+ 1\.8\.0"):
        one_checker.check(_spec(tmp_path, "Count", COUNT, config))
