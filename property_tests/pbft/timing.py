"""A judge of PBFT's timers, its answers to clients, and the votes behind its certificates.

| property       | says                                                                                      |
|----------------|-------------------------------------------------------------------------------------------|
| `Backoff`      | the view-change timer runs for 2^k times its duration after k fruitless views, and starts |
|                | for a reason only                                                                         |
| `Joins`        | a replica follows f + 1 others that want later views, to the first of these               |
| `Repeats`      | what is retransmitted is all that may have been lost                                      |
| `Answers`      | a client that asks again is answered again                                                |
| `Certified`    | what is prepared or committed has the votes of a quorum for the same view and batch       |
| `ExecutedOnce` | no number is executed twice                                                               |

Sources: paper, 4.1, 4.2, 4.4 and 4.5.2. The judge counts for itself.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from impl import pbft
from property_tests.pbft.host import ReplicaStep, replica_step
from tlacheck.harness import Broken, Judge, Size
from tlacheck.sim import StepRecord

__all__ = ["Timing", "certified"]


class Timing(Judge):
    """Counts fruitless views of each replica, and compares."""

    def __init__(self, size: Size) -> None:
        del size
        self._futile: Counter[str] = Counter()

    def on_restart(self, node: str, state: Any) -> Iterator[Broken]:
        """A crash forgets the views that were fruitless."""
        del self._futile[node], state
        return iter(())

    def on_step(self, record: StepRecord) -> Iterator[Broken]:
        """The properties that a step of an honest replica breaks."""
        step = replica_step(record)
        return (Broken(name, f"{step.name} {why}") for name, why in self._wrong(step))

    def _wrong(self, step: ReplicaStep) -> Iterator[tuple[str, str]]:
        name, before, after = step.name, step.before, step.after
        old, new = before.durable, after.durable
        answered = any(isinstance(message, pbft.Reply) for message in step.sent)
        self._futile[name] += new.view > old.view and new.changing
        is_progress = new.executed > old.executed and not new.changing
        if is_progress:
            self._futile[name] = 0
        multiplier = min(2 ** self._futile[name], after.config.multiplier_max)
        for effect in step.effects:
            match effect:
                case pbft.ResetTimer(multiplier=given) if given != multiplier:
                    reason = f"left {self._futile[name]} views in vain"
                    yield "Backoff", f"waits for {given} times the timeout, not {multiplier}: it {reason}"
                case pbft.ResetTimer():
                    moved = new.executed > old.executed or (new.view, new.changing) != (
                        old.view,
                        old.changing,
                    )
                    if pbft.is_waiting(before) and not moved:
                        yield (
                            "Backoff",
                            f"starts its timer anew because of {type(step.input).__name__} alone",
                        )
                    if new.changing and _wanting(after) < after.config.quorum:
                        yield (
                            "Backoff",
                            f"starts its timer though {_wanting(after)} replicas want view {new.view}",
                        )
        is_running = any(isinstance(effect, pbft.ResetTimer) for effect in step.effects)
        if new.changing and not is_running and _wanting(before) < after.config.quorum <= _wanting(after):
            yield "Backoff", f"does not start its timer though a quorum wants view {new.view}"
        yield from certified(step)
        match step.input:
            case pbft.Retransmit():
                if missing := sorted(_due_again(after) - {_topic(message) for message in step.sent}):
                    yield "Repeats", f"is to say all again, and leaves out {missing}"
            case pbft.Receive(message=pbft.ViewChange() as wish):
                views = {source: each.view for source, each in before.view_changes.items() if source != name}
                wanted = sorted(
                    view for view in {**views, wish.source: wish.view}.values() if view > old.view
                )
                due = wanted[0] if len(wanted) > after.config.f and wish.source != name else old.view
                if not step.is_refused and new.view != due:
                    yield "Joins", f"goes to view {new.view} from {old.view} when others want {wanted}"
            case pbft.Receive(message=pbft.Request() as request):
                last = old.state.last_answer(request.client)
                if (
                    last is not None
                    and last.timestamp == request.timestamp
                    and not (step.is_refused or answered)
                ):
                    yield "Answers", f"does not answer {request.client} again"


def _due_again(node: pbft.Node) -> set[tuple[str, int]]:
    """Messages that a replica must retransmit, by kind and number or view."""
    durable, due = node.durable, set[tuple[str, int]]()
    if durable.changing:
        due.add(("ViewChange", durable.view))
    elif durable.entered is not None and node.is_primary:
        due.add(("NewView", durable.view))
    due |= {("Checkpoint", seq) for seq in durable.snapshots if seq > durable.stable.seq}
    due |= {("Prepare", seq) for seq in durable.accepted if not node.is_primary}
    for seq, certificate in durable.prepared.items():
        if certificate.view == durable.view and seq in durable.accepted:
            due.add(("Commit", seq))
    return due


def _topic(message: pbft.Message) -> tuple[str, int]:
    numbered = isinstance(message, pbft.Checkpoint | pbft.Prepare | pbft.Commit)
    return type(message).__name__, getattr(message, "seq" if numbered else "view", 0)


def certified(step: ReplicaStep) -> Iterator[tuple[str, str]]:
    """Prepared and committed batches have a quorum of votes in their view; each runs once (paper, 4.2)."""
    before, quorum = step.before, step.after.config.quorum
    old, new = before.durable, step.after.durable
    said = list(step.sent)
    if isinstance(step.input, pbft.Receive):
        said.append(step.input.message)
    for seq, certificate in new.prepared.items():
        if old.prepared.get(seq) is certificate:
            continue
        about = certificate.view, seq, pbft.digest(certificate.batch)
        votes = {vote.source: (vote.view, vote.seq, vote.digest) for vote in certificate.prepares}
        agreed = {source for source, vote in votes.items() if vote == about} | {
            certificate.pre_prepare.source
        }
        if len(agreed) < quorum:
            yield "Certified", f"has prepared number {seq} with the prepares {votes}"
    executed = {effect.seq for effect in step.effects if isinstance(effect, pbft.Executed)}
    if again := sorted(seq for seq in executed if seq <= old.executed):
        yield "ExecutedOnce", f"executes number {again[0]} again, having executed {old.executed}"
    for seq in sorted((executed | set(new.committed)) - set(old.committed)):
        commits = dict(before.votes[seq].commits) if seq in before.votes else {}
        commits |= {vote.source: vote for vote in said if isinstance(vote, pbft.Commit) and vote.seq == seq}
        voters = Counter((vote.view, vote.digest) for vote in commits.values())
        if max(voters.values(), default=0) < quorum:
            yield "Certified", f"has committed number {seq} with the commits {dict(voters)}"
        elif step.name not in commits:
            yield "Certified", f"has committed number {seq}, which it has not prepared"


def _wanting(node: pbft.Node) -> int:
    """The number of replicas, itself included, known to want this replica's next view or a later one."""
    view = node.durable.view
    others = {
        source for source, wish in node.view_changes.items() if wish.view >= view and source != node.name
    }
    return len(others) + node.durable.changing
