"""The layers that `tlacheck mutants` asks of PBFT, the quickest first, and two that are for mutants above all.

| layer       | what drives the implementation                  | what judges it                                      |
|-------------|-------------------------------------------------|-----------------------------------------------------|
| replay      | recorded traces of TLC                          | the states of the trace                             |
| weakened    | TLC's counterexamples of weakened specs         | that it leaves each of them                         |
| calm        | a simulated cluster in which nothing is lost    | that nothing is late, and nobody loses patience     |
| near misses | what convinced a replica, with a part changed   | what may be taken (`near_misses.py`)                |
| soak        | simulated clusters with all faults and a traitor | `Safety`, `Clockwork` and progress                 |
| oracle      | random walks of the spec                        | the states of the walk                              |
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from immutabledict import immutabledict

from impl import pbft
from property_tests.judged import Violated
from property_tests.pbft.cluster import Cluster, Setting
from property_tests.pbft.hosting import Taken, Times
from property_tests.pbft.script import Script
from tlacheck.mutants import Layer
from tlacheck.sim import Network, Uniform
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["LAYERS", "Clockwork", "calm", "certified", "soaked"]

#: How long a host of the calm waits before it loses patience, and before it says all again: both longer than a run.
_FOR_EVER_MS: Final = 1 << 40
#: How long messages of the calm are under way at most.
_SLOW_MS: Final = 80
_CLIENTS: Final = 4

#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "property_tests.pbft.checks:replay_witnesses"),
    Layer("weakened", "property_tests.pbft.checks:replay_weakened"),
    Layer("calm", "property_tests.pbft.layers:calm"),
    Layer("near misses", "property_tests.pbft.near_misses:near_misses"),
    Layer("soak", "property_tests.pbft.layers:soaked"),
    Layer("oracle", "property_tests.pbft.checks:walks", {"walks": 40}),
)


class Clockwork:
    """A judge of what replicas ask of their clocks and answer their clients, which counts for itself (paper, 4.1, 4.4 and 4.5.2).

    Attributes:
        replies: how many replies were sent.
    """

    def __init__(self) -> None:
        self.replies = 0
        self._futile: Counter[str] = Counter()

    def step(self, taken: Taken) -> None:
        """A correct replica took a step.

        Raises:
            Violated: it is too patient, or not patient enough, or starts its timer anew without a reason; or it does not answer
                a client again.
        """
        for property_, wrong in self._wrong(taken):
            raise Violated((property_, f"{taken.name} {wrong}"))

    def _wrong(self, taken: Taken) -> Iterator[tuple[str, str]]:
        name, before, after = taken.name, taken.before, taken.after
        if before is None:  # what it waited for in vain is lost in a crash
            del self._futile[name]
            return
        old, new = before.durable, after.durable
        self.replies += (answered := sum(_is_reply(effect) for effect in taken.effects))
        self._futile[name] += new.view > old.view and new.changing
        is_progress = new.executed > old.executed and not new.changing
        if is_progress:
            self._futile[name] = 0
        patience = min(2 ** self._futile[name], after.config.patience_max)
        for effect in taken.effects:
            match effect:
                case pbft.ResetTimer(patience=given) if given != patience:
                    reason = f"left {self._futile[name]} views in vain"
                    yield "Patience", f"waits for {given} times the timeout, not {patience}: it {reason}"
                case pbft.ResetTimer():
                    moved = new.executed > old.executed or (new.view, new.changing) != (
                        old.view,
                        old.changing,
                    )
                    if pbft.is_waiting(before) and not moved:
                        yield (
                            "Patience",
                            f"starts its timer anew because of {type(taken.input).__name__} alone",
                        )
                    if new.changing and _wanting(after) < after.config.quorum:
                        yield (
                            "Patience",
                            f"starts its timer though {_wanting(after)} replicas want view {new.view}",
                        )
        is_running = any(isinstance(effect, pbft.ResetTimer) for effect in taken.effects)
        if new.changing and not is_running and _wanting(before) < after.config.quorum <= _wanting(after):
            yield "Patience", f"does not start its timer though a quorum wants view {new.view}"
        yield from certified(taken, before)
        match taken.input:
            case pbft.Retransmit():
                sent = [effect.message for effect in taken.effects if isinstance(effect, pbft.Send)]
                if missing := sorted(_due_again(after) - {_topic(message) for message in sent}):
                    yield "Repeats", f"is to say all again, and leaves out {missing}"
            case pbft.Receive(message=pbft.ViewChange() as wish):
                views = {source: each.view for source, each in before.view_changes.items() if source != name}
                wanted = sorted(
                    view for view in {**views, wish.source: wish.view}.values() if view > old.view
                )
                due = wanted[0] if len(wanted) > after.config.f and wish.source != name else old.view
                if not _is_refused(taken) and new.view != due:
                    yield "Joins", f"goes to view {new.view} from {old.view} when others want {wanted}"
            case pbft.Receive(message=pbft.Request() as request):
                last = old.state.last_answer(request.client)
                if (
                    last is not None
                    and last.timestamp == request.timestamp
                    and not (_is_refused(taken) or answered)
                ):
                    yield "Answers", f"does not answer {request.client} again"


def _due_again(node: pbft.Node) -> set[tuple[str, int]]:
    """What a replica must say again for those who have not heard it, by its kind and number or view."""
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


def certified(taken: Taken, before: pbft.Node) -> Iterator[tuple[str, str]]:
    """What is prepared and committed has the votes of a quorum for the same view and batch, and is executed once (paper, 4.2)."""
    old, new, quorum = before.durable, taken.after.durable, taken.after.config.quorum
    said = [effect.message for effect in taken.effects if isinstance(effect, pbft.Send)]
    if isinstance(taken.input, pbft.Receive):
        said.append(taken.input.message)
    for seq, certificate in new.prepared.items():
        about = certificate.view, seq, pbft.digest(certificate.batch)
        votes = {vote.source: (vote.view, vote.seq, vote.digest) for vote in certificate.prepares}
        agreed = {source for source, vote in votes.items() if vote == about} | {
            certificate.pre_prepare.source
        }
        if old.prepared.get(seq) is not certificate and len(agreed) < quorum:
            yield "Certified", f"has prepared number {seq} with the prepares {votes}"
    executed = {effect.seq for effect in taken.effects if isinstance(effect, pbft.Executed)}
    if again := sorted(seq for seq in executed if seq <= old.executed):
        yield "ExecutedOnce", f"executes number {again[0]} again, having executed {old.executed}"
    for seq in sorted((executed | set(new.committed)) - set(old.committed)):
        commits = dict(before.votes[seq].commits) if seq in before.votes else {}
        commits |= {vote.source: vote for vote in said if isinstance(vote, pbft.Commit) and vote.seq == seq}
        voters = Counter((vote.view, vote.digest) for vote in commits.values())
        if max(voters.values(), default=0) < quorum:
            yield "Certified", f"has committed number {seq} with the commits {dict(voters)}"
        elif taken.name not in commits:
            yield "Certified", f"has committed number {seq}, which it has not prepared"


def _is_refused(taken: Taken) -> bool:
    return any(isinstance(effect, pbft.Refused) for effect in taken.effects)


def _is_reply(effect: pbft.Effect) -> bool:
    return isinstance(effect, pbft.Send) and isinstance(effect.message, pbft.Reply)


def _wanting(node: pbft.Node) -> int:
    """How many replicas want the view that this one changes to, or a later one, as far as it heard, with itself."""
    view = node.durable.view
    others = {
        source for source, wish in node.view_changes.items() if wish.view >= view and source != node.name
    }
    return len(others) + node.durable.changing


def soaked(context: Context, *, seeds: int = 8, steps: int = 2_000) -> Outcome:
    """Clusters under all faults, with one traitor of four who is up to anything."""
    taken = 0

    def endured(seed: int) -> None:
        nonlocal taken
        cluster = Cluster(Setting(), seed=seed, record=lambda *_: Clockwork())
        script = Script(cluster, seed)
        try:
            while cluster.steps < steps:
                script.move()
            cluster.heal_and_expect_progress()
        finally:
            taken += cluster.steps

    return _played(context, seeds, endured, lambda: taken)


def calm(context: Context, *, seeds: int = 4, rounds: int = 40) -> Outcome:
    """Clusters in which messages overtake each other, and nothing else goes wrong but for two views that are left too early.

    Nothing is said twice there, and no timer fires by itself: what is asked of any one replica is executed by all of them,
    in the view in which they should be, or some message was not kept when it had to be.
    """
    taken = 0

    def played(seed: int) -> None:
        nonlocal taken
        times = Times(timeout_ms=_FOR_EVER_MS, again_ms=_FOR_EVER_MS)
        clockwork = Clockwork()
        network = Network(delay=Uniform(1, _SLOW_MS))
        cluster = Cluster(
            Setting(traitors=frozenset(), window=32, times=times),
            seed=seed,
            network=network,
            record=lambda *_: clockwork,
        )
        try:
            for scene in (_view_of_two_certificates, _request_of_the_past):
                inputs, property_, wrong = scene()
                taken += inputs
                if wrong:
                    raise Violated((property_, wrong))
            _calmly(cluster, seed, rounds)
        finally:
            taken += cluster.steps

    return _played(context, seeds, played, lambda: taken)


def _calmly(cluster: Cluster, seed: int, rounds: int) -> None:
    """One calm run.

    Raises:
        Violated: something is late, or a property does not hold.
    """
    names = cluster.setting.names
    asked: dict[str, pbft.Request] = {}
    for number in range(rounds):
        client = f"c{number % _CLIENTS}"
        if client in asked and not cluster.safety.believes(asked[client]):
            raise Violated(
                ("Prompt", f"nothing was lost, and {client} waits for an answer at {cluster.world.now_ms} ms")
            )
        asked[client] = cluster.ask(client, number, (names[(seed + number) % len(names)],))
        if number in {rounds // 2, rounds - 1}:
            for name in names:
                cluster.lose_patience(name)
        cluster.advance(6 * _SLOW_MS if number % 3 == seed % 3 else _SLOW_MS)
    cluster.advance(20 * _SLOW_MS)
    executed = {name: cluster.node(name).durable.executed for name in names}
    if len(set(executed.values())) > 1 or not all(map(cluster.safety.believes, asked.values())):
        raise Violated(("Prompt", f"nothing was lost, and not all is executed: {executed}"))
    for name in names:
        node = cluster.node(name)
        if node.durable.view != 2 or pbft.is_waiting(node):
            raise Violated(
                ("Prompt", f"all is executed, and {name} waits for something in view {node.durable.view}")
            )


class _Told:
    """Correct replicas that hear only what they are told, in this order.

    Attributes:
        inputs: how many they took.
    """

    def __init__(self) -> None:
        self.inputs = 0
        names = Setting().names
        self._nodes = {
            name: pbft.first_start(pbft.Config(name, names, pbft.SymbolicKeys(name))) for name in names
        }

    def tell(self, name: str, *told: pbft.Propose | pbft.Timeout | pbft.Message) -> list[pbft.Message]:
        """What a replica says that is told this."""
        said: list[pbft.Message] = []
        for each in told:
            self.inputs += 1
            inp = each if isinstance(each, pbft.Propose | pbft.Timeout) else pbft.Receive(each)
            self._nodes[name], effects = pbft.step(self._nodes[name], inp)
            said += [effect.message for effect in effects if isinstance(effect, pbft.Send)]
        return said

    def executed(self, name: str) -> tuple[int, pbft.State]:
        """Up to which number a replica has executed, and what it came to."""
        durable = self._nodes[name].durable
        return durable.executed, durable.state


def _asked(client: str, timestamp: int = 1) -> tuple[pbft.Request]:
    """The batch of one request."""
    request = pbft.Request(client=client, timestamp=timestamp, operation=f"{client} {timestamp}")
    return (pbft.signed(request, pbft.SymbolicKeys(client)),)


def _view_of_two_certificates() -> tuple[int, str, str]:
    """A view begins of which one replica knows what was prepared in view 0, and another what was prepared in view 1 instead.

    Nobody is faulty, messages are late.

    Returns:
        How many inputs it takes, the property, and what is wrong with what the new view begins with.
    """
    told = _Told()
    tell, names = told.tell, Setting().names
    first, second = _asked("first"), _asked("second")
    proposed = tell("r0", pbft.Propose(first))
    tell("r3", *proposed, *tell("r2", *proposed))  # who alone has a certificate for it now
    wishes = {name: tell(name, pbft.Timeout())[:1] for name in names}
    begun = [*tell("r1", *wishes["r0"], *wishes["r2"]), *tell("r1", pbft.Propose(second))]
    tell("r2", *begun, *tell("r0", *begun))
    wishes = {name: tell(name, pbft.Timeout(), pbft.Timeout())[-1:] for name in ("r0", "r2")}
    tell("r3", pbft.Timeout(), pbft.Timeout())
    last = tell("r3", *wishes["r0"], *wishes["r2"])
    proposals = [made.batch for said in last if isinstance(said, pbft.NewView) for made in said.proposals]
    if proposals == [second]:
        return told.inputs, "Latest", ""
    wrong = f"view 3 begins with {proposals}, and what was prepared in view 1 is {second}"
    return told.inputs, "Latest", wrong


def _request_of_the_past() -> tuple[int, str, str]:
    """A primary has an earlier request of a client decided after a later one; the client signed both.

    Returns:
        How many inputs it takes, the property, and what is wrong with what a backup comes to.
    """
    told = _Told()
    tell, names = told.tell, Setting().names
    late, early = _asked("c", 2), _asked("c", 1)
    came_to = []
    for batch in (late, early):
        proposed = tell("r0", pbft.Propose(batch))
        prepares = [vote for name in ("r1", "r2") for vote in tell(name, *proposed)]
        commits = [
            vote for name in names[:3] for vote in tell(name, *prepares) if isinstance(vote, pbft.Commit)
        ]
        tell("r1", *commits)
        came_to.append(told.executed("r1"))
    (_, then), (executed, now) = came_to
    if executed != len(came_to):
        return told.inputs, "Prompt", f"of {len(came_to)} numbers that are decided {executed} are executed"
    wrong = "" if then == now else f"request 1 of c is executed after request 2: {then} became {now}"
    return told.inputs, "ExecutedOnce", wrong


def _played(context: Context, seeds: int, play: Callable[[int], None], steps: Callable[[], int]) -> Outcome:
    """So many runs, up to the first that goes wrong."""
    for number in range(seeds):
        context.progress(f"seed {number} of {seeds}, {steps():,} steps")
        try:
            play(context.seed + number)
        except Violated as wrong:
            property_, message = wrong.property, str(wrong)
        except Exception as raised:  # noqa: BLE001 - a step of a replica is total
            property_, message = "Total", f"a step raises {type(raised).__name__}: {raised}"
        else:
            continue
        verdict = Verdict.violated(property_, f"seed {context.seed + number}, after {steps()} steps")
        return Outcome(verdict=verdict, figures=immutabledict(steps=steps()), message=message)
    return Outcome(verdict=Verdict.sampled(seeds, context.seed), figures=immutabledict(steps=steps()))
