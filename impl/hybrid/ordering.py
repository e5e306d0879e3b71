"""The BFT protocol in all epochs: its steps, and the commands that a replica submits to it."""

import attrs

from impl import hotstuff, pbft
from impl.common.encoding import Value
from impl.common.identities import NodeId
from impl.common.keys import signed
from impl.common.requests import Reply, Request
from impl.hybrid import engines
from impl.hybrid.control import ControlState
from impl.hybrid.effects import Effect, Refused, ResetViewTimer, Send, StopViewTimer
from impl.hybrid.engines.log import Input as Ordered
from impl.hybrid.inputs import Input, Receive
from impl.hybrid.results import Result, StepResult
from impl.hybrid.state import Node
from impl.hybrid.suspicion import convicted, noticed

__all__ = ["ask", "bft_step"]


def bft_step(node: Node, inp: Ordered, about: Input, sender: NodeId | None = None) -> Result:
    """Take a step of the BFT protocol, and read the control state from what it executed.

    The caller then checks whether the epoch changed: `impl.hybrid.switches.follow`.

    Args:
        node: before the step.
        inp: the input of the BFT protocol.
        about: the input of this replica.
        sender: the peer that it came from.
    """
    engine = node.config.bft
    replica, done = engine.step(node.bft, inp)
    was, now = engine.state(node.bft.durable).value, engine.state(replica.durable).value
    result = _carried_out(attrs.evolve(node, bft=replica), done, about, sender)
    if now is not was:
        result = StepResult(
            attrs.evolve(result.state, committed=ControlState.from_value(now)), result.effects
        )
    return result


def _carried_out(node: Node, done: tuple[engines.Effect, ...], about: Input, sender: NodeId | None) -> Result:
    result: Result = StepResult(node)
    for effect in done:
        effects: tuple[Effect, ...] = ()
        match effect:
            case engines.Said(message=Reply(client=client)) if client in node.config.replicas:
                pass  # a replica that submitted a command sees its effect in the committed state
            case engines.Said(message=message, to=to):
                effects = (Send(message, to),)
            case engines.Timer(multiplier=multiplier):
                effects = (StopViewTimer() if multiplier is None else ResetViewTimer(multiplier),)
            case Refused(reason=reason):
                effects = (Refused(about, reason),)
                if isinstance(effect, pbft.Refused | hotstuff.Refused):
                    result = result.then(noticed, effect, sender)
            case engines.Convicting(source=source, messages=messages):
                result = result.then(convicted, source, messages)
        result = result.with_effects(*effects)
    return result


def ask(node: Node, operation: Value, about: Input) -> Result:
    """Submit a command to the control state machine, unless the previous one of this replica still waits."""
    if node.name in node.bft.waiting:
        return StepResult(node)
    last = node.config.bft.state(node.bft.durable).last_answer(node.name)
    timestamp = last.timestamp + 1 if last is not None else 1
    request = Request(client=node.name, timestamp=timestamp, operation=operation)
    return bft_step(node, Receive(signed(request, node.config.keys)), about)
