"""Requests of a threat machine to its host, to be carried out in order."""

import enum
from typing import TypeAlias

import attrs

from impl.common.results import Refused
from impl.threat.levels import Level
from impl.threat.state import Durable

__all__ = ["Because", "Effect", "LevelChanged", "Persist", "State"]


class Because(enum.Enum):
    """Why a level changed."""

    SCORE = "the cluster score reached its threshold"
    PROOF = "there is proof"
    CALM = "the cluster score was low for long enough"


@attrs.frozen
class Persist:
    """Write this to disk before any later effect: `recover` needs it after a crash."""

    durable: Durable


@attrs.frozen
class State:
    """Sign this score with its number, and send it to all other replicas, which take it as `Statement`."""

    score: int
    number: int


@attrs.frozen
class LevelChanged:
    """The level is another one."""

    old: Level
    new: Level
    because: Because


Effect: TypeAlias = Persist | State | LevelChanged | Refused
