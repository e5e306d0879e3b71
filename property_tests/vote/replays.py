"""Replays of voting: recorded traces, every edge of a model, random walks."""

from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.vote.adapter import VoteSystem
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.tlc.configuration import Constants
from tlacheck.trace import Trace

__all__ = ["REPLAYS", "system_for"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_SIZES: Final = immutabledict(FourVoters=4, FiveVoters=5, SevenVoters=7)


def system_for(config: Path) -> VoteSystem:
    """A ballot with the constants of a configuration of `specs/vote`.

    Raises:
        ConfigError: the configuration leaves one of them out.
    """
    constants = Constants.of(config)
    return VoteSystem(
        tuple(f"v{number + 1}" for number in range(constants.choice("Voter", _SIZES))),
        byzantine=frozenset(constants.names("Byzantine", ())),
        f=constants.number("MaxFaulty"),
        counters=constants.names("Counter", ()),
    )


def _counted(run: Trace) -> dict[str, int]:
    last: Any = run.states[-1]
    verdicts = sum(judged["choice"].name != "none" for judged in last["judged"].values())
    return {"rounds": max(last["round"].values()), "verdicts": verdicts}


REPLAYS: Final = Replays(
    system_for=system_for,
    specs=_ROOT / "specs" / "vote",
    traces=_ROOT / "traces" / "golden" / "vote",
    root=_ROOT,
    # Two rounds, a liar, and a counter that may convict it.
    edges=Edges(module="MCVote.tla", config="edges.cfg", at_least=5_000),
    # They vote and confirm more often than they give up, or nothing would ever be decided.
    walks=Walks(
        module="MCVote.tla",
        config="Oracle4.cfg",
        weights=immutabledict(
            Vote=4.0, Confirm=4.0, GiveUp=0.3, Enter=4.0, Convict=0.2, Report=0.5, Decide=2.0
        ),
        counted=_counted,
    ),
)
