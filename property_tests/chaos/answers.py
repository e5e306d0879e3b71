"""Answers that clients got, held against the logs of the nodes that gave them.

* **Answered**: a node that answers a proposal has applied it by the step that the answer names. Whether the
  entry is lost later does not matter, so that one answer before its commit is enough to find the mistake.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from node.engine import Core
from node.stamps import Reached
from property_tests.chaos.logs import Contradiction
from property_tests.chaos.second_run import CameBack, Happened, Taken

__all__ = ["ANSWERED", "Answered", "check_answers", "read_answers", "write_answers"]

ANSWERED: Final = "Answered"
_FILE: Final = "answers.ndjson"


@attrs.frozen
class Answered:
    """A proposal that a client got an answer to.

    Attributes:
        proposal: its short name.
        reached: the node that answered, and the step that it had reached.
    """

    proposal: str
    reached: Reached


def write_answers(answers: Iterable[Answered], folder: Path) -> None:
    """Write the answers of a run into its folder, one JSON object a line."""
    lines = [json.dumps(attrs.asdict(answer)) for answer in answers]
    (folder / _FILE).write_text("\n".join([*lines, ""]), encoding="utf-8")


def read_answers(folder: Path) -> tuple[Answered, ...]:
    """Read the answers in the folder of a run.

    Raises:
        Contradiction: the file is not as `write_answers` leaves it.
    """
    try:
        lines = (folder / _FILE).read_text(encoding="utf-8").splitlines()
        said = [json.loads(line) for line in lines if line]
        return tuple(Answered(str(each["proposal"]), Reached(**each["reached"])) for each in said)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Contradiction("WholeLog", f"{_FILE} cannot be read: {error}") from error


def check_answers(answers: Iterable[Answered], runs: Mapping[str, Sequence[Happened]], core: Core) -> None:
    """Check that each answer came from a node that had applied the proposal.

    Args:
        answers: what clients got.
        runs: node -> what happened to it.
        core: of any node.

    Raises:
        Contradiction: one did not.
    """
    applied: dict[tuple[str, int, str], int] = {}
    for run in runs.values():
        for event in run:
            if isinstance(event, Taken):
                for name in core.applied(event.after, event.effects):
                    applied.setdefault((event.node, event.start, name), event.logged.number)
            elif isinstance(event, CameBack):
                for name in core.held(event.state):
                    applied.setdefault((event.node, event.start, name), 0)
    for answer in answers:
        reached = answer.reached
        first = applied.get((reached.node, reached.start, answer.proposal))
        if first is None or first > reached.step:
            since = "it never applied it" if first is None else f"it applied it in step {first}"
            raise Contradiction(
                ANSWERED,
                f"{reached.node} answered {answer.proposal} by step {reached.step} of start {reached.start}, "
                f"and {since}",
            )
