"""The service that a Byzantine protocol replicates: `impl.machine`, with canonical values.

An operation is a request of a client as JSON, `{"propose": TEXT}` or `{"read": KEY}`, and its result the
answer as JSON. A read is ordered like any other operation.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from impl import machine
from impl.common import Value
from impl.common.requests import Request
from node.codec import parsed
from node.errors import BadFrame
from node.proposals import Proposal, command_of, shown_answer
from node.reads import checked_key, value_of

__all__ = ["MACHINE", "MachineService"]


@attrs.frozen
class MachineService:
    """The state machine as a Byzantine protocol replicates it: its states are snapshots, its results JSON."""

    @property
    def initial(self) -> Value:
        """The state before the first request."""
        return machine.snapshot(machine.initial())

    def apply(self, value: Value, request: Request) -> tuple[Value, Value]:
        """The state after a request, and the answer; to what is no request of this machine a refusal."""
        state = _restored(value if isinstance(value, bytes) else b"")
        try:
            match parsed(str(request.operation).encode()):
                case {"propose": str(text)}:
                    state, answer = machine.apply(state, command_of(Proposal(text)))
                    return _snapshot(state), _json({"answer": shown_answer(answer)})
                case {"read": str(key)}:
                    return value, _json({"value": value_of(state, checked_key(key))})
        except BadFrame as error:
            return value, _json({"refused": str(error), "is_wrong": True})
        return value, _json({"refused": "propose a command, or read a key", "is_wrong": True})


@functools.lru_cache(maxsize=64)
def _restored(value: bytes) -> machine.State:
    return machine.restore(value)


def _snapshot(state: machine.State) -> bytes:
    return machine.snapshot(state)


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


#: The one service.
MACHINE: Final = MachineService()
