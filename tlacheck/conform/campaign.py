"""Explorations as the work of a campaign: a case is a shard."""

import functools
import os
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs

from tlacheck import itf
from tlacheck.campaign.result import Campaign
from tlacheck.campaign.work import Done, digest_of
from tlacheck.conform.explore import Exploration, Plan, Shard, explore_shard, merge, shards
from tlacheck.conform.limits import LIMIT_SECONDS, Limited
from tlacheck.conform.loading import load_system
from tlacheck.conform.shrink import shrink
from tlacheck.conform.system import closing
from tlacheck.conform.worker_pool import plan_to_json, sighting_from_json, sighting_to_json
from tlacheck.errors import ConfigError
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec

__all__ = ["ExploreWork", "merged"]

#: So many candidates are played when a failing walk is shrunk, for failures to be grouped.
_TRIES_MAX: Final = 300


@attrs.frozen(kw_only=True)
class ExploreWork:
    """An exploration, a shard a case.

    Attributes:
        spec: the spec; on another machine it is found under the same path, from the project's folder.
        system: the system as `load_system` takes it.
        plan: what to do; its budget is in steps.
        limit_seconds: how long a step of the system may take.

    Raises:
        ConfigError: the budget is in seconds: how many shards there are would depend on the machines.
    """

    spec: Spec
    system: str
    plan: Plan
    limit_seconds: float = LIMIT_SECONDS

    def __attrs_post_init__(self) -> None:
        if self.plan.steps is None:
            raise ConfigError("a campaign explores a number of steps: give --steps, and no --seconds")

    @property
    def name(self) -> str:
        """The exploration in a few words."""
        return f"explore {self.spec.name} by {self.system}"

    @property
    def needs_fresh_process(self) -> bool:
        """True unless this process orders sets as all others do: strategies choose from sets."""
        return os.environ.get("PYTHONHASHSEED") != "0"

    @property
    def cases(self) -> range:
        """The numbers of the shards."""
        return range(len(tuple(shards(self.plan))))

    def configuration(self) -> Mapping[str, Any]:
        """Spec, system and plan, but for the command."""
        plan = {name: value for name, value in plan_to_json(self.plan).items() if name != "command"}
        text = digest_of(self.spec.path.read_text(encoding="utf-8", errors="replace"))
        return {
            "kind": "explore",
            "spec": [self.spec.name, text, digest_of(self.spec.configuration)],
            "system": self.system,
            "plan": plan,
            "limit": self.limit_seconds,
        }

    def prepare(self) -> None:
        """Nothing: a fresh process loads spec and system with its first shard."""

    def do(self, case: str) -> Done:
        """Explore one shard; shrink the walk that fails, if one does.

        Raises:
            AdapterError: the adapter breaks its contract.
            ConfigError: there is no such system, or the plan does not fit the spec.
            SpecError: TLC cannot evaluate the spec.
        """
        begin = time.process_time()
        oracle = _oracle(self.spec)
        make = load_system(self.system, limit_seconds=self.limit_seconds)
        shard = next(each for each in shards(self.plan) if each.number == int(case))
        with closing(lambda: Limited(make(), self.limit_seconds)) as system:
            found = explore_shard(oracle, system, self.plan, Shard(shard.number, shard.steps))
        data = sighting_to_json(found)
        done = Done(
            digest=digest_of({**data, "run": None if found.run is None else len(found.run)}),
            seconds=time.process_time() - begin,
            steps=found.steps,
            goals={action: found.actions.get(action, 0) for action in sorted(self.plan.required)},
            command=self.plan.command,
            data=data,
        )
        if found.run is None or found.run.violation is None:
            return done
        short = shrink(
            found.run, oracle, lambda: Limited(make(), self.limit_seconds), tries_max=_TRIES_MAX, search_max=0
        ).trace
        violation = short.violation or found.run.violation
        stem = f"{self.spec.name}-explore-{case}"
        return attrs.evolve(
            done,
            property=violation.property,
            explanation=violation.explanation,
            actions=tuple(step.action for step in short.steps),
            files={f"{stem}.itf.json": itf.to_json(found.run), f"{stem}-short.itf.json": itf.to_json(short)},
        )


@functools.lru_cache(maxsize=2)
def _oracle(spec: Spec) -> SpecOracle:
    return SpecOracle(spec)


def merged(plan: Plan, campaign: Campaign, *, seconds: float) -> Exploration:
    """The exploration that a campaign's shards are, up to the first that failed."""
    return merge(plan, (sighting_from_json(row.done.data) for row in campaign.rows), seconds=seconds)
