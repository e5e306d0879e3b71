"""Inputs of voters and counters. The message of a `Receive` may be anything at all."""

from typing import TypeAlias

import attrs

from impl.vote.statements import Choice

__all__ = ["Cast", "CounterInput", "GiveUp", "Receive", "Repeat", "VoterInput"]


@attrs.frozen
class Cast:
    """The voter's reviewer has come to an opinion, or the voter is bound to this choice."""

    choice: Choice


@attrs.frozen
class GiveUp:
    """There is no consensus, or the voter has waited long enough."""


@attrs.frozen
class Receive:
    """A message has arrived from any sender."""

    message: object


@attrs.frozen
class Repeat:
    """The repetition timer fired: send again to those that may have missed it."""


VoterInput: TypeAlias = Cast | GiveUp | Receive | Repeat
CounterInput: TypeAlias = Receive | Repeat
