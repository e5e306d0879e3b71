"""Replays of a protocol, declared once: traces, a model's every edge and random walks drive its adapter.

Here the spec drives and the code follows; in `tlacheck.harness` it is the other way round. A `Replays`
says which systems, traces, model and walks there are, and each function below is a check that
`verify.toml` calls with the declaration's name:

    [[check]]
    name = "lock/walks"
    layer = "oracle"
    call = "tlacheck.conform.replays:walks"
    expect = "sampled"
    with = { of = "lock.adapter:REPLAYS", walks = 20 }
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
from immutabledict import immutabledict

from tlacheck.conform.checks import follows, leaves, recorded_in, takes_every_edge, violated, walks_with
from tlacheck.conform.explore import Plan, explore
from tlacheck.conform.loading import load_named
from tlacheck.conform.shrink import shrink
from tlacheck.conform.system import System
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verify import Context, Outcome
from tlacheck.verify.outcome import Figures

__all__ = [
    "Edges",
    "Replays",
    "Walks",
    "every_edge",
    "guided",
    "replay_weakened",
    "replay_witnesses",
    "walks",
]


def _nothing(_: Trace) -> Mapping[str, int]:
    return {}


@attrs.frozen(kw_only=True)
class Edges:
    """A model whose every edge is taken.

    Attributes:
        module: the root module.
        config: its configuration: no symmetry, and a view that hides `event` alone.
        at_least: with fewer edges than this the check establishes nothing: the model has shrunk.
    """

    module: str
    config: str
    at_least: int

    def spec(self, folder: Path) -> Spec:
        """The spec in that folder.

        Raises:
            SpecError: a file is missing.
        """
        return Spec.load(folder / self.module, folder / self.config)


@attrs.frozen(kw_only=True)
class Walks:
    """Random walks of a spec.

    Attributes:
        module: the root module.
        config: its configuration, without bounds.
        weights: action -> how often it is chosen, beside the others; walks that never take one of these
            establish nothing.
        counted: from a walk to what is counted in it besides, by the names of the figures.
        needed: those of these names without which walks establish nothing.
    """

    module: str
    config: str
    weights: Mapping[str, float] = immutabledict()
    counted: Callable[[Trace], Mapping[str, int]] = _nothing
    needed: Sequence[str] = ()

    def spec(self, folder: Path, config: str = "") -> Spec:
        """The spec in that folder, with a configuration in the place of the declared one if one is given.

        Raises:
            SpecError: a file is missing.
        """
        return Spec.load(folder / self.module, folder / (config or self.config))


@attrs.frozen(kw_only=True)
class Replays:
    """The ways in which a spec drives an implementation through its adapter.

    Attributes:
        system_for: makes a fresh system with the constants of a configuration.
        specs: the folder of the spec's modules and configurations.
        traces: the folder of recorded traces: `witness`, `weakened`, and `misconfigured` if there are any.
        root: the folder to which the configurations that recorded traces name are relative.
        edges: the model whose every edge is taken; None if there is none.
        walks: the random walks.
        led_to: from a counterexample of a weakened spec, in no step of which the weakened rule shows, to the
            traces in which it does (`tlacheck.conform.checks.followed_to_the_end`); else to none.
    """

    system_for: Callable[[Path], System]
    specs: Path
    traces: Path
    root: Path
    walks: Walks
    edges: Edges | None = None
    led_to: Callable[[Trace], Sequence[Trace]] = lambda trace: ()  # noqa: ARG005 - most show in a step

    def system_of(self, trace: Trace) -> System:
        """Make a fresh system with the constants of the configuration that a recorded trace comes from."""
        return self.system_for(self.root / trace.origin.config)

    @property
    def followed(self) -> list[Path]:
        """The recorded traces that the implementation follows: witnesses, and behaviours of wrong parameters.

        Raises:
            TraceError: there are none.
        """
        misconfigured = self.traces / "misconfigured"
        return recorded_in(self.traces / "witness", *([misconfigured] if misconfigured.is_dir() else []))

    @property
    def weakened(self) -> list[Path]:
        """The counterexamples of weakened specs, which the implementation must leave.

        Raises:
            TraceError: there are none.
        """
        return recorded_in(self.traces / "weakened")


def load(of: str) -> Replays:
    """Import the declaration that `package.module:NAME` names.

    Raises:
        ConfigError: there is none.
    """
    found = load_named(of, "declaration", "a tlacheck.conform.replays.Replays")
    if not isinstance(found, Replays):
        raise ConfigError(f"{of} is a {type(found).__name__}, and no tlacheck.conform.replays.Replays")
    return found


@functools.lru_cache(maxsize=4)
def oracle_of(of: str, config: str = "") -> SpecOracle:
    """Load the oracle of a declaration's walks; once a process.

    Args:
        of: the declaration, `package.module:NAME`.
        config: a configuration in the place of the declared one.

    Raises:
        ConfigError: there is no such declaration.
        SpecError: the spec cannot be used.
    """
    declared = load(of)
    return SpecOracle(declared.walks.spec(declared.specs, config))


def replay_witnesses(context: Context, *, of: str) -> Outcome:
    """Replay every recorded witness, and what wrong parameters lead to: the implementation follows them all.

    Args:
        context: given by `verify`.
        of: the declaration, `package.module:NAME`; so for the checks below.
    """
    declared = load(of)
    return follows(context, declared.followed, declared.system_of)


def replay_weakened(context: Context, *, of: str) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them."""
    declared = load(of)
    return leaves(context, declared.weakened, declared.system_of, declared.led_to)


def every_edge(context: Context, *, of: str) -> Outcome:
    """Take every edge of the declared model.

    Raises:
        ConfigError: none is declared.
    """
    declared = load(of)
    if declared.edges is None:
        raise ConfigError(f"{of} declares no model whose every edge is taken")
    spec = declared.edges.spec(declared.specs)
    system = functools.partial(declared.system_for, spec.config)
    return takes_every_edge(context, spec, system, edges_min=declared.edges.at_least)


def walks(context: Context, *, of: str, walks: int = 40, steps: int = 60, config: str = "") -> Outcome:
    """Follow seeded random walks of the spec without bounds.

    Args:
        context: given by `verify`.
        of: the declaration.
        walks: how many.
        steps: the length of each, at most.
        config: a configuration in the place of the declared one.
    """
    oracle, declared = oracle_of(of, config), load(of)
    plan = declared.walks
    return walks_with(
        context,
        oracle,
        functools.partial(declared.system_for, oracle.spec.config),
        walks=walks,
        steps=steps,
        weights=plan.weights,
        counted=plan.counted,
        needed=plan.needed,
    )


def guided(
    context: Context, *, of: str, steps: int = 6_000, length: int = 80, watch: Sequence[str] = ()
) -> Outcome:
    """Walk spec and implementation side by side, towards new states of the spec and new branches of the code.

    Args:
        context: given by `verify`.
        of: the declaration.
        steps: how many steps the implementation takes, all walks together.
        length: the length of each walk, at most.
        watch: the modules and packages whose branches are looked at.
    """
    oracle, declared = oracle_of(of), load(of)
    make_system = functools.partial(declared.system_for, oracle.spec.config)
    plan = Plan(
        strategy="guided",
        steps=steps,
        seed=context.seed,
        length=length,
        weights=declared.walks.weights,
        watch=tuple(watch),
        required=frozenset(declared.walks.weights),
        command=context.command,
    )
    found = explore(
        oracle,
        make_system,
        plan,
        on_progress=lambda steps, states: context.progress(f"{steps:,} steps, {states:,} states"),
    )
    if found.run is not None:
        shrunk = shrink(found.run, oracle, make_system)
        before, after = shrunk.steps_before, shrunk.steps_after
        reason = f"a walk leaves the spec after {before} steps, {after} after shrinking"
        return violated(context, shrunk.trace, reason)
    figures = Figures(walks=found.walks, steps=found.steps, states=found.states, branches=found.branches or 0)
    return Outcome(verdict=found.verdict, figures=figures)
