"""Promises of the Raft specs: `event` adds no state, views hide no violation, pins hold.

TLC checks instances small enough for every test run; the large ones belong to `make verify`.
"""

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from tlacheck.engine import Engine
from tlacheck.tlc import Checker, CheckResult, Spec
from tlacheck.tlc.configuration import configuration_text
from tlacheck.verify.manifest import Expectation, Model, read_manifest

pytestmark = pytest.mark.sweep

_RAFT: Final = Path(__file__).parents[2] / "specs" / "raft"
_MODELS: Final = {model.config.stem: model for model in read_manifest(_RAFT / "manifest.toml")}

#: The smallest instance in which a leader commits a client's value, a server crashes and messages are
#: lost and doubled.
_TINY: Final = """SPECIFICATION MCSpec
CONSTANTS
    Server = {n1, n2}
    Value = {v1}
    Nil = Nil
    NoOp = NoOp
    MaxEntries = 2
    MaxTerm = 2
    MaxLogLength = 2
    MaxAppends = 1
    MaxRestarts = 1
    MaxDuplicates = 1
    MaxDrops = 1
    MaxInFlight = 1
    Heartbeats = FALSE
    RequestTerms = {1}
    Founders = {n1, n2}
    Read = {}
    Features = {}
    MaxUnacknowledged = 1
    ElectionTicks = 1
    LeaseTicks = 0
    MaxSkew = 1
    MaxCompactions = 0
    MaxChanges = 0
    MaxTransfers = 0
    MaxRounds = 0
    Retries = FALSE
    Tickers = {}
"""


def _counts(result: CheckResult) -> tuple[int, int, int]:
    return result.generated, result.distinct, result.depth


def _spec(folder: Path, module: str, text: str) -> Spec:
    """`module`, beside copies of the protocol's modules, with this configuration."""
    for path in _RAFT.glob("*.tla"):
        shutil.copy(path, folder)
    config = folder / "test.cfg"
    config.write_text(text, encoding="utf-8")
    return Spec.load(folder / f"{module}.tla", config)


def _without_events() -> str:
    """MCRaft on top of Raft instead of RaftEvents: the same guards around the pure actions."""
    text = (_RAFT / "MCRaft.tla").read_text(encoding="utf-8")
    text = text.replace("MODULE MCRaft", "MODULE MCPure").replace("EXTENDS RaftEvents", "EXTENDS Raft")
    text = text.replace("<<vars, event, spent>>", "<<vars, spent>>").replace("EventInit", "Init")
    for event, pure in (
        ("RestartEvent(i)", r"(\E last \in SurvivingIndexes(i) : Restart(i, last))"),
        ("DiskSyncedEvent(i)", r"(\E last \in synced[i] + 1..LastIndex(i) : DiskSynced(i, last))"),
        (
            "ChangeMembershipEvent(i, Proposals(Config(i)))",
            r"(\E c \in Proposals(Config(i)) : ChangeMembership(i, c))",
        ),
    ):
        assert text.count(event) == 1
        text = text.replace(event, pure)
    text = re.sub(r"\b(\w+)Event\(", r"\1(", text)
    text = re.sub(
        r"\b(Handle\w+|DuplicateMessage|DropMessage)Event\b", r"(\\E m \\in DOMAIN messages : \1(m))", text
    )
    text = re.sub(r"^ .*event'.*\n", "", text, flags=re.MULTILINE)
    code = re.sub(r"\(\*.*?\*\)|\\\*[^\n]*", "", text, flags=re.DOTALL)
    assert "event" not in code.lower()
    return text


_SAFETY: Final = re.sub(
    r"\A.*?(?=^INVARIANTS)",
    "",
    configuration_text(_RAFT / "smoke.cfg"),
    flags=re.DOTALL | re.MULTILINE,
)


@pytest.fixture(scope="module")
def one(one_checker: Checker) -> Checker:
    """One engine suffices to compare two models; the pins show that the engines agree."""
    return one_checker


@pytest.fixture(scope="module")
def plain(one: Checker, tmp_path_factory: pytest.TempPathFactory) -> CheckResult:
    """The tiny instance with all its messages, and all properties."""
    folder = tmp_path_factory.mktemp("plain")
    return one.check(_spec(folder, "MCRaft", f"{_TINY}VIEW PlainView\n{_SAFETY}"), deadlock=False)


def test_the_variable_event_adds_no_state(one: Checker, plain: CheckResult, tmp_path: Path) -> None:
    """`RaftEvents.tla` promises that its states are Raft's: same number, same depth, same steps."""
    pure = _spec(tmp_path, "Raft", f"{_TINY}{_SAFETY}")
    (tmp_path / "RaftEvents.tla").unlink()
    (tmp_path / "MCPure.tla").write_text(_without_events(), encoding="utf-8")
    without = one.check(Spec.load(tmp_path / "MCPure.tla", pure.config), deadlock=False)
    assert plain.verdict.is_established
    assert without.verdict == plain.verdict
    assert _counts(without) == _counts(plain)
    assert plain.distinct > 1_000


def test_without_the_view_event_would_add_states(one: Checker, plain: CheckResult, tmp_path: Path) -> None:
    """The comparison above is not vacuous."""
    seen = one.check(_spec(tmp_path, "MCRaft", f"{_TINY}VIEW MCVars\n"), deadlock=False)
    assert seen.distinct > plain.distinct


@pytest.mark.parametrize("witness", ["NothingCommitted", "NoLeaderRestarts"])
def test_the_tiny_instance_reaches_its_goals(one: Checker, tmp_path: Path, witness: str) -> None:
    """The counts of an idle model would agree as well."""
    spec = _spec(tmp_path, "MCRaft", f"{_TINY}VIEW MCView\nINVARIANT {witness}\n")
    assert one.check(spec, deadlock=False).verdict.violates == witness


def test_the_view_without_dead_messages_keeps_verdicts(
    one: Checker, plain: CheckResult, tmp_path: Path
) -> None:
    """`MCView` merges states that differ only in dead messages: fewer states, the same verdict."""
    merged = one.check(_spec(tmp_path, "MCRaft", f"{_TINY}VIEW MCView\n{_SAFETY}"), deadlock=False)
    assert merged.verdict == plain.verdict
    assert merged.verdict.is_established
    assert merged.distinct < plain.distinct


@pytest.mark.parametrize("name", ["mutant_forgotten_vote", "mutant_always_votes", "mutant_forgotten_log"])
def test_the_view_without_dead_messages_keeps_violations(one: Checker, tmp_path: Path, name: str) -> None:
    """A view that merged too much would hide a violation; these are found with and without it."""
    text = configuration_text(_RAFT / f"{name}.cfg")
    merged = one.check(_spec(tmp_path, "MCRaftMutants", text), deadlock=False)
    assert "VIEW MCView" in text
    plain = one.check(
        _spec(tmp_path, "MCRaftMutants", text.replace("VIEW MCView", "VIEW PlainView")), deadlock=False
    )
    assert merged.verdict == plain.verdict
    assert merged.verdict.violates == _MODELS[name].violates
    assert merged.trace is not None
    assert plain.trace is not None
    assert len(merged.trace) == len(plain.trace)


def _check(checker: Checker, model: Model) -> CheckResult:
    return checker.check(Spec.load(model.spec, model.config), deadlock=model.deadlock)


@pytest.mark.parametrize(
    "name", ["smoke", "mutant_any_log", "mutant_forgotten_log", "mutant_always_votes", "witness_commit"]
)
def test_either_engine_gives_the_pinned_counts(checker: Checker, engine: Engine, name: str) -> None:
    """The pins of the manifest are independent of the TLC version and the machine."""
    model = _MODELS[name]
    result = _check(checker, model)
    found = {"generated": result.generated, "distinct": result.distinct, "depth": result.depth}
    if result.trace is not None:
        found["steps"] = len(result.trace)
    assert model.pins
    assert {pin: found[pin] for pin in model.pins} == dict(model.pins)
    assert result.verdict.violates == model.violates
    assert result.verdict.is_established == (model.expect is Expectation.EXHAUSTED)
    assert engine.version in result.engine


def test_every_replaceable_rule_is_weakened_by_a_configuration() -> None:
    """`Raft.tla` claims that safety needs each of its rules; a weakened one must show that."""
    text = (_RAFT / "Raft.tla").read_text(encoding="utf-8")
    start = text.index("The rules on which safety rests")
    rules = re.findall(
        r"^(\w+)(?:\([^)]*\))? *==", text[start : text.index("(* Initial states *)")], re.MULTILINE
    )
    weakened = {
        name
        for model in _MODELS.values()
        if model.config.name.startswith("mutant_")
        for name in re.findall(r"^ *(\w+) <- \w+", configuration_text(model.config), re.MULTILINE)
    }
    assert len(rules) > 10
    assert set(rules) - weakened == {  # made of other rules, which are weakened
        "Holders",
        "LeaderCommitIndex",
        "LastChangeIsCommitted",
        "CommittedInItsTerm",
        "NoLease",
    }
    bounds = {"Proposals", "MayStand", "MayTick", "MayDrop", "Dead"}
    assert weakened - set(rules) - bounds == {"IsMajority", "IsQuorum", "Apply"}
