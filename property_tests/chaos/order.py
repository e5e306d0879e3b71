"""One order of all that happened to the nodes of a run.

A message is taken after the step that sent it; each node's steps are in their own order. Any order with
these two properties is a run that could have been, and none of the spec's rules depends on which it is:
an action speaks of one server and of messages. Where both leave it open, the nodes' clocks decide, for
people.

* **Sent**: a message that a node took was sent to it, with this content, by a step of which the disk held
  all.
* **Once**: it was taken once; the connections double nothing.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from node.engine import Core
from node.stamps import Stamp
from property_tests.chaos.logs import Contradiction
from property_tests.chaos.second_run import CameBack, Happened, Taken, Undone

__all__ = ["ONCE", "SENT", "in_order", "taken_messages"]

SENT: Final = "Sent"
ONCE: Final = "Once"


def taken_messages(runs: Mapping[str, Sequence[Happened]], core: Core) -> frozenset[Stamp]:
    """Return the stamps of the messages that somebody took, also in a step that a crash undid.

    Args:
        runs: node -> what happened to it.
        core: of any node.

    Raises:
        Contradiction: a message was taken that nobody sent, or twice.
    """
    sent = {
        stamp: (dest, message, event.is_out)
        for run in runs.values()
        for event in run
        if isinstance(event, Taken)
        for stamp, dest, message in event.sent
    }
    taken: set[Stamp] = set()
    for node, run in runs.items():
        for event in run:
            if isinstance(event, CameBack) or event.logged.stamp is None:
                continue
            stamp = event.logged.stamp
            message = core.message_in(event.logged.input)
            dest, said, is_out = sent.get(stamp, ("nobody", None, False))
            if (dest, said) != (node, message):
                raise Contradiction(
                    SENT, f"{node} took {message} as {stamp}, and {stamp.node} sent {said} to {dest}"
                )
            if not is_out:
                raise Contradiction(
                    SENT,
                    f"{node} took {message}, sent by {stamp.node} in step {stamp.step} of start "
                    f"{stamp.start} before its disk held that step",
                )
            if stamp in taken:
                raise Contradiction(ONCE, f"{node} took {message} twice, as {stamp}")
            taken.add(stamp)
    return frozenset(taken)


def in_order(runs: Mapping[str, Sequence[Happened]]) -> Iterator[Happened]:
    """Give all that happened, each message after it was sent.

    Raises:
        Contradiction: there is no such order, for a message was taken before it was sent.
    """
    done: set[tuple[str, int, int]] = set()
    places = dict.fromkeys(runs, 0)
    waiting: dict[tuple[str, int, int], list[str]] = {}
    heap: list[tuple[int, str]] = []

    def offer(node: str) -> None:
        if places[node] == len(runs[node]):
            return
        event = runs[node][places[node]]
        cause = None if isinstance(event, CameBack) else _cause(event)
        if cause is None or cause in done:
            heapq.heappush(heap, (event.at if isinstance(event, CameBack) else event.logged.at, node))
        else:
            waiting.setdefault(cause, []).append(node)

    for node in runs:
        offer(node)
    while heap:
        _, node = heapq.heappop(heap)
        event = runs[node][places[node]]
        places[node] += 1
        yield event
        if isinstance(event, Taken):
            step = (node, event.start, event.logged.number)
            done.add(step)
            for other in waiting.pop(step, ()):
                offer(other)
        offer(node)
    if left := [node for node in runs if places[node] < len(runs[node])]:
        raise Contradiction(SENT, f"{', '.join(left)} took messages that had not been sent by then")


def _cause(event: Taken | Undone) -> tuple[str, int, int] | None:
    stamp = event.logged.stamp
    return None if stamp is None else (stamp.node, stamp.start, stamp.step)
