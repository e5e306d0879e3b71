"""The command `tlacheck parse`: the declarations and definitions of a module, as an outline or as JSON."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click

from tlacheck.errors import EngineError, TlacheckError
from tlacheck.tlc.cli._live import live
from tlacheck.tlc.cli._options import (
    INCONCLUSIVE,
    UNUSABLE,
    Modules,
    json_option,
    limits,
    module_options,
    spec_argument,
)
from tlacheck.tlc.parse import Level, Module, Span, parse

__all__ = ["parse_command"]


@click.command("parse")
@spec_argument
@module_options
@click.option("--all", "standard", is_flag=True, help="Also list the definitions of standard modules.")
@click.option(
    "--next",
    "next_relation",
    metavar="NAME",
    help="The next-state relation whose actions to list; the one of the spec's formula unless given.",
)
@limits
@json_option
@click.pass_context
def parse_command(
    context: click.Context,
    *,
    modules: Modules,
    spec: Path,
    standard: bool,
    next_relation: str | None,
    timeout: float | None,
    memory: int,
    as_json: bool,
) -> None:
    """Show the declarations and definitions of SPEC, a TLA+ module; needs no configuration.

    Exits with 0, with 2 if SPEC cannot be parsed, with 3 if there was not enough time or memory.

    JSON: `name`, `path`, `engine`; `parts`, the modules that were read, with `name`, `path` (null for a
    standard module) and `extends`; `constants` and `variables` with `name`, `arity`, `span`;
    `definitions` with `name`, `parameters` (`name`, `arity`), `level` (constant, state, action,
    temporal), `module`, `span`, `is_local`, `is_recursive`, `comment`, `text`; `instances` with `name`,
    `module`, `is_local`, `span`, `text`; `assumptions` and `theorems` with `name`, `span`, `text`;
    `next`, the names of the next-state relations; `actions` with `definition` and, for each parameter,
    `domains`: the set that it ranges over, or null. A `span` has `file`, `line`, `column`, `end_line`,
    `end_column`.
    """
    try:
        with live(spec.stem):
            module = parse(
                spec,
                memory_mb=memory,
                timeout=timeout,
                standard=standard,
                next_relation=next_relation,
                **modules,
            )
    except TlacheckError as error:
        if as_json:
            click.echo(json.dumps({"error": str(error)}, ensure_ascii=False))
        click.echo(str(error), err=True)
        context.exit(INCONCLUSIVE if isinstance(error, EngineError) else UNUSABLE)
    if as_json:
        click.echo(json.dumps(_to_json(module), ensure_ascii=False, indent=1))
    else:
        for line in _outline(module):
            click.echo(line)


def _to_json(module: Module) -> dict[str, Any]:
    return attrs.asdict(
        module,
        filter=lambda field, _: field.name != "body",  # which is not asked for
        value_serializer=lambda _owner, _field, value: str(value) if isinstance(value, Path) else value,
    )


def _outline(module: Module) -> Iterator[str]:
    yield f"{module.name}  {module.path}"
    short = [
        ("extends", module.extends),
        ("constants", map(str, module.constants)),
        ("variables", map(str, module.variables)),
    ]
    for title, names in short:
        line = ", ".join(names)
        if line:
            yield f"  {title:<11}{line}"
    shown = {(action.name, action.definition.span) for action in module.actions}
    yield from _section(
        f"actions of {', '.join(module.next)}",
        [(action.signature, action.definition.span) for action in module.actions],
        module,
    )
    for level in (Level.ACTION, Level.STATE, Level.CONSTANT, Level.TEMPORAL):
        found = [
            (("LOCAL " if one.is_local else "") + one.signature, one.span)
            for one in module.definitions
            if one.level is level and (one.name, one.span) not in shown
        ]
        title = "other actions" if level is Level.ACTION and shown else f"{level} definitions"
        yield from _section(title, found, module)
    instances = [
        (f"{one.name} == {one.module}" if one.name else one.module, one.span) for one in module.instances
    ]
    yield from _section("instances", instances, module)
    for title, statements in (("assumptions", module.assumptions), ("theorems", module.theorems)):
        yield from _section(
            title, [(one.name or _first_line(one.text), one.span) for one in statements], module
        )


def _section(title: str, entries: Iterable[tuple[str, Span]], module: Module) -> Iterator[str]:
    """A title and an entry a line, with the line in the file; and the file, if it is not the module's own."""
    entries = list(entries)
    if not entries:
        return
    yield f"  {title}"
    width = min(max(len(text) for text, _ in entries), 60)
    for text, span in entries:
        own = span.file == str(module.path)
        yield f"    {text:<{width}}  {span.line if own else f'{Path(span.file).name}:{span.line}'}"


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first.strip()} ..." if rest.strip() else first.strip()
