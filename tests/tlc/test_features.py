"""Features of public specs on every TLC: what has them works, and what lacks them says which TLC has them."""

import json
import os
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from tlacheck import itf
from tlacheck.cli import main
from tlacheck.convert import read_traces
from tlacheck.engine import Engine
from tlacheck.errors import ConfigError, SpecError
from tlacheck.tlc import Checker, Spec, check, evaluate, simulate

FEATURES = Path(__file__).parents[1] / "specs" / "features"
#: Jars of CommunityModules beside the jars of TLC on which the tests are repeated.
COMMUNITY = sorted(
    {
        found
        for jar in filter(None, os.environ.get("TLACHECK_TEST_JARS", "").split(os.pathsep))
        for found in Path(jar).parent.glob("CommunityModules*.jar")
    }
)
HAS_IT = r"the TLC of TLA\+ 1\.8\.0 and newer ones do"


@attrs.frozen
class Model:
    """A model, the verdict on it and its distinct states; `refused` by TLCs up to 2.18, if that is said."""

    config: str
    verdict: str
    distinct: int
    refused: str = ""

    @property
    def spec(self) -> Spec:
        module = {"PostFalse": "Post", "LiveTwo": "Live"}.get(self.config, self.config)
        return Spec.load(
            FEATURES / f"{module}.tla", FEATURES / f"{self.config}.cfg", libraries=[FEATURES / "library"]
        )


MODELS = (
    Model("AssumeOnly", "exhausted", 0),
    Model("AssumeFalse", "violated(assumption at AssumeFalse.tla:3:18)", 0),
    Model("UsesLibrary", "exhausted", 7),
    Model("Proved", "exhausted", 3),
    Model("ModelValues", "exhausted", 4),
    Model("Live", "violated(EventuallyA)", 4),
    Model("LiveTwo", "violated(EventuallyA)", 4),
    Model("Stale", "exhausted", 2),
    Model("Alias", "violated(Apart)", 4, "ALIAS"),
    Model("Post", "exhausted", 4, "POSTCONDITION"),
    Model("PostFalse", "violated(FiveStates)", 4, "POSTCONDITION"),
)


def _is_newer(engine: Engine) -> bool:
    return engine.knows("-dumpTrace")


def _spec(folder: Path, module: str, body: str, config: str) -> Spec:
    (folder / f"{module}.tla").write_text(f"---- MODULE {module} ----\n{body}====\n", encoding="utf-8")
    (folder / f"{module}.cfg").write_text(config, encoding="utf-8")
    return Spec.load(folder / f"{module}.tla")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.config)
def test_the_verdict_on_a_public_feature_is_that_of_tlc(
    model: Model, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FEATURES)
    spec = model.spec
    spec = attrs.evolve(spec, path=Path(spec.path.name), config=Path(spec.config.name))
    if model.refused and not _is_newer(checker.engine):
        with pytest.raises(SpecError, match=rf"does not know {model.refused} in a configuration; {HAS_IT}"):
            checker.check(spec)
        return
    result = checker.check(spec)
    assert (str(result.verdict), result.distinct) == (model.verdict, model.distinct)


def test_what_assumptions_print_is_kept(checker: Checker) -> None:
    assert checker.check(MODELS[0].spec).printed == ('<<"two and two", 4>>',)


def test_a_lasso_that_refutes_two_properties_names_both(checker: Checker) -> None:
    found = checker.check(Model("LiveTwo", "", 0).spec).violations
    assert {each.property for each in found} == {"EventuallyA", "EventuallyB"}


def test_a_stale_translation_is_never_silent(checker: Checker) -> None:
    (warning,) = checker.check(Model("Stale", "", 0).spec).warnings
    told = "has changed since its last" if checker.engine.compares_translations else "does not tell whether"
    assert told in warning


@pytest.mark.parametrize("jar", COMMUNITY, ids=lambda jar: jar.name)
def test_java_code_of_a_trusted_jar_runs_or_is_unfit(jar: Path, checker: Checker) -> None:
    spec = Spec.load(FEATURES / "Folded.tla", trusted_jars=[jar])
    if _is_newer(checker.engine):
        assert checker.check(spec).distinct == 15
        return
    with pytest.raises(SpecError, match="calls what this TLC does not have: it was compiled for another"):
        checker.check(spec)


def test_a_module_of_the_community_is_told_as_such(checker: Checker) -> None:
    with pytest.raises(SpecError, match=r"FiniteSetsExt is not found: it is one of CommunityModules"):
        checker.check(Spec.load(FEATURES / "Folded.tla"))


# Deadlock, which TLC 2.15 cannot read in a configuration.

_ENDS = "VARIABLE x\nInit == x = FALSE\nNext == ~x /\\ x' = TRUE\n"


@pytest.mark.parametrize(("says", "verdict"), [("TRUE", "violated(Deadlock)"), ("FALSE", "exhausted")])
def test_check_deadlock_is_heeded_by_every_tlc(
    checker: Checker, engine: Engine, tmp_path: Path, says: str, verdict: str
) -> None:
    config = f"CHECK_DEADLOCK \\* said first\n  {says}\nINIT Init\nNEXT Next\n"
    spec = _spec(tmp_path, "Ends", _ENDS, config)
    assert str(checker.check(spec).verdict) == verdict
    with simulate(spec, behaviours=1, engine=engine) as simulation:
        assert str(simulation.result.verdict) == verdict.replace("exhausted", "sampled(1 cases, seed 0)")


# Names that are declared nowhere.

_ENDLESS = "EXTENDS Naturals\nCONSTANT Step\nVARIABLE n\nInit == n = 0\nNext == n' = n + Step\n"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (_ENDLESS, "Stepp"),
        (f"{_ENDLESS}\\* Stepp == 1 in a comment\n", "Stepp"),
        (f"{_ENDLESS}Sum(Stepp) == Stepp + 1\n", "Stepp"),
    ],
    ids=["nowhere", "in a comment", "as a parameter"],
)
def test_a_name_that_is_declared_nowhere_is_told_before_the_search(
    checker: Checker, engine: Engine, tmp_path: Path, body: str, name: str
) -> None:
    spec = _spec(tmp_path, "Endless", body, f"INIT Init\nNEXT Next\nCONSTANTS\n Step = 1\n {name} = 2\n")
    with pytest.raises(SpecError, match=f"gives a value to {name}, but Endless declares no such") as caught:
        checker.check(spec, timeout=60)
    assert caught.value.location is not None
    assert caught.value.location.line == 5
    with (
        simulate(spec, behaviours=2**31 - 1, engine=engine, timeout=60) as simulation,
        pytest.raises(SpecError, match=f"gives a value to {name}"),
    ):
        list(simulation)


_USED = "VARIABLE n\nInit == n = Op(A, 1)\nNext == n' = n\n"


@pytest.mark.parametrize(
    "body",
    [
        f"EXTENDS Naturals\nCONSTANT A, Op(_, _)\n{_USED}Plus(a, b) == a + b\n",
        f"EXTENDS Naturals\nCONSTANTS (* first *) A\nOp(a, b) == 7\n{_USED}Plus(a, b) == a + b\n",
        f"EXTENDS Base\n{_USED}",
    ],
    ids=["declared", "defined", "in another module"],
)
def test_what_is_declared_or_defined_may_have_a_value(checker: Checker, tmp_path: Path, body: str) -> None:
    base = "---- MODULE Base ----\nEXTENDS Naturals\nCONSTANT A\nOp(a, b) == 7\nPlus(a, b) == a + b\n====\n"
    (tmp_path / "Base.tla").write_text(base, encoding="utf-8")
    config = "INIT Init\nNEXT Next\nCONSTANTS\n A = 1\n Op <- Plus\n"
    assert checker.check(_spec(tmp_path, "Named", body, config)).distinct == 1


def test_a_definition_of_a_standard_module_may_be_replaced(checker: Checker, tmp_path: Path) -> None:
    body = "EXTENDS Naturals\nVARIABLE n\nInit == n \\in Nat\nNext == n' = n\nFew == 0..3\n"
    assert (
        checker.check(_spec(tmp_path, "Few", body, "INIT Init\nNEXT Next\nCONSTANT Nat <- Few\n")).distinct
        == 4
    )


# What only newer TLCs have.

_TELLS = """EXTENDS Naturals, TLC
VARIABLE n
Init == n = 0
Next == n < 3 /\\ n' = n + 1
Mode == TLCGet("config").mode = {mode}
"""


@pytest.mark.parametrize(
    ("how", "mode"),
    [
        ("check", '"bfs"'),
        ("simulate", '"simulate" /\\ TLCGet("config").depth = 7 /\\ TLCGet("config").traces = 2'),
        ("generate", '"generate"'),
    ],
)
def test_tlcget_config_tells_how_the_spec_is_run(
    checker: Checker, engine: Engine, tmp_path: Path, how: str, mode: str
) -> None:
    spec = _spec(tmp_path, "Tells", _TELLS.format(mode=mode), "INIT Init\nNEXT Next\nINVARIANT Mode\n")

    def established() -> bool:
        if how == "check":
            return checker.check(spec, deadlock=False).verdict.is_established
        generate = how == "generate"
        options = {"behaviours": 2, "depth": 7, "deadlock": False, "generate": generate}
        with simulate(spec, engine=engine, **options) as simulation:  # type: ignore[arg-type]  # as said above
            return simulation.result.verdict.is_established

    if _is_newer(engine):
        assert established()
    elif how == "generate":
        with pytest.raises(ConfigError, match=rf"TLC {engine.version} does not know -generate; {HAS_IT}"):
            established()
    else:
        with pytest.raises(SpecError, match=rf'TLCGet\("config"\) has no value here.*{HAS_IT}'):
            established()


def test_tlcget_config_has_no_value_in_an_expression(engine: Engine) -> None:
    with pytest.raises(SpecError, match="only checks and simulations give it one"):
        evaluate('TLCGet("config")', engine=engine)


_WIDE = """EXTENDS Naturals
VARIABLE n
Init == n = 0
Add(k) == n' = (n + k) % 997
Next == \\E k \\in 1..500 : Add(k)
"""


def test_generated_steps_are_steps_and_are_not_listed(engine: Engine, tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Wide", _WIDE, "INIT Init\nNEXT Next\n")
    if not _is_newer(engine):
        with pytest.raises(ConfigError, match="does not know -generate"):
            simulate(spec, generate=True, engine=engine)
        return
    with simulate(spec, behaviours=5, depth=6, seed=3, generate=True, engine=engine) as simulation:
        behaviours = list(simulation)
        result = simulation.result
    assert result.generated <= result.states  # a listing computes 500 for each
    for behaviour in behaviours:
        for before, step in zip(behaviour.states, behaviour.steps, strict=False):
            assert step.state["n"] == (before["n"] + step.arguments["k"]) % 997
        assert "--generate" in str(behaviour.origin.command)
    assert len({behaviour.states[-1]["n"] for behaviour in behaviours}) > 1


_TRACED = """EXTENDS Naturals, TLC, _TLCTrace
VARIABLE n
Init == n = 0
Next == n' = n + 1
Small == n < 2
"""


def test_the_module_tlctrace_writes_for_a_trusted_spec_only(checker: Checker, tmp_path: Path) -> None:
    file = tmp_path / "trace.bin"
    config = (
        f'INIT Init\nNEXT Next\nCONSTANTS _TLCTraceFile = "{file}"\n _TLCTraceInputFile = "{file}"\n'
        "INVARIANT Small\nPOSTCONDITION _TLCTrace\n"
    )
    spec = _spec(tmp_path, "Traced", _TRACED, config)
    with pytest.raises(
        SpecError, match=rf"_TLCTrace is not found: .*; {HAS_IT}.*writes files.*--trusted-jar"
    ):
        checker.check(spec)
    assert not file.exists()
    if not _is_newer(checker.engine):
        return
    spec = attrs.evolve(spec, trusted_jars=(checker.engine.jar,))
    assert checker.check(spec).verdict.violates == "Small"
    assert file.stat().st_size > 0


_SETS = """EXTENDS Naturals
CONSTANT Members
VARIABLE chosen
Init == chosen = {}
Join(m) == m \\notin chosen /\\ chosen' = chosen \\cup {m}
Next == \\E m \\in Members : Join(m)
NotAll == chosen /= Members
"""
_SETS_CONFIG = "INIT Init\nNEXT Next\nCONSTANTS\n a = a\n b = b\n Members = {a, b}\nINVARIANT NotAll\n"


@pytest.mark.parametrize("format_", ["json", "tla"])
def test_a_dumped_counterexample_is_read_again(checker: Checker, tmp_path: Path, format_: str) -> None:
    spec = _spec(tmp_path, "Sets", _SETS, _SETS_CONFIG)
    file, other = tmp_path / f"Found.{format_}", tmp_path / "found.itf.json"
    files = {format_: file, "itf": other}
    if not _is_newer(checker.engine):
        with pytest.raises(ConfigError, match=rf"{format_} is written by TLC's -dumpTrace.*{HAS_IT}"):
            checker.check(spec, dump_trace=files)
        return
    if format_ == "tla":
        if not COMMUNITY:
            with pytest.raises(SpecError, match="IOUtils is not found: it is one of CommunityModules"):
                checker.check(spec, dump_trace=files)
            return
        spec = attrs.evolve(spec, trusted_jars=tuple(COMMUNITY[:1]))
    result = checker.check(spec, dump_trace=files)
    assert result.trace is not None
    assert not result.printed  # TLC's notice names a file of ours
    assert itf.read(other).states == result.trace.states
    (read,) = read_traces(file)
    assert [step.action for step in read.steps] == [step.action for step in result.trace.steps]
    if format_ == "tla":  # JSON has neither sets nor model values
        assert list(read.states) == list(result.trace.states)
        assert file.read_text(encoding="utf-8").startswith("---- MODULE Found ----")


def test_itf_is_dumped_by_every_tlc(checker: Checker, tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Sets", _SETS, _SETS_CONFIG)
    found = checker.check(spec, dump_trace={"itf": tmp_path / "t.itf.json"}).trace
    assert found is not None
    assert list(itf.read(tmp_path / "t.itf.json").states) == list(found.states)
    with pytest.raises(
        ConfigError, match="there is no format dot of counterexamples; there are tla, json, itf"
    ):
        checker.check(spec, dump_trace={"dot": tmp_path / "t.dot"})


def test_the_check_command_dumps_its_counterexample(one_engine: Engine, tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Sets", _SETS, _SETS_CONFIG)
    file = tmp_path / "t.itf.json"
    done = CliRunner().invoke(main, ["check", str(spec.path), "--dump-trace", "itf", str(file)])
    assert done.exit_code == 1, done.output
    assert json.loads(file.read_text(encoding="utf-8"))["#meta"]["engine"] == one_engine.label
    refused = CliRunner().invoke(main, ["check", str(spec.path), "--dump-trace", "tla", str(file)])
    if not _is_newer(one_engine):
        assert refused.exit_code == 2
        assert "tlacheck engine use FILE" in refused.stderr


def test_dumps_do_not_go_with_distributed(tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Sets", _SETS, _SETS_CONFIG)
    done = CliRunner().invoke(
        main, ["check", str(spec.path), "--distributed", "--dump-trace", "itf", "t.json"]
    )
    assert done.exit_code == 2
    assert "--dump-trace cannot go with --distributed" in done.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("---- MODULE M ----\nCounterExample == \n\t1\n====\n", 'a record with "state" and "action"'),
        ("---- MODULE M ----\nCounterExample == \n\t[state |-> {}, action |-> {}]\n====\n", "it has none"),
        ("---- MODULE M ----\nCounterExample == \n\t[state |-> {1}, action |-> {}]\n====\n", "hold pairs"),
        ("---- MODULE M ----\nCounterExample == \n\t[state |-> {<<1, \n====\n", "cannot be read"),
    ],
)
def test_a_module_without_a_counterexample_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "M.tla").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["trace", "convert", str(tmp_path / "M.tla")])
    assert done.exit_code == 2
    assert why in done.stderr


def test_check_is_refused_a_dump_that_cannot_be_written(tmp_path: Path) -> None:
    spec = _spec(tmp_path, "Sets", _SETS, _SETS_CONFIG)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Exception, match="cannot be written"):
        check(spec, dump_trace={"itf": tmp_path / "file" / "t.itf.json"})
