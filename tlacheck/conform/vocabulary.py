r"""The names of a spec's actions, arguments and variables, and their comparison with an adapter's.

For a spec with a variable `event`, the actions and arguments are those of the records assigned to
`event'` in the definitions that the next-state relation uses: `event' = [action |-> "Pass", visitor |->
v]` is the action `Pass` with the argument `visitor`. For any other spec the actions are those that SANY
finds; TLC names their arguments only step by step, so they are not known in advance.

`complaints` compares a `Declaration`, an adapter's own account, with a `Vocabulary`, and reports all
mismatches at once.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, Self

import attrs
from immutabledict import immutabledict

from tlacheck.errors import AdapterError
from tlacheck.tlc.parse import Module, Parser
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace

__all__ = ["EVENT", "Declaration", "Signature", "Vocabulary", "check", "complaints", "vocabulary_of"]

#: The variable that records the last action; no system shows it.
EVENT: Final = "event"
_TOKEN = re.compile(r'\\\*[^\n]*|\(\*|"(?:[^"\\\n]|\\.)*"|\|->|<<|>>|[^\W\d][\w!]*\'?|\S')
_COMMENT_EDGE = re.compile(r"\(\*|\*\)")
_OPEN, _CLOSE = frozenset({"(", "[", "{", "<<"}), frozenset({")", "]", "}", ">>"})


@attrs.frozen(kw_only=True)
class Signature:
    """The arguments that an adapter takes for an action.

    Attributes:
        method: what performs the action, for messages.
        required: the names that must be given.
        optional: the names that may be given.
        takes_any: whether any other name may be given too.
    """

    method: str = ""
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    takes_any: bool = False

    def fits(self, arguments: Iterable[str]) -> bool:
        """Return whether an action with these arguments can be performed."""
        names = frozenset(arguments)
        return self.required <= names and (self.takes_any or names <= self.required | self.optional)


@attrs.frozen(kw_only=True)
class Declaration:
    """An adapter's account of its actions and variables.

    Attributes:
        adapter: its name, for messages.
        actions: spec action -> the arguments that it takes; None where that is not said.
        variables: the spec variables that it shows.
        unobserved: the spec variables that it does not show, on purpose.
        repeated: what is declared more than once, each in a sentence.
    """

    adapter: str
    actions: immutabledict[str, Signature | None]
    variables: frozenset[str]
    unobserved: frozenset[str] = frozenset()
    repeated: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Vocabulary:
    """The names that a spec uses, or that some traces of it use.

    Attributes:
        source: where they come from, for messages: `Turnstile.tla`.
        actions: action -> the sets of argument names with which it occurs; empty if they are not known.
        variables: the spec's variables.
        is_whole: whether there are no other actions: a trace need not show all.
    """

    source: str
    actions: immutabledict[str, tuple[frozenset[str], ...]]
    variables: tuple[str, ...]
    is_whole: bool = True

    @classmethod
    def of_traces(cls, traces: Iterable[Trace], source: str = "the trace") -> Self:
        """Return the names that some traces use."""
        actions: dict[str, dict[frozenset[str], None]] = {}
        variables: dict[str, None] = {}
        for trace in traces:
            variables.update(dict.fromkeys(trace.variables))
            for step in trace.steps:
                actions.setdefault(step.action, {})[frozenset(step.arguments)] = None
        return cls(
            source=source,
            actions=immutabledict((name, tuple(found)) for name, found in actions.items() if name),
            variables=tuple(variables),
            is_whole=False,
        )


def vocabulary_of(spec: Spec, *, parser: Parser | None = None) -> Vocabulary:
    """Return the names that a spec uses.

    Args:
        spec: the spec; its configuration says which next-state relation counts.
        parser: a parser that is warm already; else one is started and ended.

    Raises:
        SpecError: SANY refuses the spec.
        EngineError: the parser died.
        SetupError: there is no JVM or no TLC.
    """
    if parser is None:
        with Parser() as own:
            return vocabulary_of(spec, parser=own)
    module = parser.parse(spec)
    variables = tuple(variable.name for variable in module.variables)
    if EVENT in variables:
        actions = _recorded(module, _relation(spec) or module.next)
    else:
        actions = {action.name: () for action in module.actions}
    return Vocabulary(source=spec.path.name, actions=immutabledict(actions), variables=variables)


def check(declaration: Declaration, vocabulary: Vocabulary) -> None:
    """Reject an adapter that does not fit, before anything runs.

    Raises:
        AdapterError: with everything that does not fit, a line each.
    """
    lines = complaints(declaration, vocabulary)
    if lines:
        count = f"{len(lines)} things do" if len(lines) > 1 else "one thing does"
        listed = "".join(f"\n  - {line}" for line in lines)
        raise AdapterError(f"{declaration.adapter} does not fit {vocabulary.source}; {count} not:{listed}")


def complaints(declaration: Declaration, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return all mismatches between an adapter and a spec, a sentence each, with the name at fault."""
    return (
        *declaration.repeated,
        *_about_actions(declaration, vocabulary),
        *_about_arguments(declaration, vocabulary),
        *_about_variables(declaration, vocabulary),
    )


def _about_actions(declaration: Declaration, vocabulary: Vocabulary) -> Iterator[str]:
    known, declared = vocabulary.actions, declaration.actions
    if vocabulary.is_whole:
        for name in sorted(declared.keys() - known.keys()):
            signature = declared[name]
            by = f" ({signature.method})" if signature and signature.method else ""
            yield f"it declares the action {name}{by}, which {vocabulary.source} has not{_near(name, known)}"
    for name in sorted(known.keys() - declared.keys()):
        arguments = " or ".join(f"({', '.join(sorted(names))})" for names in known[name])
        yield f"nothing performs the action {name}{arguments}{_near(name, declared.keys() - known.keys())}"


def _about_arguments(declaration: Declaration, vocabulary: Vocabulary) -> Iterator[str]:
    for name in sorted(vocabulary.actions.keys() & declaration.actions.keys()):
        signature = declaration.actions[name]
        if signature is None:
            continue
        takes = signature.required | signature.optional
        where = f"{signature.method}, for the action {name}," if signature.method else f"the action {name}"
        for arguments in vocabulary.actions[name]:
            for wrong in sorted(signature.required - arguments):
                has = f"the spec gives {', '.join(sorted(arguments)) or 'no arguments'}"
                yield f"{where} needs an argument {wrong}, and {has}{_near(wrong, arguments - takes)}"
            if not signature.takes_any:
                for left in sorted(arguments - takes):
                    yield f"{where} does not take the argument {left}, which the spec gives"


def _about_variables(declaration: Declaration, vocabulary: Vocabulary) -> Iterator[str]:
    known = frozenset(vocabulary.variables)
    named = declaration.variables | declaration.unobserved
    # `unobserved` may name a variable that only some specs have; a misspelt one leaves its variable
    # unmapped.
    for name in sorted(declaration.variables - known - {EVENT}):
        yield (
            f"it shows the variable {name}, which {vocabulary.source} has "
            f"not{_near(name, known - named - {EVENT})}"
        )
    for name in sorted(declaration.variables & (declaration.unobserved | {EVENT})):
        why = "it is in `unobserved`" if name in declaration.unobserved else "it records the last step only"
        yield f"it shows the variable {name}, though {why}"
    for name in sorted(known - named - {EVENT}):
        yield (
            f"nothing shows the variable {name}: declare what observes it, or name it in `unobserved`"
            f"{_near(name, named - known)}"
        )


def _near(name: str, others: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(others), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


# --- the records that a spec assigns to event' --------------------------------------------------


def _relation(spec: Spec) -> tuple[str, ...]:
    """Return the definition that the configuration names as next-state relation or whole specification."""
    words = list(_tokens(spec.configuration))
    pairs = itertools.pairwise(words)
    return tuple(name for keyword, name in pairs if keyword in ("NEXT", "SPECIFICATION"))[:1]


def _recorded(module: Module, roots: Iterable[str]) -> Mapping[str, tuple[frozenset[str], ...]]:
    """Return the actions recorded by the definitions reachable from `roots`, in the order of the module."""
    texts = {definition.name: tuple(_tokens(definition.text)) for definition in module.definitions}
    reached, waiting = set[str](), [root for root in roots if root in texts]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [word for word in texts[name] if word in texts]
    found: dict[str, dict[frozenset[str], None]] = {}
    for name, tokens in texts.items():
        if name in reached:
            for action, arguments in _events(tokens):
                found.setdefault(action, {})[arguments] = None
    return {action: tuple(kinds) for action, kinds in found.items()}


def _events(tokens: tuple[str, ...]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the actions, with their arguments, of the records in `event' = [action |-> "...", ...]`."""
    for index, token in enumerate(tokens):
        if token == f"{EVENT}'" and tokens[index + 1 : index + 3] == ("=", "["):
            fields = dict(_fields(tokens, index + 3))
            action = fields.pop("action", "")
            if action.startswith('"'):
                yield action[1:-1], frozenset(fields)


def _fields(tokens: tuple[str, ...], index: int) -> Iterator[tuple[str, str]]:
    """Yield the fields of the record that begins there, each with the first word of its value."""
    depth = 1
    while depth and index < len(tokens):
        if depth == 1 and tokens[index + 1 : index + 2] == ("|->",):
            yield tokens[index], tokens[index + 2] if index + 2 < len(tokens) else ""
        depth += (tokens[index] in _OPEN) - (tokens[index] in _CLOSE)
        index += 1


def _tokens(text: str) -> Iterator[str]:
    """Yield the words and signs of TLA+, without comments."""
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match[0] == "(*":
            depth = 1
            while depth and (edge := _COMMENT_EDGE.search(text, position)):
                depth += 1 if edge[0] == "(*" else -1
                position = edge.end()
        elif not match[0].startswith("\\*"):
            yield match[0]
