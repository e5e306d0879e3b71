"""Implementations follow what their specs do, and leave what only weakened specs do."""

from pathlib import Path
from typing import Final

import pytest

from tlacheck import itf
from tlacheck.conform.replay import replay
from tlacheck.conform.replays import Replays, load

_DECLARED: Final = {
    protocol: load(f"property_tests.{protocol}.replays:REPLAYS")
    for protocol in ("barrier", "coordination", "gossip", "hotstuff", "pbft", "raft", "threat", "vote")
}


def _cases(kind: str) -> list[object]:
    return [
        pytest.param(declared, path, id=f"{protocol}-{path.name.removesuffix('.itf.json')}")
        for protocol, declared in _DECLARED.items()
        for path in getattr(declared, kind)
    ]


@pytest.mark.parametrize(("declared", "path"), _cases("followed"))
def test_the_implementation_follows_the_spec_to_the_end(declared: Replays, path: Path) -> None:
    trace = itf.read(path)
    assert trace.violation is not None
    run = replay(trace, declared.system_of(trace))
    assert run.violation is None
    assert len(run) == len(trace) > 0


@pytest.mark.parametrize(("declared", "path"), _cases("weakened"))
def test_the_implementation_leaves_what_only_a_weakened_spec_allows(declared: Replays, path: Path) -> None:
    """Code that follows one of these has the fault that was put into the spec."""
    trace = itf.read(path)
    assert trace.violation is not None
    found = replay(trace, declared.system_of(trace)).violation
    assert found is not None
    assert found.property.startswith("conforms to ")
