"""Soak tests as the work of a campaign: a case is a seed."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from tlacheck import itf
from tlacheck.campaign.work import Done, digest_of
from tlacheck.harness.shrink import shrink_run
from tlacheck.harness.soak import Played, SoakPlan, begun, load_protocol, play_run
from tlacheck.mutants.mutation import Mutant, install
from tlacheck.trace import Trace
from tlacheck.values import Value, to_tla

__all__ = ["SoakWork"]


@attrs.frozen
class SoakWork:
    """Runs of a declared protocol, one for each seed.

    The digest of a run covers the cluster's log and, if the spec judges, its trace in the spec. A failing run
    is shrunk by the worker that met it.

    Attributes:
        plan: what each run is; `plan.out` is not used, the campaign has a folder.
        mutant: what stands in the core's place, as the plan says.

    Raises:
        ConfigError: there is no such declaration, or it has no such mutant.
    """

    plan: SoakPlan
    mutant: Mutant | None = attrs.field(init=False)

    @mutant.default
    def _named(self) -> Mutant | None:
        return load_protocol(self.plan.target).mutant(self.plan.mutant) if self.plan.mutant else None

    @property
    def name(self) -> str:
        """The soak test in a few words."""
        mutant = f" with {self.plan.mutant}" if self.plan.mutant else ""
        return f"soak {self.plan.target}{mutant}"

    @property
    def needs_fresh_process(self) -> bool:
        """True for a mutant, unless `prepare` has put it in its place."""
        return self.mutant is not None and _prepared != self.mutant

    def configuration(self) -> Mapping[str, Any]:
        """The plan, but for where files go."""
        plan = attrs.asdict(self.plan, filter=lambda field, _: field.name != "out")
        return {
            "kind": "soak",
            **plan,
            "faults": None if self.plan.faults is None else list(self.plan.faults),
            "only": None if self.plan.only is None else list(self.plan.only),
        }

    def prepare(self) -> None:
        """Put the mutant, if any, into the core's place."""
        global _prepared  # noqa: PLW0603 - what this process is changed by
        if self.mutant is not None:
            install(self.mutant)
            importlib.invalidate_caches()
            _prepared = self.mutant

    def do(self, case: str) -> Done:
        """Play the run of a seed; shrink it if something breaks.

        Raises:
            ConfigError: the plan does not fit the declaration.
            SpecError: the spec cannot be used.
        """
        seed = int(case)
        played = play_run(self.plan, seed)
        result = played.result
        done = Done(
            digest=_digest(played),
            seconds=result.seconds,
            steps=result.steps,
            goals=dict(result.goals),
            property=result.property,
            explanation=result.explanation,
            command=self.plan.command(seed),
            data={"actions": result.actions, "faults": dict(result.faults)},
        )
        return done if played.trace is None else self._with_shrunk(done, played, played.trace, seed)

    def _with_shrunk(self, done: Done, played: Played, trace: Trace, seed: int) -> Done:
        protocol = load_protocol(self.plan.target)
        short = shrink_run(lambda: begun(self.plan, seed), played.run, done.property)
        stem = f"{protocol.name}-{self.plan.mutant or 'seed'}-{seed}"
        shown = short.trace or trace
        files = {
            f"{stem}.itf.json": itf.to_json(trace),
            f"{stem}.log": played.run.cluster.simulation.log_text,
            f"{stem}-short.itf.json": itf.to_json(shown),
        }
        actions = tuple(step.action for step in shown.steps) or tuple(event.kind for event in short.events)
        violation = shown.violation
        return attrs.evolve(
            done,
            actions=actions,
            explanation=violation.explanation if violation else done.explanation,
            files=files,
            data={**done.data, "events": len(short.events), "events_before": len(played.run.events)},
        )


#: The mutant that is in the core's place in this process.
_prepared: Mutant | None = None


def _digest(played: Played) -> str:
    trace = played.trace or played.run.recorder.trace()
    return digest_of("\n".join([played.run.cluster.simulation.log_text, *(_text(trace) if trace else ())]))


def _text(trace: Trace) -> Iterator[str]:
    """The steps of a trace: actions, arguments, states; not where it came from."""
    for state in (trace.initial, *(step.state for step in trace.steps)):
        yield _in_tla(state)
    yield from (f"{step.action} {_in_tla(step.arguments)}" for step in trace.steps)


def _in_tla(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} = {to_tla(value)}" for name, value in sorted(values.items()))
