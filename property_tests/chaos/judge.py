"""The judge of a real run: the spec, asked about each step of each node, from the first to the last.

What all protocols share is here: the second run, the order, answers of clients. A `Follower` takes the steps
to the recorder of its protocol, as the simulator does: to that a real cluster is one more host of the same
core.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import attrs

from node.cluster import opened
from node.engine import Core
from node.protocols import core_of
from property_tests.chaos.answers import check_answers, read_answers
from property_tests.chaos.hotstuff_judge import HotStuffFollower
from property_tests.chaos.logs import Contradiction, Start, read_log
from property_tests.chaos.order import in_order, taken_messages
from property_tests.chaos.pbft_judge import PbftFollower
from property_tests.chaos.raft_judge import RaftFollower
from property_tests.chaos.second_run import CameBack, Happened, Taken, Undone, second_run
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.harness import SpecRun

__all__ = ["Follower", "Judged", "Logs", "cores_in", "judge_logs", "logs_in"]

#: node -> its starts.
Logs = Mapping[str, Sequence[Start]]


class Follower(Protocol):
    """Follows one run in the spec of its protocol.

    Attributes:
        spec: the run of the spec.
        met: how often each thing happened.
    """

    spec: SpecRun
    met: Counter[str]

    def take(self, event: Taken) -> None:
        """Follow a step.

        Raises:
            Diverged: the spec does not allow it.
        """

    def lose(self, message: Any) -> None:
        """Note that a message was lost."""

    def come_back(self, event: CameBack) -> None:
        """Follow a restart."""

    def finish(self) -> None:
        """Compare all at the end.

        Raises:
            Diverged: the spec has something else.
        """


#: protocol -> how its follower is made: of a folder for files, the cores, what happened.
_FOLLOWERS: Final[Mapping[str, Callable[[Path, Mapping[str, Any], Mapping[str, Any]], Follower]]] = {
    "raft": lambda folder, cores, runs: RaftFollower(folder, next(iter(cores.values())).nodes, runs),
    "pbft": PbftFollower,
    "hotstuff": HotStuffFollower,
}


@attrs.frozen
class Judged:
    """The judgement of the logs of a run.

    Attributes:
        rule: what does not hold; empty if all does.
        why: the reason, for people.
        trace: the file with the last steps, if the spec refused one.
        steps: how many steps of nodes there were.
        undone: how many of them a crash undid.
        lost: how many messages were lost.
        restarts: how often a node came back.
        leaders: how often a node became leader; in HotStuff, where they take turns, the first one, and each
            that followed a leader whose view was given up.
        actions: action of the spec -> how often it was taken.
    """

    rule: str = ""
    why: str = ""
    trace: Path | None = None
    steps: int = 0
    undone: int = 0
    lost: int = 0
    restarts: int = 0
    leaders: int = 0
    actions: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def holds(self) -> bool:
        """True if the logs are those of a run of the spec."""
        return not self.rule


def cores_in(folder: Path) -> dict[str, Core]:
    """Return the cores of a cluster's folder: node -> its core.

    Raises:
        NodeError: it holds no cluster.
    """
    cluster = opened(folder)
    return {
        name: core_of(cluster.settings, name, cluster.node_folder(name)) for name in cluster.settings.names
    }


def logs_in(folder: Path, cores: Mapping[str, Core]) -> Logs:
    """Return the event logs of a cluster's folder.

    Raises:
        Contradiction: one is not whole, or there is none.
    """
    paths = sorted((folder / "nodes").glob("*/events.ndjson"))
    if not paths:
        raise Contradiction("WholeLog", f"{folder} holds no event logs: nodes/*/events.ndjson")
    return {path.parent.name: read_log(path, cores[path.parent.name]) for path in paths}


def judge_logs(folder: Path, logs: Logs | None = None, *, scratch: Path | None = None) -> Judged:
    """Judge the event logs of a run by the spec.

    Args:
        folder: of the cluster.
        logs: the logs, if not those in the folder.
        scratch: where the configuration and the trace of a failure go, if not into the folder.
    """
    cores = cores_in(folder)
    place = scratch or folder
    try:
        found = logs_in(folder, cores) if logs is None else logs
        runs = {node: second_run(starts, cores[node]) for node, starts in found.items()}
        core = next(iter(cores.values()))
        taken = taken_messages(runs, core)
        if logs is None:
            check_answers(read_answers(folder), runs, core)
        judge = _Judge(_FOLLOWERS[core.protocol](place, cores, runs), runs, taken, core)
        try:
            return judge.judge()
        except Diverged as failure:
            path = place / "refused.itf.json"
            itf.write(failure.trace, path)
            violation = failure.trace.violation
            rule = violation.property if violation else f"conforms to the spec of {core.protocol}"
            why = "\n".join(violation.explanation) if violation else str(failure)
            return attrs.evolve(judge.judged(), rule=rule, why=why, trace=path)
    except Contradiction as failure:
        return Judged(rule=failure.rule, why=str(failure))


class _Judge:
    """Follows one run."""

    def __init__(
        self,
        follower: Follower,
        runs: Mapping[str, Sequence[Happened]],
        taken: frozenset[object],
        core: Core,
    ) -> None:
        self._follower = follower
        self._runs = runs
        self._taken = taken
        self._core = core
        self._met: Counter[str] = Counter()

    def judge(self) -> Judged:
        """Follow the run to its end.

        Raises:
            Diverged: the spec does not allow a step.
        """
        for event in in_order(self._runs):
            match event:
                case Taken():
                    self._met["steps"] += 1
                    self._follower.take(event)
                    for stamp, _, sent in event.sent:
                        if stamp not in self._taken:
                            self._lose(sent)
                case Undone(logged=logged):
                    self._met["undone"] += 1
                    message = self._core.message_in(logged.input)
                    if message is not None:
                        self._lose(message)
                case CameBack():
                    self._met["restarts"] += 1
                    self._follower.come_back(event)
        self._follower.finish()
        return self.judged()

    def judged(self) -> Judged:
        """The judgement so far."""
        met = self._met
        return Judged(
            steps=met["steps"],
            undone=met["undone"],
            lost=met["lost"],
            restarts=met["restarts"],
            leaders=self._follower.met["leaders"],
            actions=dict(self._follower.spec.actions),
        )

    def _lose(self, message: Any) -> None:
        self._met["lost"] += 1
        self._follower.lose(message)
