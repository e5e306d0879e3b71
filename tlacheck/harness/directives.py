"""The directives that scenarios of every protocol have."""

import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tlacheck.errors import ConfigError
from tlacheck.harness.scene import DETAILS, Scene
from tlacheck.harness.syntax import Directive, Line
from tlacheck.harness.workload import ask
from tlacheck.sim import FAULTS, Fault
from tlacheck.values import to_tla

__all__ = ["DIRECTIVES"]

#: So many messages `settle` delivers at most.
_SETTLE_MAX: Final = 10_000


def _start(scene: Scene, line: Line) -> Iterator[str]:
    scene.start(
        line.option("nodes", None, int),
        line.option("byzantine", None, int),
        line.option("seed", 0, int),
        judged=line.option("judged", True, bool),
    )
    size = scene.run.size
    liars = f"; Byzantine: {', '.join(sorted(size.byzantine))}" if size.byzantine else ""
    yield f"{len(size.nodes)} nodes: {', '.join(size.nodes)}{liars}"


def _request(scene: Scene, line: Line) -> Iterator[str]:
    node = scene.node(line, line.word(0))
    made = scene.made(line, 1, "input")
    if not scene.run.request(node, made):
        yield f"{node} is down or paused"


def _op(scene: Scene, line: Line) -> Iterator[str]:
    name, ops = line.word(0), {op.name: op for op in scene.run.ops}
    if name not in ops:
        raise line.error(f"there is no operation {name!r}; there are {', '.join(map(repr, ops))}")
    rng = random.Random(line.option("seed", 0, int))  # noqa: S311 - reproducible on purpose
    if not ask(scene.run, ops[name], rng):
        yield "nobody was asked"


def _send(scene: Scene, line: Line) -> list[str]:
    source, dest = (scene.node(line, line.word(position)) for position in (0, 1))
    scene.run.cluster.world.send(source, dest, scene.made(line, 2))
    return []


def _let(scene: Scene, line: Line) -> Iterator[str]:
    name = line.word(0)
    scene.kept[name] = scene.made(line, 1)
    yield f"{name}: {scene.text(scene.kept[name])}"


def _keep(scene: Scene, line: Line) -> Iterator[str]:
    chosen = scene.flights(line)
    if not chosen:
        yield scene.fail(line, "no such message is on its way")
        return
    scene.kept[line.word(0)] = chosen[0].message
    yield f"{line.word(0)}: {scene.text(chosen[0].message)}"


def _try(scene: Scene, line: Line) -> Iterator[str]:
    source, dest = (scene.node(line, line.word(position)) for position in (0, 1))
    message = scene.made(line, 2)
    yield from scene.preview(line, source, dest, message)


def _deliver(scene: Scene, line: Line) -> Iterator[str]:
    chosen = scene.flights(line)
    for flight in chosen:
        if not scene.run.deliver(flight):
            yield f"{flight.dest} is paused: {scene.text(flight.message)} waits"
    if not chosen:
        yield "no such message is on its way"


def _settle(scene: Scene, line: Line) -> list[str]:
    world = scene.run.cluster.world
    for _ in range(_SETTLE_MAX):
        waiting = [each for each in world.flights if each.dest not in world.paused or each.dest in world.down]
        if not waiting:
            return []
        scene.run.deliver(waiting[0])
    raise line.error(
        f"messages are still on their way after {_SETTLE_MAX:,} were delivered: use advance, or deliver "
        "some of them"
    )


def _disturb(scene: Scene, line: Line) -> Iterator[str]:
    chosen = scene.flights(line)
    further = {"by_ms": line.option("by_ms", 100, int)} if line.name == "delay" else {}
    for flight in chosen:
        position = [each.number for each in scene.run.cluster.world.flights].index(flight.number)
        scene.run.inflict(Fault.of(line.name, position=position, **further))
    yield f"{line.name}: {len(chosen)} messages" if len(chosen) != 1 else f"{line.name}: 1 message"


def _messages(scene: Scene, line: Line) -> Iterator[str]:
    found = [f"{each.source} -> {each.dest}: {scene.text(each.message)}" for each in scene.flights(line)]
    yield from found or ["no such message is on its way"]


def _timers(scene: Scene, line: Line) -> Iterator[str]:
    world = scene.run.cluster.world
    chosen = {scene.node(line, str(word)) for word in line.words} or set(scene.run.size.nodes)
    found = [
        f"{node}: {name} in {due_ms - world.now_ms} ms"
        for (node, name), due_ms in sorted(
            world.timers.items(), key=lambda each: (each[0][0], str(each[0][1]))
        )
        if node in chosen
    ]
    yield from found or ["no timer runs"]


def _fire(scene: Scene, line: Line) -> Iterator[str]:
    node, name = scene.node(line, line.word(0)), str(line.words[1])
    running = {str(timer): timer for owner, timer in scene.run.cluster.world.timers if owner == node}
    if name not in running:
        yield scene.fail(
            line, f"{node} has no timer {name}; there run {', '.join(sorted(running)) or 'none'}"
        )
        return
    for _ in range(line.option("times", 1, int)):
        if not scene.run.fire(node, running[name]):
            yield f"{node} is down or paused, or its timer has stopped"
            return


def _fault(scene: Scene, line: Line) -> Iterator[str]:
    """A fault of the table in `tlacheck.sim.faults`; words are its parameters in order."""
    kinds = list(FAULTS[line.name])
    given: dict[str, Any] = dict(line.options)
    if kinds == ["group"] and line.words:
        given["group"] = tuple(scene.node(line, str(word)) for word in line.words)
    else:
        given.update(zip(kinds, line.words, strict=False))
    if "node" in given:
        scene.node(line, given["node"])
    if not scene.run.inflict(Fault.of(line.name, **given)):
        yield f"{line.name} found nothing to do"


def _advance(scene: Scene, line: Line) -> Iterator[str]:
    before = scene.run.steps
    scene.run.advance(line.word(0, int))
    steps = scene.run.steps - before
    yield (
        f"{scene.run.cluster.world.now_ms} ms: {steps} steps"
        if steps != 1
        else (f"{scene.run.cluster.world.now_ms} ms: 1 step")
    )


def _stabilise(scene: Scene, line: Line) -> list[str]:
    del line
    scene.run.stabilise()
    return []


class _Absent(ConfigError):
    """A collection has no such item at the moment, as it may have in another run."""


def _found(scene: Scene, line: Line, node: str, path: str) -> Any:
    """Part of a node's state: fields, keys and positions, separated by dots."""
    found: Any = scene.run.cluster.states[node]
    for part in path.split("."):
        if isinstance(found, Mapping):
            known = {str(key): value for key, value in found.items()}
        elif isinstance(found, tuple | list):
            known = {str(place): value for place, value in enumerate(found)}
        else:
            known = {name: getattr(found, name) for name in dir(found) if not name.startswith("_")}
        if part not in known:
            kind = _Absent if isinstance(found, Mapping | tuple | list) else ConfigError
            raise kind(
                str(
                    line.error(
                        f"{type(found).__name__} has no {part}; it has {', '.join(known) or 'nothing'}"
                    )
                )
            )
        found = known[part]
    return found


def _show(scene: Scene, line: Line) -> Iterator[str]:
    if not line.words:
        yield from (f"{node}: {scene.text(scene.run.cluster.states[node])}" for node in scene.run.size.nodes)
        return
    node, paths = scene.node(line, line.word(0)), [str(word) for word in line.words[1:]]
    if not paths:
        yield f"{node}: {scene.text(scene.run.cluster.states[node])}"
    for path in paths:
        try:
            yield f"{node}.{path} = {scene.text(_found(scene, line, node, path))}"
        except _Absent as error:
            yield scene.fail(line, str(error).removeprefix(f"{line.place}: {line.text}: "))


def _spec(scene: Scene, line: Line) -> Iterator[str]:
    if not scene.judged:
        return
    trace = scene.run.recorder.trace()
    if trace is None:
        raise line.error("the run is not judged, so it has no state of the spec")
    state = trace.steps[-1].state if trace.steps else trace.initial
    for name in [str(word) for word in line.words] or sorted(state):
        if name not in state:
            raise line.error(f"the spec has no variable {name}; it has {', '.join(sorted(state))}")
        yield f"{name} = {to_tla(state[name])}"


def _goals(scene: Scene, line: Line) -> Iterator[str]:
    del line
    yield from (f"{count:>4}  {name}" for name, count in scene.run.goals.items())


def _expect(scene: Scene, line: Line) -> Iterator[str]:
    if line.words[0] == "violated":
        if len(line.words) != 2:
            raise line.error("name the property: expect violated NAME")
        yield from scene.expect_violated(line, line.word(1))
        return
    node = scene.node(line, line.word(0))
    if not line.options:
        raise line.error("say what is expected: expect NODE FIELD=VALUE")
    for path, wanted in line.options.items():
        try:
            found = _found(scene, line, node, path)
        except ConfigError as error:
            scene.failures.append(str(error))
            yield str(error).removeprefix(f"{line.place}: ")
            continue
        if found != wanted and scene.text(found) != str(wanted):
            yield scene.fail(line, f"{node}.{path} is {scene.text(found)}")


def _output(scene: Scene, line: Line) -> list[str]:
    scene.set_detail(line, line.word(0))
    return []


_CHOICE: Final = "[from=NODE] [to=NODE] [type=NAME] [first=N]"


def _of_faults() -> Iterator[Directive]:
    for name, kinds in FAULTS.items():
        if "position" not in kinds:
            words = ["[NODE…]"] if list(kinds) == ["group"] else [f"[{kind.upper()}]" for kind in kinds]
            usage = " ".join([name, *words, *(f"[{kind}=VALUE]" for kind in kinds)])
            yield Directive(usage, "Inflict this fault (docs/simulator.md).", _fault)


_ALL: Final = (
    Directive(
        "start [nodes=N] [byzantine=N] [seed=N] [judged=BOOL]",
        "Begin a run; the first size declared.",
        _start,
    ),
    Directive("request NODE NAME [KEY=VALUE]", "Give a node an input of a client.", _request),
    Directive("op NAME [seed=N]", "Let the workload draw an operation.", _op),
    Directive("send SOURCE DEST NAME [KEY=VALUE]", "Put a message on its way, as a forger would.", _send),
    Directive("let NAME MESSAGE [KEY=VALUE]", "Make a message, or change a kept $NAME, and keep it.", _let),
    Directive(f"keep NAME {_CHOICE}", "Keep the first of these messages, for $NAME in later lines.", _keep),
    Directive("try SOURCE DEST MESSAGE [KEY=VALUE]", "Print what a node would do with a message now.", _try),
    Directive(f"deliver {_CHOICE}", "Deliver messages that are on their way now.", _deliver),
    Directive("settle", "Deliver messages until none is on its way.", _settle),
    Directive(f"drop {_CHOICE}", "Lose messages.", _disturb),
    Directive(f"duplicate {_CHOICE}", "Give messages a second copy.", _disturb),
    Directive(f"delay {_CHOICE} [by_ms=N]", "Keep messages on their way for longer.", _disturb),
    Directive(f"messages {_CHOICE}", "Print the messages on their way.", _messages),
    Directive("timers [NODE…]", "Print the running timers.", _timers),
    Directive("fire NODE TIMER [times=N]", "Let a timer fire.", _fire),
    Directive("advance MS", "Let virtual milliseconds pass: timers fire, messages arrive.", _advance),
    Directive("stabilise", "End all faults.", _stabilise),
    Directive("show [NODE] [FIELD…]", "Print states, or fields of one, as a.b.0.", _show),
    Directive("spec [VARIABLE…]", "Print the spec's state.", _spec),
    Directive("goals", "Print how often each coverage goal was met.", _goals),
    Directive("expect WHAT [NAME] [KEY=VALUE]", "Demand NODE FIELD=VALUE, or violated NAME.", _expect),
    Directive("output DETAIL", f"Print of each step: {', '.join(DETAILS)}.", _output),
    *_of_faults(),
)  # fmt: skip

#: Name -> directive.
DIRECTIVES: Final[Mapping[str, Directive]] = {each.name: each for each in _ALL}
