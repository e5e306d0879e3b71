"""`verify.toml`: the checks of a project, their expected verdicts and their budgets."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
from immutabledict import immutabledict

from tlacheck.errors import ConfigError
from tlacheck.tables import Table, closest, load, mapped, refuse_duplicates
from tlacheck.verdict import Kind
from tlacheck.verify.budget import BUDGETS, DEFAULT, includes
from tlacheck.verify.manifest import Model, read_manifest

__all__ = ["Call", "Check", "Plan", "read_plan", "select"]

TIMEOUT_SECONDS = 300.0

_CALL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@attrs.frozen(kw_only=True)
class Call:
    """A check written in Python: a function from a `Context` to an `Outcome`.

    Attributes:
        name: its name in tables, commands and folders.
        layer: a label that says what kind of check it is: Z3, replay, stateful.
        call: `package.module:function`, importable from the repository root.
        expect: the kind of verdict that it must reach; None for any that establishes something.
        budget: the shortest budget that includes it.
        timeout: after so many seconds it is ended and nothing is established.
        arguments: its keyword arguments, for each budget.
    """

    name: str
    layer: str
    call: str
    expect: Kind | None
    budget: str
    timeout: float
    arguments: immutabledict[str, immutabledict[str, Any]]


Check: TypeAlias = Call | Model


@attrs.frozen(kw_only=True)
class Plan:
    """The checks of a project.

    Attributes:
        file: the `verify.toml`.
        budget: the budget of a run that names none.
        checks: all checks: the models, manifest by manifest, then the calls.
    """

    file: Path
    budget: str
    checks: tuple[Check, ...]

    @property
    def root(self) -> Path:
        """The repository root: the folder of the file."""
        return self.file.parent


def read_plan(file: Path) -> Plan:
    """Read the plan in a `verify.toml` and in the manifests that it names.

    Raises:
        ConfigError: one of the files does not say something usable; the message names entry and key.
    """
    table = load(file)
    head = Table(table.optional("verify", dict) or {}, file, "[verify]")
    budget = head.choice("budget", BUDGETS) or DEFAULT
    head.done()
    calls = mapped(table.tables("check", "name"), _call)
    manifests = mapped(table.tables("models", "manifest"), lambda entry: entry.required_path("manifest"))
    table.done()
    models = [model for manifest in manifests for model in read_manifest(manifest)]
    checks: tuple[Check, ...] = (*models, *calls)
    refuse_duplicates((check.name for check in checks), file)
    return Plan(file=file, budget=budget, checks=checks)


def select(plan: Plan, budget: str, only: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return the checks that a run of `budget` does, or those of them that match a glob of `only`.

    Raises:
        ConfigError: a glob matches no check of that budget; the message names what is close.
    """
    for pattern in only:
        matching = [check for check in plan.checks if fnmatch.fnmatchcase(check.name, pattern)]
        if not matching:
            near = closest(pattern, (check.name for check in plan.checks))
            hint = f'did you mean "{near}"?' if near else "`tlacheck verify --list` names them all"
            raise ConfigError(f'no check is called "{pattern}": {hint}')
        if not any(includes(budget, check.budget) for check in matching):
            first = matching[0]
            raise ConfigError(f"{first.name} is not part of budget {budget}: add --budget {first.budget}")
    return tuple(
        check
        for check in plan.checks
        if includes(budget, check.budget)
        and (not only or any(fnmatch.fnmatchcase(check.name, pattern) for pattern in only))
    )


def _call(table: Table) -> Call:
    name = table.name(table.required("name", str))
    layer = table.required("layer", str)
    call = table.required("call", str)
    if not _CALL.fullmatch(call):
        table.refuse(f'"call" is "{call}"; write it as package.module:function')
    kinds = [kind.value for kind in Kind if kind is not Kind.UNKNOWN]
    expect = table.choice("expect", kinds)
    return Call(
        name=name,
        layer=layer,
        call=call,
        expect=None if expect is None else Kind(expect),
        budget=table.choice("budget", BUDGETS) or DEFAULT,
        timeout=table.seconds("timeout", TIMEOUT_SECONDS),
        arguments=_arguments(table),
    )


def _arguments(table: Table) -> immutabledict[str, immutabledict[str, Any]]:
    """Return the keyword arguments for each budget: the common ones, then those of exactly that budget."""
    given = table.optional("with", dict) or {}
    common = {key: value for key, value in given.items() if key not in BUDGETS}
    for key in BUDGETS:
        if not isinstance(given.get(key, {}), dict):
            table.refuse(
                f'"with.{key}" is {given[key]!r}, not a table: it overrides arguments in budget {key}'
            )
    own = {budget: given.get(budget, {}) for budget in BUDGETS}
    _refuse_bad_arguments(table, common, *own.values())
    return immutabledict({budget: immutabledict({**common, **own[budget]}) for budget in BUDGETS})


def _refuse_bad_arguments(table: Table, *groups: Mapping[str, Any]) -> None:
    for group in groups:
        for key, value in group.items():
            if not key.isidentifier():
                table.refuse(f'"with" has "{key}", which cannot be the name of an argument')
            if not _is_plain(value):
                table.refuse(
                    f'"with.{key}" is {value!r}: only texts, numbers, true, false and lists of them are '
                    "passed on"
                )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (str, int, float, bool))
