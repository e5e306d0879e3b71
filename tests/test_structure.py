"""Rules for the shape of the code: imports go one way, functions stay short, docstrings start well.

A rule that is not yet kept everywhere lists its exceptions. An exception that is no longer needed
fails the test, so the lists only shrink.
"""

import ast
import functools
import importlib
import importlib.util
import re
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "examples", "impl", "models", "node", "property_tests", "tests", "tlacheck", "tools")

#: A module -> the modules that it imports.
Imports = Mapping[str, Collection[str]]


@functools.cache
def trees() -> Mapping[Path, ast.Module]:
    """Parse every Python file of the repository that is or will be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.py"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = [name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # not a clone: a downloaded archive
        names = [path.relative_to(ROOT).as_posix() for top in FOLDERS for path in ROOT.glob(f"{top}/**/*.py")]
    paths = sorted(ROOT / name for name in names if (ROOT / name).is_file())
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# --- imports ------------------------------------------------------------------------------------

#: Folders whose modules import one another by their full names.
PACKAGES = ("benchmarks", "impl", "models", "node", "property_tests", "tlacheck", "tools")

#: Circles of modules that are still there.
CIRCLES: frozenset[frozenset[str]] = frozenset()


def imports_in(tree: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """The modules among `modules` that a file imports: late, or for annotations only, as well."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name in modules)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                for name in names:
                    full = f"{module}.{name.name}"
                    yield full if full in modules else module


def module_imports() -> dict[str, set[str]]:
    files = {module_of(path): tree for path, tree in trees().items() if path.parts[0] in PACKAGES}
    return {
        module: {name for name in imports_in(tree, files) if name in files and name != module}
        for module, tree in files.items()
    }


def package_imports(modules: Imports, package: str) -> dict[str, set[str]]:
    """The imports between the direct parts of a package: its modules and its packages."""

    def part(module: str) -> str | None:
        inner = module.removeprefix(f"{package}.")
        return None if inner == module else inner.partition(".")[0]

    graph: dict[str, set[str]] = {}
    for module, names in modules.items():
        if (importer := part(module)) is not None:
            imported = graph.setdefault(importer, set())
            imported |= {name for name in map(part, names) if name not in (None, importer)}
    return graph


def circles(imports: Imports) -> set[frozenset[str]]:
    """One circle of each group of modules that import one another; empty if imports go one way."""
    left = {module: set(names) for module, names in imports.items()}
    found = set()
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle = frozenset(error.args[1])
            found.add(circle)
            for module in circle:
                left[module] -= circle
        else:
            return found


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert circles(module_imports()) == CIRCLES


def packages() -> list[str]:
    return sorted(
        module_of(path) for path in trees() if path.parts[0] == "tlacheck" and path.name == "__init__.py"
    )


@pytest.mark.parametrize("package", packages())
def test_no_parts_of_a_package_import_one_another_in_a_circle(package: str) -> None:
    assert circles(package_imports(module_imports(), package)) == set()


#: A part of `impl` -> the others that it may import. Evidence and suspicions are of PBFT and HotStuff.
CORES: Mapping[str, set[str]] = {
    "common": set(),
    "coordination": {"common", "gossip", "manager"},
    "gossip": {"common"},
    "guard": {"common", "hotstuff", "pbft", "quorum"},
    "hybrid": {"common", "guard", "hotstuff", "pbft", "quorum", "raft", "threat"},
    "hotstuff": {"common", "quorum"},
    "machine": set(),
    "manager": {"common", "gossip", "hotstuff", "pbft", "raft"},
    "pbft": {"common", "quorum"},
    "quorum": set(),
    "raft": {"common", "quorum"},
    "threat": {"common", "guard", "hotstuff", "pbft", "quorum"},
    "vote": {"common", "quorum"},
}


def strangers(imports: Imports, allowed: Imports) -> dict[str, set[str]]:
    """The imports that are not allowed, by importer."""
    found = {part: set(names) - set(allowed.get(part, ())) for part, names in imports.items()}
    return {part: names for part, names in found.items() if names}


def test_a_protocol_core_imports_only_those_that_it_is_made_of() -> None:
    imports = package_imports(module_imports(), "impl")
    assert strangers(imports, CORES) == {}
    assert CORES.keys() == imports.keys()


def test_a_core_that_imports_another_is_found() -> None:
    assert strangers({"raft": {"common", "pbft"}}, CORES) == {"raft": {"pbft"}}


@pytest.mark.parametrize(
    "imports",
    [
        {"a": {"b"}, "b": {"a"}},
        {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}},
    ],
)
def test_a_circle_is_found(imports: Imports) -> None:
    assert circles(imports)


def test_imports_that_go_one_way_are_no_circle() -> None:
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == set()


def test_packages_in_a_circle_are_found_where_modules_form_none() -> None:
    modules = {"top.one.a": {"top.two.a"}, "top.two.a": set[str](), "top.two.b": {"top.one.a"}}
    assert circles(modules) == set()
    assert circles(package_imports(modules, "top")) == {frozenset({"one", "two"})}


@pytest.mark.parametrize(
    "source",
    [
        "import top.a",
        "from top.a import name",
        "from top import a",
        "def late():\n    from top.a import name",
        "if TYPE_CHECKING:\n    from top.a import name",
    ],
)
def test_every_form_of_an_import_is_seen(source: str) -> None:
    assert list(imports_in(ast.parse(source), {"top", "top.a"})) == ["top.a"]


#: Modules that may know an implementation and the values of its spec: they translate the one into the other.
TRANSLATORS = ("adapter", "protocol", "recorder")

#: Folders of property tests where others do as well -> how many. A count may only fall.
TRANSLATING = {"claims": 1, "hybrid": 3, "pbft": 4, "raft": 4}


def knows_both_vocabularies(tree: ast.Module) -> bool:
    """Return whether a module imports a protocol core and the values of TLA+."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [
        *(name.name for node in nodes if isinstance(node, ast.Import) for name in node.names),
        *(node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)),
    ]
    return any(name.partition(".")[0] == "impl" for name in names) and "tlacheck.values" in names


def test_only_adapters_and_recorders_know_both_vocabularies() -> None:
    found = Counter(
        path.parts[1]
        for path, tree in trees().items()
        if path.parts[0] == "property_tests"
        and path.stem not in TRANSLATORS
        and not path.name.startswith("test_")
        and knows_both_vocabularies(tree)
    )
    assert {folder: count for folder, count in found.items() if count > TRANSLATING.get(folder, 0)} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from impl import vote\nfrom tlacheck.values import ModelValue", True),
        ("import impl.raft\nif x:\n    from tlacheck.values import Value", True),
        ("from impl.raft import rules\nfrom tlacheck.harness import Op", False),
        ("from tlacheck.values import Value", False),
    ],
)
def test_a_module_that_knows_both_vocabularies_is_found(source: str, *, found: bool) -> None:
    assert knows_both_vocabularies(ast.parse(source)) is found


# --- functions ----------------------------------------------------------------------------------

#: A function ends before this many lines, docstring included.
LINES_LIMIT = 70

#: Functions that are still longer: "file:name".
LONG_FUNCTIONS: frozenset[str] = frozenset()


def long_functions(tree: ast.Module) -> Iterator[str]:
    """The names of the functions that are too long."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno + 1 >= LINES_LIMIT:
                yield node.name


def test_functions_are_short() -> None:
    found = {
        f"{path.as_posix()}:{name}"
        for path, tree in trees().items()
        if path.parts[0] in {"impl", "node", "tlacheck"}
        for name in long_functions(tree)
    }
    assert found == LONG_FUNCTIONS


@pytest.mark.parametrize(("lines", "found"), [(LINES_LIMIT - 1, []), (LINES_LIMIT, ["f"])])
def test_a_function_is_measured_from_its_def_to_its_last_line(lines: int, found: list[str]) -> None:
    assert list(long_functions(ast.parse("def f():\n" + "    x = 1\n" * (lines - 1)))) == found


# --- docstrings ---------------------------------------------------------------------------------

#: How a docstring does not begin: it says what a thing is, or tells it what to do.
QUESTION = re.compile(r"(What|Whether|How|Where|Who|Which)\b")


def docstrings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def questions(texts: Iterable[str]) -> int:
    return sum(QUESTION.match(text) is not None for text in texts)


def test_no_docstring_begins_as_a_question() -> None:
    found = {path.as_posix(): questions(docstrings(tree)) for path, tree in trees().items()}
    assert {path: count for path, count in found.items() if count} == {}


@pytest.mark.parametrize("text", ["What it is.", "Whether it is.", "Which of them", "How\nmany."])
def test_a_docstring_that_begins_as_a_question_is_found(text: str) -> None:
    assert questions([text])


@pytest.mark.parametrize("text", ["The state.", "Whole files.", "Return whether it is.", "However long."])
def test_a_docstring_that_begins_with_a_noun_or_an_imperative_is_right(text: str) -> None:
    assert not questions([text])


#: Packages of the repository whose modules docstrings name.
NAMED = ("impl", "models", "property_tests", "tlacheck")


def unknown_names(text: str) -> list[str]:
    """The dotted names in a text that begin with a package and name neither a module nor a part of one."""
    pattern = rf"(?<![\w./-])(?:{'|'.join(NAMED)})(?:\.[A-Za-z_]\w*)+"
    return [name for name in re.findall(pattern, text) if not is_known(name) and not is_file(name)]


def is_file(name: str) -> bool:
    """Return whether a dotted name is that of a file, such as `models.toml`."""
    return name.rpartition(".")[2] in {"cfg", "md", "tla", "toml", "txt"}


@functools.cache
def is_known(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            if importlib.util.find_spec(module) is None:
                continue
        except ModuleNotFoundError:
            continue
        found: object = importlib.import_module(module)
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def test_a_module_or_part_of_one_that_a_docstring_names_exists() -> None:
    found = {
        f"{path.as_posix()}: {name}"
        for path, tree in trees().items()
        if path != Path(__file__).relative_to(ROOT)
        for text in docstrings(tree)
        for name in unknown_names(text)
    }
    assert found == set()


def test_a_name_that_does_not_exist_is_found() -> None:
    assert unknown_names("`tlacheck.trace.Trace`, `tlacheck.trace`, tlacheck.report.lanes.") == []
    assert unknown_names("`tlacheck.trail`, tlacheck.trace.Trail.") == [
        "tlacheck.trail",
        "tlacheck.trace.Trail",
    ]
    assert unknown_names("`impl.raft.nothing` beside `impl.raft.rules`, models/raft.py") == [
        "impl.raft.nothing"
    ]
