"""`manifest.toml`: the models of one folder of specs, TLC's expected verdicts, and pinned numbers.

A pin is a number that a run must reproduce exactly. A drifted pin means that the model has changed,
even if its verdict is still the expected one.
"""

import enum
from collections.abc import Iterable
from pathlib import Path

import attrs
from immutabledict import immutabledict

from tlacheck.tables import Table, load, mapped, refuse_duplicates
from tlacheck.tlc.configuration import Derivation, is_configuration
from tlacheck.verify.budget import BUDGETS, DEFAULT

__all__ = ["PINS", "Expectation", "Model", "Pins", "read_manifest"]

#: The numbers that may be pinned, in the order in which they are written.
PINS = ("generated", "distinct", "depth", "steps")

Pins = immutabledict[str, int]

TIMEOUT_SECONDS = 300.0


class Expectation(enum.Enum):
    """The purpose of a model."""

    EXHAUSTED = "exhausted"
    """Its properties hold in all its states."""
    VIOLATED = "violated"
    """It is broken on purpose, and the property must notice."""
    WITNESS = "witness"
    """The property says that a situation never occurs; its violation shows that it does."""


@attrs.frozen(kw_only=True)
class Model:
    """A spec with a configuration, and TLC's expected verdict on it.

    Attributes:
        name: folder and configuration, `raft/elections`, or as the manifest says.
        spec: the root module's file.
        config: the TLC configuration, a file or derived from `base`.
        what: one line for a reader.
        expect: what it is for.
        violates: for violated and witness, the property's name.
        pins: pin -> number, those that are pinned.
        budget: the shortest budget that includes it.
        deadlock: whether a state without successors is a violation.
        timeout: after so many seconds nothing is established.
        base: the configuration from which its own is derived, or, of one with a file, whose bounds it
            shares; None if not stated.
        manifest: the file that it stands in.
        position: which `[[model]]` of that file it is, from 0.
    """

    name: str
    spec: Path
    config: Path
    what: str
    expect: Expectation
    violates: str | None
    pins: Pins
    budget: str
    deadlock: bool
    timeout: float
    base: Path | None
    manifest: Path
    position: int

    @property
    def layer(self) -> str:
        """The layer that checks it."""
        return "TLC"


def read_manifest(file: Path) -> tuple[Model, ...]:
    """Read the models of a manifest, in its order.

    Raises:
        ConfigError: it does not say something usable; the message names the entry and the key.
    """
    table = load(file)
    tables = list(table.tables("model", "config"))
    table.done()
    positions = iter(range(len(tables)))
    models = mapped(tables, lambda entry: _model(entry, file, next(positions)))
    refuse_duplicates((model.name for model in models), file)
    return models


def _model(table: Table, file: Path, position: int) -> Model:
    spec, config = table.required_path("spec"), file.parent / table.required("config", str)
    derivation = Derivation.read(table)
    if not config.is_file() and derivation is None:
        table.required_path("config")  # which lists the existing ones
    if config.is_file() and derivation is not None and not derivation.is_empty:
        table.refuse(
            f"there is a file {config.name}, and the row replaces parts of its base: remove one of them"
        )
    folder = file.absolute().parent.name
    name = table.name(f"{folder}/{table.optional('name', str) or config.stem}")
    what = table.required("what", str)
    expect = Expectation(
        table.choice("expect", (kind.value for kind in Expectation), Expectation.EXHAUSTED.value)
    )
    violates = table.optional("violates", str)
    fails = expect is not Expectation.EXHAUSTED
    if fails and violates is None:
        table.refuse(f'expect = "{expect.value}" needs "violates", the name of the property')
    pins = Pins(_pins(table))
    base = None if derivation is None else file.parent / derivation.base
    if base is not None and not is_configuration(base):
        table.path("base")
        table.refuse(f'"base" names {base.name}, which is neither a file nor derived')
    if not fails and (violates is not None or "steps" in pins):
        table.refuse('"violates" and "steps" are for expect = "violated" or "witness"')
    return Model(
        name=name,
        spec=spec,
        config=config,
        what=what,
        expect=expect,
        violates=violates,
        pins=pins,
        budget=table.choice("budget", BUDGETS) or DEFAULT,
        deadlock=table.optional("deadlock", bool) or False,
        timeout=table.seconds("timeout", TIMEOUT_SECONDS),
        base=base,
        manifest=file,
        position=position,
    )


def _pins(table: Table) -> Iterable[tuple[str, int]]:
    for key in PINS:
        value = table.count(key)
        if value is not None:
            yield key, value
