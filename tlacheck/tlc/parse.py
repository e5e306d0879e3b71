"""The declarations and definitions of a TLA+ module, as SANY, TLC's parser, understands them.

`parse` needs the module's file alone, no configuration. The nouns are those of TLA+: a `Module` has
constants, variables, definitions, assumptions and theorems; a `Definition` has parameters and a
level. An `Action` is a definition of a step: one in which a disjunct of the next-state relation ends.

Standard modules are listed by name; their definitions are left out unless asked for.
"""

import enum
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from tlacheck.engine import Engine, find_engine
from tlacheck.errors import ConfigError, EngineError, Location
from tlacheck.tlc._closing import Closing
from tlacheck.tlc._diagnose import diagnose
from tlacheck.tlc._process import MEMORY_MB, NoAnswer, Worker
from tlacheck.tlc._protocol import Message, encode_engine
from tlacheck.tlc._source import Source
from tlacheck.tlc.libraries import library_folders, of_environment, trusted
from tlacheck.tlc.spec import Spec, encode_spec, module_file

__all__ = [
    "Action",
    "Declaration",
    "Definition",
    "Expression",
    "Instance",
    "Level",
    "Module",
    "Parameter",
    "Parser",
    "Part",
    "Span",
    "Statement",
    "parse",
]


class Level(enum.StrEnum):
    """The level of a definition: constant, state, step (action) or behaviour (temporal)."""

    CONSTANT = "constant"
    STATE = "state"
    ACTION = "action"
    TEMPORAL = "temporal"


@attrs.frozen(kw_only=True)
class Span:
    """A piece of a file, between two places, both included; counted from 1.

    Attributes:
        file: the path as the user gave it; of a standard module its bare name, `Naturals.tla`.
        line: where it begins.
        column: the same; a tab reaches to the next multiple of eight.
        end_line: where it ends.
        end_column: the same.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def start(self) -> Location:
        """The beginning, as a place."""
        return Location(self.file, self.line, self.column)

    def __str__(self) -> str:
        return str(self.start)


@attrs.frozen(kw_only=True, eq=False)
class Expression:
    r"""An expression of a definition.

    Attributes:
        operator: the operator's name as SANY has it: `=`, `\\land`, `$ConjList`, `$BoundedExists`, `Send`;
            `LET`, `$Number`, `$String` and `$Other` for what applies none.
        level: what it speaks of.
        span: where it is written.
        operands: the sets of bound names, then the arguments; of `LET` the definitions' expressions first.
        uses: the name of the definition that is applied; empty if the operator is the language's own.
    """

    operator: str
    level: Level
    span: Span
    operands: "tuple[Expression, ...]" = attrs.field(repr=False)
    uses: str = ""

    def walk(self) -> "Iterator[Expression]":
        """Yield this expression and all within it, in the order of the text, without recursion."""
        todo = [self]
        while todo:
            yield (here := todo.pop())
            todo += reversed(here.operands)


@attrs.frozen(kw_only=True)
class Part:
    """A module that was read.

    Attributes:
        name: its name.
        path: its file; None for a standard module.
        extends: the modules that it extends itself.
    """

    name: str
    path: Path | None
    extends: tuple[str, ...]


@attrs.frozen
class Parameter:
    """A parameter of a definition; `arity` is how many arguments it takes if it is an operator, or else 0."""

    name: str
    arity: int = 0

    def __str__(self) -> str:
        return _signature(self.name, ["_"] * self.arity)


@attrs.frozen(kw_only=True)
class Declaration:
    """A constant or a variable.

    Attributes:
        name: its name.
        arity: how many arguments a constant operator takes; 0 for all others.
        span: where it is declared.
    """

    name: str
    arity: int
    span: Span

    def __str__(self) -> str:
        return _signature(self.name, ["_"] * self.arity)


@attrs.frozen(kw_only=True)
class Definition:
    """An operator that a module defines.

    Attributes:
        name: its name; under the name of an instance, `Queue!Send`.
        parameters: its parameters.
        level: what it speaks of, by SANY's level checking.
        module: the module in which it is written.
        span: where it is written.
        is_local: whether LOCAL hides it from those who extend the module.
        is_recursive: whether it is declared RECURSIVE.
        comment: what the comments right above it say; empty if there is none.
        text: the definition as it is written; empty for a standard module.
        body: the expression that it stands for; None unless that was asked for.
    """

    name: str
    parameters: tuple[Parameter, ...]
    level: Level
    module: str
    span: Span
    is_local: bool
    is_recursive: bool
    comment: str
    text: str
    body: Expression | None = None

    @property
    def signature(self) -> str:
        """Name and parameters, `Send(from, to)`."""
        return _signature(self.name, self.parameters)


@attrs.frozen(kw_only=True)
class Action:
    r"""A definition in which a disjunct of the next-state relation ends: one kind of step.

    Attributes:
        definition: the definition.
        domains: for each parameter the set that it ranges over, as it is written around the first use of
            the action: `Visitors` of `\E v \in Visitors : Pass(v)`. None where there is no such set.
    """

    definition: Definition
    domains: tuple[str | None, ...]

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    @property
    def signature(self) -> str:
        """Name and parameters with their sets, `Pass(v in Visitors)`."""
        pairs = zip(self.definition.parameters, self.domains, strict=True)
        return _signature(self.name, [f"{one} in {domain}" if domain else str(one) for one, domain in pairs])


@attrs.frozen(kw_only=True)
class Instance:
    """An INSTANCE statement.

    Attributes:
        name: the name before `==`; None if it has none.
        module: the module that it takes.
        is_local: whether LOCAL hides it.
        span: where it stands.
        text: the statement as it is written.
    """

    name: str | None
    module: str
    is_local: bool
    span: Span
    text: str


@attrs.frozen(kw_only=True)
class Statement:
    """An assumption or a theorem.

    Attributes:
        name: its name; None if it has none.
        span: where it stands.
        text: the statement as it is written.
    """

    name: str | None
    span: Span
    text: str


@attrs.frozen(kw_only=True)
class Module:
    r"""A root module with everything that it takes from others.

    Attributes:
        name: its name.
        path: its file.
        parts: the modules that were read, the root last, each after those that it needs.
        constants: in the order of the declarations, those of extended modules first.
        variables: the same.
        definitions: the same; without those under the name of an instance.
        instances: the INSTANCE statements.
        assumptions: what the modules assume.
        theorems: what they claim.
        next: the next-state relations whose disjuncts are `actions`, by the definitions in which they
            are named. Unless `parse` was told one, they are the `A` of each `Init /\ [][A]_v` in the
            root module or, if it has none, in the nearest module that it extends; without any such
            formula, the actions without parameters that nothing else uses.
        actions: the kinds of steps, in the order of the relation. Unlike TLC, which splits a quantifier
            over a constant set only, this looks into all.
        engine: version and checksum of the TLC whose parser this is.
    """

    name: str
    path: Path
    parts: tuple[Part, ...]
    constants: tuple[Declaration, ...]
    variables: tuple[Declaration, ...]
    definitions: tuple[Definition, ...]
    instances: tuple[Instance, ...]
    assumptions: tuple[Statement, ...]
    theorems: tuple[Statement, ...]
    next: tuple[str, ...]
    actions: tuple[Action, ...]
    engine: str

    @property
    def extends(self) -> tuple[str, ...]:
        """The modules that the root module extends itself."""
        return self.parts[-1].extends

    def definition(self, name: str) -> Definition:
        """Return the definition of that name.

        Raises:
            ConfigError: there is none.
        """
        for definition in self.definitions:
            if definition.name == name:
                return definition
        raise ConfigError(f"{self.path} defines no {name}")


class Parser(Closing):
    """Owns a worker process that parses one module after another; a context manager.

    The worker starts with the first module. A module that takes too much time or memory costs the
    worker; the next one starts another.
    """

    def __init__(self, *, engine: Engine | None = None, memory_mb: int = MEMORY_MB) -> None:
        """Prepare to parse with the SANY of `engine`, giving the worker's JVM `memory_mb` of heap.

        Raises:
            SetupError: there is no TLC, and none was given.
        """
        self._worker = Worker(memory_mb)
        self._engine = engine or find_engine()

    def close(self) -> None:
        """End the worker. The next module starts another one."""
        self._worker.close()

    def parse(
        self,
        path: Spec | Path | str,
        *,
        timeout: float | None = None,
        standard: bool = False,
        next_relation: str | None = None,
        libraries: Iterable[Path | str] = (),
        trusted_jars: Iterable[Path | str] = (),
        expressions: bool = False,
    ) -> Module:
        """Parse a module and all that it extends or instantiates.

        Args:
            path: the module's file, whose extension may be left out, or a spec, with its libraries.
            timeout: seconds after which to give up; None waits.
            standard: whether to list what standard modules define, too.
            next_relation: the definition whose disjuncts are the actions; None looks for it, see
                `Module.next`.
            libraries: folders with more modules.
            trusted_jars: jars with more modules.
            expressions: whether definitions come with their expressions. Costs time.

        Raises:
            SpecError: there is no such file, or SANY refuses it.
            ConfigError: there is no action `next_relation`.
            EngineError: no time, no memory, or the worker died.
            SetupError: there is no JVM.
        """
        spec = path if isinstance(path, Spec) else _module_alone(path, libraries, trusted_jars)
        request = {
            "spec": encode_spec(spec),
            "engine": encode_engine(self._engine),
            "next": next_relation,
            "expressions": expressions,
        }
        try:
            report = self._worker.run("parse", request, timeout=timeout)
        except NoAnswer as reason:
            raise EngineError(f"{spec.path} is not parsed: {reason}") from None
        if report["tree"] is None:
            messages = [Message(code, kind, text) for code, kind, text in report["messages"]]
            raise diagnose(spec, messages, report["failure"])
        if next_relation is not None and not report["tree"]["relations"]:
            raise ConfigError(f"{spec.path} defines no action {next_relation}")
        return _Reading(spec).module(report["tree"], self._engine, standard=standard)


def parse(
    path: Spec | Path | str,
    *,
    engine: Engine | None = None,
    memory_mb: int = MEMORY_MB,
    timeout: float | None = None,
    standard: bool = False,
    next_relation: str | None = None,
    libraries: Iterable[Path | str] = (),
    trusted_jars: Iterable[Path | str] = (),
) -> Module:
    """Parse one module: starts a worker and ends it. See `Parser.parse`.

    Raises:
        SpecError: there is no such file, or SANY refuses it.
        ConfigError: there is no action `next_relation`.
        EngineError: no time, no memory, or the worker died.
        SetupError: there is no JVM or no TLC.
    """
    with Parser(engine=engine, memory_mb=memory_mb) as parser:
        return parser.parse(
            path,
            timeout=timeout,
            standard=standard,
            next_relation=next_relation,
            libraries=libraries,
            trusted_jars=trusted_jars,
        )


def _module_alone(
    path: Path | str, libraries: Iterable[Path | str], trusted_jars: Iterable[Path | str]
) -> Spec:
    """Return a module as a spec. SANY reads no configuration: no message can be about it."""
    folders = (*library_folders(libraries), *of_environment())
    path = module_file(path, folders)
    return Spec(path, path.with_suffix(".cfg"), folders, trusted(trusted_jars))


class _Reading:
    """Builder of public values from the worker's data; knows the files of the user."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._path = spec.path
        self._source = functools.cache(Source.read)
        self._file = functools.cache(self._find)

    def module(self, tree: Mapping[str, Any], engine: Engine, *, standard: bool) -> Module:
        parts = tuple(
            Part(name=part["name"], path=self._file(part["file"]), extends=tuple(part["extends"]))
            for part in tree["modules"]
        )
        order = {part["file"]: number for number, part in enumerate(tree["modules"])}

        def own(key: str) -> list[Mapping[str, Any]]:
            """Return the user's own part, in the order of modules and lines; SANY's own order may differ."""
            found = {(*one["place"], one["name"]): one for one in tree[key] if self._is_own(one)}
            return sorted(found.values(), key=lambda one: (order.get(one["place"][0], -1), one["place"][1:]))

        definitions = own("definitions")
        if standard:
            definitions = [one for one in tree["definitions"] if not self._is_own(one)] + definitions
        return Module(
            name=tree["root"],
            path=self._path,
            parts=parts,
            constants=tuple(self._declaration(one) for one in own("constants")),
            variables=tuple(self._declaration(one) for one in own("variables")),
            definitions=tuple(self._definition(one) for one in definitions),
            instances=tuple(
                Instance(
                    name=one["name"],
                    module=one["module"],
                    is_local=one["local"],
                    span=self._span(one["place"]),
                    text=self._text(one["place"]),
                )
                for one in own("instances")
            ),
            assumptions=tuple(self._statement(one) for one in own("assumptions")),
            theorems=tuple(self._statement(one) for one in own("theorems")),
            next=tuple(dict.fromkeys(tree["relations"])),
            actions=tuple(
                Action(
                    definition=self._definition(one["definition"]),
                    domains=tuple(
                        None if place is None else " ".join(self._text(place).split())
                        for place in one["domains"]
                    ),
                )
                for one in tree["actions"]
            ),
            engine=engine.label,
        )

    def _find(self, name: str) -> Path | None:
        """Return the user's file of a module; None for a standard module."""
        return self._spec.module_path(name)

    def _is_own(self, one: Mapping[str, Any]) -> bool:
        return self._file(one["place"][0]) is not None

    def _span(self, place: list[Any]) -> Span:
        name, line, column, end_line, end_column = place
        return Span(
            file=str(self._file(name) or f"{name}.tla"),
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
        )

    def _text(self, place: list[Any]) -> str:
        name, *numbers = place
        path = self._file(name)
        return "" if path is None else self._source(path).between(*numbers)

    def _declaration(self, one: Mapping[str, Any]) -> Declaration:
        return Declaration(name=one["name"], arity=one["arity"], span=self._span(one["place"]))

    def _statement(self, one: Mapping[str, Any]) -> Statement:
        return Statement(name=one["name"], span=self._span(one["place"]), text=self._text(one["place"]))

    def _definition(self, one: Mapping[str, Any]) -> Definition:
        name, line, column, *_ = one["place"]
        path = self._file(name)
        comment = "" if path is None else self._source(path).comment_above(line, column, one["comments"])
        return Definition(
            name=one["name"],
            parameters=tuple(Parameter(*parameter) for parameter in one["parameters"]),
            level=[*Level][one["level"]],
            module=one["module"],
            span=self._span(one["place"]),
            is_local=one["local"],
            is_recursive=one["recursive"],
            comment=comment,
            text=self._text(one["place"]),
            body=self._expression(one["tree"]) if "tree" in one else None,
        )

    def _expression(self, nodes: list[Any]) -> Expression:
        found: dict[int, Expression] = {}
        for place in range(len(nodes) - 1, -1, -1):  # operands come after what they are part of
            operator, level, span, operands, uses = nodes[place]
            found[place] = Expression(
                operator=operator,
                level=[*Level][level],
                span=self._span(span),
                operands=tuple(found.pop(each) for each in operands),
                uses=uses,
            )
        return found[0]


def _signature(name: str, parameters: "list[str] | tuple[Parameter, ...]") -> str:
    return f"{name}({', '.join(map(str, parameters))})" if parameters else name
