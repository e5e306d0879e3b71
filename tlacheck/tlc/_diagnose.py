"""Conversion of SANY's and TLC's messages into one `SpecError` with cause and place.

TLC reports one mistake in several messages, some of them wrapped in the text of a Java exception. This
module finds the first real cause, translates its place into the user's files, and leaves out what only
a TLC developer understands.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tlacheck.errors import Location, SpecError
from tlacheck.tlc._files import MODULE_HEADER, circle
from tlacheck.tlc._newer import COMMUNITY_MODULES, HAS_IT, MODULES, SECTIONS, SETTINGS, WRITING
from tlacheck.tlc._protocol import STAGED_CONFIG, Kind, Message
from tlacheck.tlc.configuration import configuration_text, is_configuration
from tlacheck.tlc.spec import Spec
from tlacheck.trace import EvaluationError, Trace

__all__ = ["diagnose", "location_in", "of_parser", "unknown_constants"]


_NESTED_EXPRESSIONS = 2103
_PARSER_DONE = 2219
_PARSING_FAILED = (3002, 2171)
#: Errors that only announce what follows or repeat what came before.
_ANNOUNCEMENTS = (_NESTED_EXPRESSIONS, 2121, 2264, *_PARSING_FAILED)

_PLACE = re.compile(
    r"line (\d+), col(?:umn)? (\d+) to line \d+, col(?:umn)? \d+ (?:of module|in) (\w+)", re.IGNORECASE
)
_PARSED_FILE = re.compile(r"Parsing (?:module \S+ in )?file (.*)")
_LEXICAL = re.compile(
    r'Lexical error at line (\d+), column (\d+)\.\s+Encountered: (.*?)(?: \((\d+)\))?, after : "(.*)"',
    re.DOTALL,
)
_OPEN_COMMENT = re.compile(r"EOF reached, possibly open comment starting around line (\d+)")
_SYNTAX = re.compile(
    r'\*\*\*\s*Parse Error\s*\*\*\*\s*(?:Was expecting "(?P<expected>.*?)"\s*)?'
    r'Encountered "(?P<found>.*?)" at line (?P<line>\d+), column (?P<column>\d+)(?: and token '
    r'"(?P<after>.*?)")?',
    re.DOTALL,
)
_PRECEDENCE = re.compile(
    r"\*\*\*\s*Parse Error\s*\*\*\*\s*Precedence conflict between ops (?P<left>\S+) in block (?P<place>.*?) "
    r"and (?P<right>\S+)\.\s"
)
_INDENTATION = re.compile(
    r"\*\*\*\s*Parse Error\s*\*\*\*\s*Item at (?P<place>.*?) is not properly indented inside "
    r"conjunction or\s+"
    r"disjunction list item at line (?P<line>\d+), col (?P<column>\d+) "
)
_OTHER_SYNTAX = re.compile(
    r"\*\*\*\s*Parse Error\s*\*\*\*\s*(.*?)(?:Residual stack trace follows:|\Z)", re.DOTALL
)
_CONSTRUCT = re.compile(r"Residual stack trace follows:\n(.*?) starting at line (\d+), column (\d+)")
_SEMANTIC = re.compile(r"\*\*\* Errors: (\d+)\s+(.*?)\n\s*\n(.*?)(?=\n\s*\n|\Z)", re.DOTALL)
_ABORT = re.compile(r"\*\*\* Abort messages: (\d+)\s+(.*?)\n\s*\n(.*?)(?=\n\s*\n|\Z)", re.DOTALL)
#: Words of newer parsers on a file that holds no module, or not the one that it should.
_BAD_FILES = (
    "Circular dependency among",
    "does not match the name",
    'Was expecting "---- MODULE (beginning of module)"',
)
_MISSING_FILE = re.compile(
    r"(?:File does not exist: .*?(?<=[\\/])|Cannot find source file for module )(\w+)(?:\.tla)?(?![\w\\/.-])"
)

_WRAPPED = re.compile(r"@!@!@STARTMSG (\d+):\d+ @!@!@\n(.*?)\n?@!@!@ENDMSG", re.DOTALL)
_UNEXPECTED = re.compile(
    r"TLC threw an unexpected exception\..*?The exception was an? (\S+)\n(?:: )?(.*)", re.DOTALL
)
_STACK_LINE = re.compile(r"^\s+at [\w.$/]+\(.*\)$", re.MULTILINE)
_CONFIG_LINE = re.compile(r"TLC found an error in the configuration file at line (\d+)\n(.*)", re.DOTALL)
_OVERRIDE = re.compile(r"tlc2\.module\.(\w+)\.(\w+)\(.*?produced the following error:\n(.*)", re.DOTALL)
_SETTING_UNKNOWN = re.compile(rf"TLCGet\(({'|'.join(sorted(SETTINGS))})\) was undefined")
#: What Java says, in quotes, of code that calls a method which is not there.
_UNFIT = re.compile(
    r"overridden by the Java method\s[^(]*?([\w.]+)\.\w+\(.*produced the following error:\s*"
    r"'\S+ tlc2\.\S+\(.*\)'",
    re.DOTALL,
)
_CAST = re.compile(r"[Cc]annot cast tlc2\.value\.impl\.(\w+?)Value to tlc2\.value\.impl\.(\w+?)Value")
_NOT_DEFINED = re.compile(
    r"(?:The )?(.*?) (\S+) specified in the configuration file\s+is not defined in the specification",
    re.DOTALL,
)

#: Symbols of newer TLCs -> what every TLC reads.
_ASCII = {
    "≜": "==", "∧": "/\\", "∨": "\\/", "¬": "~", "∈": "\\in", "∉": "\\notin", "∀": "\\A", "∃": "\\E",  # noqa: RUF001 - the symbols themselves
    "⇒": "=>", "⇔": "<=>", "≡": "<=>", "≠": "#", "≤": "<=", "≥": ">=", "→": "->", "←": "<-", "↦": "|->",
    "×": "\\X", "∪": "\\union", "∩": "\\intersect", "⊆": "\\subseteq", "∖": "\\", "⟨": "<<", "⟩": ">>",  # noqa: RUF001 - the symbols themselves
    "′": "'", "□": "[]", "◇": "<>", "⇝": "~>", "‥": "..", "∘": "\\o", "ℕ": "Nat", "ℤ": "Int",  # noqa: RUF001 - the symbols themselves
}  # fmt: skip

#: SANY's names of operators that are usually written otherwise.
_USUAL_SPELLING = {
    "\\lor": "\\/", "\\land": "/\\", "\\lnot": "~", "\\equiv": "<=>", "/=": "#", "\\leq": "<=", "\\geq": ">=",
}  # fmt: skip

#: The Java names of values -> words for a reader.
_VALUE_KINDS = {
    "Int": "an integer",
    "Bool": "a boolean",
    "String": "a string",
    "Tuple": "a tuple",
    "Record": "a record",
    "FcnRcd": "a function",
    "SetEnum": "a set",
    "Interval": "a set",
    "Model": "a model value",
    "I": "a value of another kind",
}


def diagnose(
    spec: Spec, messages: Sequence[Message], failure: str | None = None, trace: Trace | None = None
) -> SpecError:
    """Build the error that the messages amount to.

    Args:
        spec: what TLC was given.
        messages: what it said.
        failure: the text of an exception that TLC did not report itself.
        trace: the states up to where the evaluation failed, if TLC gave them.
    """
    error = _of_parser(spec, messages, failure) or _of_checker(spec, messages, failure)
    return error if trace is None else EvaluationError(error.message, error.location, trace)


def of_parser(messages: Sequence[Message]) -> str:
    """Return all that the parser said without a number; newer ones say the parts of a list one by one."""
    said: list[str] = []
    for message in messages:
        if message.code == _PARSER_DONE:
            break  # from here on, text without a number is printed by the spec itself
        if message.code is None:
            said.append(message.text)
    return "\n\n\n".join(said)


def location_in(text: str, spec: Spec) -> Location | None:
    """Return the last place in the user's files that `text` names; None if it names none."""
    for line, column, module in reversed(_PLACE.findall(text)):
        path = _file_of(module, spec)
        if path is not None:
            return Location(str(path), int(line), int(column))
    return None


def unknown_constants(spec: Spec, names: Sequence[str]) -> SpecError:
    """Build the error for a configuration that assigns constants which no module declares."""
    message = (
        f"the configuration gives a value to {', '.join(names)}, but {spec.module} declares no such constant"
    )
    return SpecError(message, _word_in(spec.config, names[0]))


def _file_of(module: str, spec: Spec) -> Path | None:
    return spec.module_path(module)


# --- SANY, the parser: its messages carry no numbers ---------------------------------------------


def _of_parser(spec: Spec, messages: Sequence[Message], failure: str | None) -> SpecError | None:
    file = str(spec.path)
    text = of_parser(messages)
    is_bad_file = any(words in text for words in _BAD_FILES)
    is_parsed = False
    for message in messages:
        if message.code == _PARSER_DONE:
            is_parsed = True
            break  # from here on, text without a number is printed by the spec itself
        if message.code is not None:
            continue
        if match := _PARSED_FILE.match(message.text):
            file = str(_file_of(Path(match[1]).stem, spec) or match[1])
        for pattern, explain in _PARSER_COMPLAINTS:
            if not is_bad_file and (match := pattern.search(message.text)):
                return explain(match, file, spec, message.text)
    if is_bad_file:
        return _circle(spec) or _bad_header(file, spec)
    if match := _SEMANTIC.search(text):
        return _semantic(match, file, spec, text)
    said = (failure or "", *(message.text for message in messages))
    is_evaluated = any(message.code == _NESTED_EXPRESSIONS for message in messages)
    if not is_parsed and not is_evaluated and any("StackOverflowError" in text for text in said):
        hint = "give its parts names of their own"
        return SpecError(f"an expression nests too deep for SANY, TLC's parser: {hint}", Location(file))
    if any(message.code in _PARSING_FAILED for message in messages):
        return _circle(spec) or _bad_header(file, spec)
    return None


def _lexical(match: re.Match[str], file: str, _spec: Spec, _text: str) -> SpecError:
    line, column, found, code, after = match.groups()
    place = Location(file, int(line), int(column))
    character = chr(int(code)) if code else ""
    if character == "\0":
        return SpecError("unexpected character: a NUL byte", place)
    if not character.isascii():
        plain = _ASCII.get(character)
        remedy = f"write {plain}" if plain else "it reads ASCII only, but for comments"
        return SpecError(f'unexpected character: this TLC does not know "{character}"; {remedy}', place)
    after = after.replace('\\"', '"')
    if after.startswith('"'):
        return SpecError(f"the string {after} is not closed on its line", place)
    return SpecError(
        f'unexpected character: "{(after + found.strip(chr(34))).strip()}" is no TLA+ symbol', place
    )


def _open_comment(match: re.Match[str], file: str, _spec: Spec, _text: str) -> SpecError:
    return SpecError(
        "a comment that begins around here is not closed: *) is missing", Location(file, int(match[1]))
    )


def _syntax(match: re.Match[str], file: str, _spec: Spec, text: str) -> SpecError:
    place = Location(file, int(match["line"]), int(match["column"]))
    found, expected, after = match["found"], match["expected"], match["after"]
    if found == "<EOF>" and expected and expected.startswith("===="):
        return SpecError("the module does not end: the line ==== is missing", place)
    parts = [f'syntax error: unexpected "{found}"']
    if found == "Beginning of definition":
        parts = ["syntax error: a definition begins before the one above is complete"]
    if after:
        parts.append(f' after "{after}"')
    if expected:
        parts.append(f"; expected {expected}")
    if construct := _CONSTRUCT.search(text):
        what = {"ExtendableExpr": "expression"}.get(construct[1], construct[1].lower())
        parts.append(f" (in the {what} that begins at line {construct[2]}, column {construct[3]})")
    return SpecError("".join(parts), place)


def _precedence(match: re.Match[str], file: str, spec: Spec, _text: str) -> SpecError:
    left, right = (_USUAL_SPELLING.get(match[side], match[side]) for side in ("left", "right"))
    which = (
        f"how {left} groups with another {right}"
        if left == right
        else f"which of {left} and {right} binds tighter"
    )
    message = f"precedence conflict: TLA+ does not say {which}; write parentheses"
    return SpecError(message, location_in(match["place"], spec) or Location(file))


def _indentation(match: re.Match[str], file: str, spec: Spec, _text: str) -> SpecError:
    message = (
        f"wrong indentation: the list item that begins at line {match['line']}, column "
        f"{match['column']} goes on "
        r"here, but no further right than its /\ or \/; indent this further, or end the item before it"
    )
    return SpecError(message, location_in(match["place"], spec) or Location(file))


def _other_syntax(match: re.Match[str], file: str, spec: Spec, _text: str) -> SpecError:
    words = _joined(match[1])
    return SpecError(f"syntax error: {words}", location_in(words, spec) or Location(file))


def _semantic(match: re.Match[str], file: str, spec: Spec, _text: str) -> SpecError:
    count, where, what = int(match[1]), match[2], " ".join(match[3].split())
    if unknown := re.search(r"Unknown operator: `(.*?)'", what):
        what = (
            f"unknown operator {unknown[1]}: it is neither defined nor declared, nor does an extended "
            "module have it"
        )
    elif twice := re.search(r"(?:Operator )?(\S+) already defined or declared", what):
        what = f"{twice[1]} is already defined or declared"
    elif arity := re.search(r"The operator (\S+) requires (\d+) arguments", what):
        what = f"the operator {arity[1]} takes {arity[2]} argument{'' if arity[2] == '1' else 's'}"
    elif "Level error in applying operator '" in what:
        what = "a prime (') on an expression that has one already, or that is temporal"
    elif what.startswith("Level error"):
        what = (
            f"{what[0].lower()}{what[1:].rstrip('.')} (a primed or temporal formula where a plain one "
            "belongs)"
        )
    if count > 1:
        what += f" (and {count - 1} more error{'s' if count > 2 else ''})"
    return SpecError(what, location_in(where, spec) or Location(file))


def _missing_module(match: re.Match[str], file: str, spec: Spec, _text: str) -> SpecError:
    module = match[1]
    if module in MODULES:
        message = f"the module {module} is not found: TLC 2.15 and 2.18 do not know it; {HAS_IT}"
        if module in WRITING:
            message += (
                ". It writes files, so a spec gets it only with a jar that you trust (--trusted-jar), such "
                "as that of the TLC itself"
            )
        return SpecError(message, _naming(module, file, spec))
    *others, last = map(str, (spec.path.parent, *spec.libraries))
    places = f"neither {', '.join(others)} nor {last} has a" if others else f"{last} has no"
    whose = "one of CommunityModules, which has a jar of its own" if module in COMMUNITY_MODULES else ""
    message = (
        f"the module {module} is not found: it is {whose or 'no standard module'}, and {places} "
        f"{module}.tla; --library names a folder with more modules, --trusted-jar a jar whose Java code may "
        "run"
    )
    return SpecError(message, _naming(module, file, spec))


def _naming(module: str, file: str, spec: Spec) -> Location:
    """Return where the user's files name a module."""
    # The file that was parsed last may be a standard module, which never lacks anything.
    files = (Path(file), spec.path, *sorted(spec.path.parent.glob("*.tla")))
    found = (_word_in(path, module) for path in files)
    return next((place for place in found if place.line), Location(str(spec.path)))


def _circle(spec: Spec) -> SpecError | None:
    """Return the error for modules that extend each other in a circle, if they do."""
    modules = circle(spec.path, spec.libraries)
    if not modules:
        return None
    names = " -> ".join(path.stem for path in (*modules, modules[0]))
    message = f"modules cannot extend or instantiate each other in a circle: {names}"
    text = modules[0].read_text(encoding="utf-8", errors="replace")
    following = modules[1 % len(modules)].stem
    found = re.search(rf"\b(?:EXTENDS|INSTANCE)\s[\w\s,]*?\b{following}\b", text)
    line = text.count("\n", 0, found.end()) + 1 if found else 0
    return SpecError(message, Location(str(modules[0]), line))


def _bad_header(file: str, spec: Spec) -> SpecError:
    path = Path(file)
    if path.is_file() and path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return SpecError("the file is UTF-16: save it as UTF-8", Location(file, 1))
    text = configuration_text(path) if is_configuration(path) else ""
    header = MODULE_HEADER.search(text)
    if header is None:
        message = f"there is no module here: it begins with a line ---- MODULE {path.stem} ----"
        return SpecError(message, Location(file, 1))
    line = text.count("\n", 0, header.start()) + 1
    if header[1] != path.stem:
        message = (
            f"the module is called {header[1]}, but its file {path.name}: TLC wants the same name for both"
        )
        return SpecError(message, Location(file, line))
    return SpecError(f"SANY cannot parse {spec.module} and does not say why", Location(file))


_PARSER_COMPLAINTS: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str], str, Spec, str], SpecError]], ...
] = (
    (_LEXICAL, _lexical),
    (_OPEN_COMMENT, _open_comment),
    (_SYNTAX, _syntax),
    (_PRECEDENCE, _precedence),
    (_INDENTATION, _indentation),
    (_OTHER_SYNTAX, _other_syntax),
    (_ABORT, _semantic),
    (_SEMANTIC, _semantic),
    (_MISSING_FILE, _missing_module),
)


# --- TLC itself: its messages have numbers -------------------------------------------------------


def _of_checker(spec: Spec, messages: Sequence[Message], failure: str | None) -> SpecError:
    errors = [message for message in messages if message.kind in (Kind.ERROR, Kind.BUG)]
    causes = [message for message in errors if message.code not in _ANNOUNCEMENTS]
    if failure is not None:
        causes.append(Message(None, Kind.ERROR, failure))
    if not causes:
        return SpecError("TLC stopped without a result and without a reason", Location(str(spec.path)))
    code, text = _unwrap(causes[0])
    if config_error := _of_config(code, text, spec):
        return config_error
    nested = "\n".join(message.text for message in errors if message.code == _NESTED_EXPRESSIONS)
    place = location_in(nested, spec) or location_in(text, spec)
    if place is None and code == _NOT_A_STATE_PREDICATE:
        place = _word_in(spec.path, text.removeprefix("The invariant ").partition(" ")[0])
    if place is None and code == _INCOMPLETE:
        states = [message.text for message in messages if message.kind == Kind.STATE]
        place = location_in(states[-1], spec) if states else None
    return SpecError(_readable(code, text), place or Location(str(spec.path)))


def _unwrap(message: Message) -> tuple[int | None, str]:
    """Return the number and text of a message, without the exception wrapped around it."""
    text = message.text
    code = message.code
    while wrapped := _WRAPPED.search(text):
        code, text = int(wrapped[1]), wrapped[2]
    if unexpected := _UNEXPECTED.search(text):
        kind, detail = unexpected[1].rpartition(".")[2], unexpected[2]
        if kind == "StackOverflowError":
            return _STACK_OVERFLOW, ""
        if kind in ("ClassCastException", "NullPointerException", "ArrayIndexOutOfBoundsException"):
            return _INTERNAL, kind
        text = detail
    return code, _STACK_LINE.sub("", text).strip()


#: Not TLC's own number: an exception inside TLC, wrapped in its messages.
_INTERNAL = -1
_STACK_OVERFLOW = 1005
_INCOMPLETE = 2109
_NOT_A_STATE_PREDICATE = 2146
_NO_VALUE = 2280


def _of_config(code: int | None, text: str, spec: Spec) -> SpecError | None:
    """Return the error if the configuration is at fault; None otherwise."""
    config = str(spec.config)
    if unknown := _unknown_section(code, text, spec):
        return unknown
    if at_line := _CONFIG_LINE.search(text):
        return SpecError(
            f"the configuration cannot be read: {_joined(at_line[2])}", Location(config, int(at_line[1]))
        )
    if code is None or not (2222 <= code <= 2243 or code in (5001, 5002)):
        return None
    match code:
        case 2222:
            name = text.partition("parameter ")[2].partition(" ")[0]
            message = f"the constant {name} has no value: add CONSTANT {name} = ... to the configuration"
            return SpecError(message, Location(config))
        case 2231 | 2232:
            missing = "INIT" if code == 2231 else "NEXT"
            return SpecError(
                f"the configuration names no {missing}: give a SPECIFICATION, or INIT and NEXT",
                Location(config),
            )
        case 2229:
            match_ = _NOT_DEFINED.search(text)
            if match_:
                what = "specification" if match_[1] == "name" else match_[1]
                message = f"the {what} {match_[2]} is named here, but {spec.module} does not define it"
                return SpecError(message, _word_in(spec.config, match_[2]))
        case _:
            pass
    return SpecError(_joined(text), location_in(text, spec) or Location(config))


def _unknown_section(code: int | None, text: str, spec: Spec) -> SpecError | None:
    """The error that the configuration uses a section which this TLC does not know, and takes for a name."""
    if not (_CONFIG_LINE.search(text) or code == 2229):
        return None
    lines = configuration_text(spec.config).splitlines() if is_configuration(spec.config) else []
    for number, line in enumerate(lines, start=1):
        for section in SECTIONS:
            if line.split()[:1] == [section] and (f"line {number}" in text or section in text):
                message = f"this TLC does not know {section} in a configuration; {HAS_IT}"
                return SpecError(message, Location(str(spec.config), number))
    return None


def _readable(code: int | None, text: str) -> str:
    """Return the text on one line, with TLA+ words in place of Java's."""
    if code == _STACK_OVERFLOW:
        return "the evaluation nests too deep: is there a recursion without end?"
    if code == _INTERNAL:
        return (
            f"TLC itself failed on this spec ({text}); a common cause is a value where a formula "
            "belongs, "
            "such as NEXT x"
        )
    if setting := _SETTING_UNKNOWN.search(text):
        return (
            f'TLCGet("{setting[1]}") has no value here: only checks and simulations give it one, and there '
            f"TLC 2.15 and 2.18 do not know it; {HAS_IT}"
        )
    if unfit := _UNFIT.search(text):
        return (
            f"the Java code of {unfit[1]}, from a trusted jar, calls what this TLC does not have: it was "
            "compiled for another version. Take the jar of that version, or that TLC (`tlacheck engine use`)"
        )
    if override := _OVERRIDE.search(text):
        module, operator, why = override.groups()
        if cast := _CAST.search(why):
            got, wanted = (_VALUE_KINDS.get(name, name) for name in cast.groups())
            return f"{module}!{operator} was given {got} where it needs {wanted}"
        return f"{module}!{operator} cannot be evaluated: {_joined(why)}"
    if code == _INCOMPLETE:
        missing = re.split(r"not assigned:|(?:is|are) not defined:", text)[-1].strip(" .\n")
        return (
            f"the next-state action gives no value to {missing}: add it to an UNCHANGED, or say what it "
            "becomes"
        )
    if code == _NO_VALUE and (unset := re.search(r"identifier (\S+) is", text)):
        return (
            f"{unset[1]} has no value here: it is primed where no step is described, or used before it is set"
        )
    if endless := re.search(r"non-enumerable quantifier bound\s+(.*?)\.?$", text, re.MULTILINE | re.DOTALL):
        name = _joined(_PLACE.sub("", endless[1])).strip(" .")
        return (
            f"TLC cannot go through the members of {name}: take a finite set (a constant, say), or "
            "override "
            "it in the configuration"
        )
    text = _PLACE.sub("", text).replace(f"{STAGED_CONFIG}.cfg", "the configuration")
    head, _, initial = text.partition("While working on the initial state:")
    if "current state is not a legal state" in head:
        unset_names = re.findall(r"(\w+) = null", initial)
        return f"the initial predicate gives no value to {', '.join(unset_names)}"
    return _joined(head).rstrip(".")


def _joined(text: str) -> str:
    return " ".join(text.split())


def _word_in(path: Path, word: str) -> Location:
    """Find the first place of `word` in a file, outside comments of both languages."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.search(rf"\b{re.escape(word)}\b", line.partition("\\*")[0]):
            return Location(str(path), number, found.start() + 1)
    return Location(str(path))
