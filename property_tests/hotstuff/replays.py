"""Replays of the specs of HotStuff on its implementation: recorded traces, every edge, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.hotstuff.adapter import HotStuffSystem
from property_tests.hotstuff.by_view.adapter import ViewsSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_SIZES: Final = immutabledict(FourReplicas=4, SevenReplicas=7)


def system_for(config: Path) -> HotStuffSystem | ViewsSystem:
    """A cluster with the constants of a configuration of `specs/hotstuff`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    f = constants.number("MaxFaulty")
    if "Size" in constants.values:
        return ViewsSystem(constants.number("Size"), liars=constants.number("Liars"), f=f)
    names = tuple(f"r{place}" for place in range(constants.choice("Rotation", _SIZES)))
    return HotStuffSystem(names, byzantine=frozenset(constants.names("Byzantine")), f=f)


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    return {
        "views": max(last["view"].values()),
        "committed": max(map(len, last["committed"].values())),
    }


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "hotstuff",
    traces=_ROOT / "traces" / "golden" / "hotstuff",
    root=_ROOT,
    # One view that may end by time-outs, and a replica that may crash.
    edges=Edges(module="MCHotStuff.tla", config="edges.cfg", at_least=5_000),
    # They vote and learn more often than they time out, or nothing would ever be committed.
    walks=Walks(
        module="MCHotStuff.tla",
        config="Oracle4.cfg",
        weights=immutabledict(
            Propose=6.0, Store=4.0, Vote=6.0, Learn=3.0, TimeOut=0.1, Join=0.3, Enter=1.0, Restart=0.1
        ),
        counted=_counted,
    ),
)
