"""Consistency of the repository: statements of its files about each other hold.

A table that has drifted from its subject, a clock in a protocol core, a weakened spec with other
bounds than its base: each makes the project claim more than it has established.
"""

import ast
import functools
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from tlacheck import itf
from tlacheck.harness import Protocol
from tlacheck.tlc.configuration import configuration_text, is_configuration
from tlacheck.verify.manifest import Expectation, Model, read_manifest
from tlacheck.verify.plan import Call, read_plan
from tools.record_traces import folder_of

ROOT = Path(__file__).resolve().parents[1]
PROTOCOLS = sorted(folder.name for folder in (ROOT / "specs").iterdir() if folder.is_dir())


def each_protocol(test: Any) -> Any:
    """Run the test once for every folder of specs/."""
    return pytest.mark.parametrize("protocol", PROTOCOLS)(test)


@functools.cache
def models(protocol: str) -> tuple[Model, ...]:
    return read_manifest(ROOT / "specs" / protocol / "manifest.toml")


@functools.cache
def repository_files() -> tuple[Path, ...]:
    """Every file that is or will be committed; without git, every file that no tool generated."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = [name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("**/*") if not is_made(path)]
    return tuple(sorted(ROOT / name for name in names if (ROOT / name).is_file()))


def is_made(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return (
        "__pycache__" in parts
        or (parts[0].startswith(".") and parts[0] != ".ci")
        or "counterexamples" in parts
    )


def python_files(*folders: str) -> list[Path]:
    return [
        path
        for path in repository_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders
    ]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- specs, manifests, configurations -----------------------------------------------------------


@attrs.frozen
class Configuration:
    """A parsed TLC configuration."""

    specification: str
    constants: dict[str, str]
    replacements: dict[str, str]
    invariants: tuple[str, ...]
    properties: tuple[str, ...]

    @property
    def checked(self) -> frozenset[str]:
        """All invariants and properties."""
        return frozenset((*self.invariants, *self.properties))


#: Spellings of a section -> its canonical name.
_SECTIONS = {
    "SPECIFICATION": "SPECIFICATION", "CONSTANT": "CONSTANT", "CONSTANTS": "CONSTANT",
    "INVARIANT": "INVARIANT", "INVARIANTS": "INVARIANT", "PROPERTY": "PROPERTY", "PROPERTIES": "PROPERTY",
    "SYMMETRY": "SYMMETRY", "VIEW": "VIEW",
}  # fmt: skip


def configuration(text: str) -> Configuration:
    words: dict[str, list[str]] = {}
    constants: dict[str, str] = {}
    replacements: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        rest = line.partition("\\*")[0].strip()
        head, _, tail = rest.partition(" ")
        if head in _SECTIONS:
            section, rest = _SECTIONS[head], tail
        if section != "CONSTANT":
            words.setdefault(section, []).extend(rest.split())
        elif "<-" in rest:
            name, _, value = rest.partition("<-")
            replacements[name.strip()] = value.strip()
        elif "=" in rest:
            name, _, value = rest.partition("=")
            constants[name.strip()] = value.strip()
    (specification,) = words["SPECIFICATION"]
    return Configuration(
        specification,
        constants,
        replacements,
        tuple(words.get("INVARIANT", ())),
        tuple(words.get("PROPERTY", ())),
    )


def of(path: Path) -> Configuration:
    return configuration(configuration_text(path))


def test_a_configuration_is_parsed() -> None:
    text = """\\* A comment.
SPECIFICATION Spec
CONSTANTS
    Server = {n1, n2}
    Limit = 3  \\* not 4
    Rule <- WeakRule
SYMMETRY Symmetry
INVARIANTS
    TypeOK
    Safe
PROPERTY Live
"""
    expected = Configuration(
        "Spec", {"Server": "{n1, n2}", "Limit": "3"}, {"Rule": "WeakRule"}, ("TypeOK", "Safe"), ("Live",)
    )
    assert expected == configuration(text)


@each_protocol
def test_every_folder_of_specs_has_a_manifest_and_a_readme(protocol: str) -> None:
    folder = ROOT / "specs" / protocol
    assert {"manifest.toml", "README.md"} <= {path.name for path in folder.iterdir()}


def test_every_manifest_is_part_of_the_plan() -> None:
    named = {
        model.manifest.resolve()
        for model in read_plan(ROOT / "verify.toml").checks
        if isinstance(model, Model)
    }
    assert named == {ROOT / "specs" / protocol / "manifest.toml" for protocol in PROTOCOLS}


#: Constants that are no bounds: parameters of a protocol, which can be wrong like a rule.
PARAMETERS = frozenset({"Byzantine", "Features", "LeaseTicks", "Liars", "MaxSkew"})


@each_protocol
def test_every_configuration_is_in_the_manifest_or_serves_the_oracle(protocol: str) -> None:
    """A configuration that nothing runs looks like a check but is none."""
    folder = ROOT / "specs" / protocol
    listed = {model.config.name for model in models(protocol)}
    others = {path.name for path in folder.glob("*.cfg")} - listed
    spec_for = getattr(adapter(protocol), "spec_for", None)
    served = {
        name
        for name in others
        if (number := re.fullmatch(r"Oracle(\d+)\.cfg", name))
        and spec_for is not None
        and spec_for(int(number[1])).config == folder / name
    }
    if importlib.util.find_spec(f"property_tests.{protocol}.protocol"):
        module = importlib.import_module(f"property_tests.{protocol}.protocol")
        declared = [each for each in vars(module).values() if isinstance(each, Protocol)]
        served |= {size.config for each in declared for size in each.sizes}
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        served |= {name for name in others if f'"{name}"' in source}
    for name in ("runs", "recorder", "recording", "overfaulted"):
        if importlib.util.find_spec(f"property_tests.{protocol}.{name}"):
            configs = getattr(importlib.import_module(f"property_tests.{protocol}.{name}"), "CONFIGS", ())
            names = configs.values() if isinstance(configs, Mapping) else configs
            served |= {f"{config}.cfg" for config in names}
    assert set() == others - served


@each_protocol
def test_every_model_names_existing_files(protocol: str) -> None:
    for model in models(protocol):
        assert model.spec.is_file(), f"{model.name}: {model.spec}"
        for path in (model.config, model.base):
            assert path is None or is_configuration(path), f"{model.name}: {path}"


@each_protocol
def test_every_model_has_a_configuration_of_its_own(protocol: str) -> None:
    configs = [model.config for model in models(protocol)]
    assert len(configs) == len(set(configs))


@each_protocol
def test_a_model_that_must_fail_has_the_bounds_of_one_that_holds(protocol: str) -> None:
    """A mutant caught within wider bounds does not show that the verified bounds would catch it."""
    verified = {model.config.resolve() for model in models(protocol) if model.expect is Expectation.EXHAUSTED}
    for model in models(protocol):
        if model.expect is Expectation.EXHAUSTED:
            continue
        assert model.base is not None, f"{model.name} names no base"
        assert model.base.resolve() in verified, f"{model.name}: its base is no model that holds"
        bounds = [
            {name: value for name, value in of(config).constants.items() if name not in PARAMETERS}
            for config in (model.config, model.base)
        ]
        assert bounds[0] == bounds[1], f"{model.name}: other bounds than {model.base.name}"


@each_protocol
def test_a_model_that_must_fail_differs_from_its_base_by_one_change(protocol: str) -> None:
    """A weakened model replaces one rule, has one parameter wrong, or assumes another specification.

    A witness changes nothing.
    """
    for model in models(protocol):
        if model.base is None or model.expect is Expectation.EXHAUSTED:
            continue
        own, base = of(model.config), of(model.base)
        rules = {name for name, by in own.replacements.items() if base.replacements.get(name) != by}
        wrong = {name for name in PARAMETERS if own.constants.get(name) != base.constants.get(name)}
        changes = len(rules) + len(wrong) + (own.specification != base.specification)
        expected = 0 if model.expect is Expectation.WITNESS else 1
        assert expected == changes, f"{model.name}: {changes} changes against {model.base.name}"


@each_protocol
def test_a_model_that_must_fail_checks_the_property_that_it_breaks(protocol: str) -> None:
    for model in models(protocol):
        if model.violates is not None:
            assert model.violates in of(model.config).checked, model.name


@each_protocol
def test_every_property_of_a_verified_model_is_broken_by_a_weakened_one(protocol: str) -> None:
    """A property that nothing breaks may be trivially true."""
    listed = {
        name
        for model in models(protocol)
        if model.expect is Expectation.EXHAUSTED
        for name in of(model.config).checked
    }
    broken = {model.violates for model in models(protocol) if model.expect is Expectation.VIOLATED}
    assert set() == listed - broken


@each_protocol
def test_the_counts_of_every_model_are_pinned(protocol: str) -> None:
    for model in models(protocol):
        assert {"generated", "distinct", "depth"} <= set(model.pins), (
            f"{model.name}: tlacheck verify --only {model.name} --record"
        )


def config_row(model: Model) -> str:
    """The model's row in the table of its README."""
    expected = {
        Expectation.EXHAUSTED: "exhausted",
        Expectation.VIOLATED: f"violates `{model.violates}`",
        Expectation.WITNESS: f"reaches what `{model.violates}` denies",
    }[model.expect]
    return f"| `{model.config.name}` | {model.what} | {expected} | {model.budget} |"


@each_protocol
def test_the_readme_lists_the_configurations_of_the_manifest(protocol: str) -> None:
    text = (ROOT / "specs" / protocol / "README.md").read_text(encoding="utf-8")
    rows = [
        line for line in text.splitlines() if re.fullmatch(r"\| `\w+\.cfg` \|.*\| (smoke|ci|deep) \|", line)
    ]
    assert [config_row(model) for model in models(protocol)] == rows


@each_protocol
def test_the_counts_in_the_readme_are_the_pinned_ones(protocol: str) -> None:
    text = (ROOT / "specs" / protocol / "README.md").read_text(encoding="utf-8")
    quoted = re.findall(
        r"--config specs/\w+/(\w+\.cfg).*\n.*\n  ([\d,]+) states generated, ([\d,]+) distinct, depth (\d+)",
        text,
    )
    assert quoted
    pins = {model.config.name: model.pins for model in models(protocol)}
    for config, *counts in quoted:
        assert [int(count.replace(",", "")) for count in counts] == [
            pins[config][pin] for pin in ("generated", "distinct", "depth")
        ], config


# --- adapters -----------------------------------------------------------------------------------


def adapter(protocol: str) -> Any:
    return importlib.import_module(f"property_tests.{protocol}.adapter")


def events(protocol: str) -> frozenset[str]:
    """The actions of the module with the `event` variable."""
    (module,) = (ROOT / "specs" / protocol).glob("*Events.tla")
    text = module.read_text(encoding="utf-8")
    body = text[text.index("EventNext ==") :].partition("\n\n")[0]
    return frozenset(re.findall(r"\b(\w+)Event\b", body))


@each_protocol
def test_the_adapter_knows_every_action_of_the_spec(protocol: str) -> None:
    adapter = importlib.import_module(f"property_tests.{protocol}.adapter")
    (system,) = (
        found
        for found in vars(adapter).values()
        if hasattr(found, "declaration") and found.__module__ == adapter.__name__
    )
    assert events(protocol)
    assert events(protocol) == set(system.declaration.actions)


@each_protocol
def test_every_action_of_the_spec_is_replayed_or_must_occur_in_walks(protocol: str) -> None:
    """The implementation is never tested on an action that no trace takes."""
    replayed = {
        step.action
        for path in (ROOT / "traces" / "golden" / protocol).glob("*/*.itf.json")
        for step in itf.read(path).steps
    }
    if importlib.util.find_spec(f"property_tests.{protocol}.replays"):
        walked = set(importlib.import_module(f"property_tests.{protocol}.replays").REPLAYS.walks.weights)
    else:
        walked = set(importlib.import_module(f"property_tests.{protocol}.checks")._WEIGHTS)
    if importlib.util.find_spec(f"property_tests.{protocol}.script"):
        script = importlib.import_module(f"property_tests.{protocol}.script")
        walked |= set(getattr(script, "ACTIONS", ()))
    assert set() == events(protocol) - replayed - walked


# --- traces -------------------------------------------------------------------------------------


def golden(protocol: str) -> list[Path]:
    return sorted((ROOT / "traces" / "golden" / protocol).glob("**/*.itf.json"))


@each_protocol
def test_every_golden_trace_belongs_to_a_model(protocol: str) -> None:
    owners = {(folder_of(model), model.config.stem): model for model in models(protocol)}
    assert golden(protocol)
    for path in golden(protocol):
        model = owners.get((path.parent.name, path.name.removesuffix(".itf.json")))
        assert model is not None, f"{shown(path)} belongs to no model: run tools/record_traces.py"
        violation = itf.read(path).violation
        assert violation is not None
        assert model.violates == violation.property, shown(path)


@each_protocol
def test_every_golden_trace_has_its_pinned_length(protocol: str) -> None:
    """A trace of another length was recorded from another model."""
    pins = {model.config.stem: model.pins.get("steps") for model in models(protocol)}
    found = {path.name.removesuffix(".itf.json"): len(itf.read(path)) for path in golden(protocol)}
    assert {name: pins.get(name) for name in found} == found


@each_protocol
def test_every_golden_trace_names_an_existing_spec_and_config(protocol: str) -> None:
    for path in golden(protocol):
        origin = itf.read(path).origin
        for named in (origin.spec, origin.config):
            assert named, f"{shown(path)} does not say where it comes from"
            assert not Path(named).is_absolute(), f"{shown(path)} names {named}"
            assert is_configuration(ROOT / named), f"{shown(path)} names {named}"


# --- dependencies -------------------------------------------------------------------------------

#: Modules that a protocol core may import, all of them pure.
PURE = frozenset(
    {
        "attrs", "bisect", "collections", "enum", "functools", "hashlib", "impl", "itertools", "json",
        "math", "operator", "typing",
    }
)  # fmt: skip

#: Further imports by file: signatures are pure; the host draws the secret keys.
PURE_AS_WELL = {"impl/common/ed25519.py": "cryptography"}

#: Functions that reach the world, or give another answer in another process.
IMPURE_CALLS = frozenset({"__import__", "breakpoint", "eval", "exec", "hash", "id", "input", "open", "print"})


def impurities(source: str) -> list[str]:
    """The impurities of a core's source, each with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [
                    (node.lineno, f"imports {name.name}") for name in names if root_of(name.name) not in PURE
                ]
            case ast.ImportFrom(module=module, level=0) if root_of(module or "") not in PURE:
                found.append((node.lineno, f"imports {module}"))
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                found.append((node.lineno, f"calls {name}()"))
            case ast.Assert():
                found.append((node.lineno, "has an assert"))
            case ast.AsyncFunctionDef() | ast.Global():
                found.append((node.lineno, f"has a {type(node).__name__}"))
    return [f"line {line} {what}" for line, what in sorted(found)]


def root_of(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("path", python_files("impl"), ids=shown)
def test_protocol_cores_are_pure(path: Path) -> None:
    """Time, randomness and I/O in a core make runs that cannot be repeated and that no spec covers."""
    allowed = f" imports {PURE_AS_WELL.get(shown(path), '-')}"
    found = [what for what in impurities(path.read_text(encoding="utf-8")) if allowed not in what]
    assert found == []


@pytest.mark.parametrize(
    "module",
    [
        "asyncio", "datetime", "io", "logging", "os", "pathlib", "random", "secrets", "socket",
        "subprocess", "sys", "threading", "time", "uuid", "tlacheck", "property_tests",
    ],
)  # fmt: skip
def test_an_impure_import_is_noticed(module: str) -> None:
    assert impurities(f"import attrs\nimport {module}") == [f"line 2 imports {module}"]
    assert impurities(f"def step():\n    from {module}.part import x") == [f"line 2 imports {module}.part"]
    assert impurities(f"import {module} as attrs") == [f"line 1 imports {module}"]


@pytest.mark.parametrize("name", sorted(IMPURE_CALLS))
def test_an_impure_call_is_noticed(name: str) -> None:
    assert impurities(f"x = 1\ny = [{name}('x')]") == [f"line 2 calls {name}()"]


def test_an_assert_a_coroutine_and_a_global_in_a_core_are_noticed() -> None:
    assert impurities("assert True") == ["line 1 has an assert"]
    assert impurities("async def f(): pass") == ["line 1 has a AsyncFunctionDef"]
    assert impurities("def f():\n    global x") == ["line 2 has a Global"]


def test_the_imports_of_a_pure_core_are_allowed() -> None:
    assert impurities("from typing import Final\nfrom collections.abc import Sequence\nimport attrs") == []


#: Places where the toolkit may name a protocol: none.
NAMED_PROTOCOLS: set[tuple[str, str]] = set()


def words_of(source: str) -> Iterator[str]:
    """The names and texts of a module, without its docstrings and comments."""
    nodes = list(ast.walk(ast.parse(source)))
    documents = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        words = [getattr(node, field, None) for field in ("id", "attr", "name", "arg", "module")]
        if isinstance(node, ast.Constant) and node not in documents:
            words.append(node.value)
        yield from (word for word in words if isinstance(word, str))


def protocol_words(source: str) -> list[str]:
    return [word for word in words_of(source) if re.search("raft|pbft|hotstuff", word, re.IGNORECASE)]


def test_the_toolkit_knows_no_protocol() -> None:
    found = {
        (shown(path), word)
        for path in python_files("tlacheck")
        for word in protocol_words(path.read_text(encoding="utf-8"))
    }
    assert found == NAMED_PROTOCOLS


@pytest.mark.parametrize(
    "source", ["import impl.raft", "class PbftNode: ...", "x = f(raft=1)", "x = 'HotStuff'", "a.raft_log()"]
)
def test_a_protocol_in_the_toolkit_is_noticed(source: str) -> None:
    assert protocol_words(source)


def test_a_protocol_may_be_an_example_in_a_docstring() -> None:
    assert protocol_words('"""As in Raft."""\n\n\ndef f():\n    """Raft."""\n') == []


def imports_of(path: Path) -> Iterator[str]:
    """Every module, and every name of a module, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{name.name}" for name in names)


def test_models_import_only_quorum_arithmetic_of_impl() -> None:
    for path in python_files("models"):
        foreign = [
            name
            for name in imports_of(path)
            if root_of(name) in {"impl", "property_tests"} and not f"{name}.".startswith("impl.quorum.")
        ]
        assert foreign == [], shown(path)


def test_the_toolkit_imports_nothing_that_it_checks() -> None:
    for path in python_files("tlacheck"):
        rooms = {root_of(name) for name in imports_of(path)} & {"impl", "models", "property_tests", "tests"}
        assert rooms == set(), shown(path)


def test_a_node_imports_nothing_that_judges_it() -> None:
    """A node runs where there is no spec, no TLC and no test."""
    for path in python_files("node"):
        rooms = {root_of(name) for name in imports_of(path)}
        assert rooms.isdisjoint({"models", "property_tests", "tests", "tlacheck"}), shown(path)


def test_the_toolkit_has_no_assert_that_safety_could_rest_on() -> None:
    """`python -O` removes asserts, and a removed check always passes."""
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in python_files("tlacheck", "impl", "node")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


# --- texts --------------------------------------------------------------------------------------

#: Hosts of package indexes, in parts, so that this file does not name them.
_HOSTS = (("pypi", "org"), ("pythonhosted", "org"), ("maven", "apache", "org"), ("repo1", "maven", "org"))
FOREIGN = re.compile("|".join((*(r"\.".join(host) for host in _HOSTS), r"/(?:home|Users)/\w", r"/roo[t]/\w")))


def test_no_file_names_a_package_index_or_a_home_folder() -> None:
    """Such a name works on one machine only, and reveals it."""
    found = []
    for path in repository_files():
        if path.suffix == ".png":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if FOREIGN.search(line):
                found.append(f"{shown(path)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize("text", [".".join(host) for host in _HOSTS] + ["/home" + "/ann"])
def test_a_host_and_a_home_folder_are_noticed(text: str) -> None:
    assert FOREIGN.search(f"see {text}/x")


WAIVER = re.compile(r"#\s*(noqa|type:\s*ignore)")
REASONED = re.compile(r"#\s*(noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[\w, -]+\])\s*(-|#|\()\s*\w")


def test_every_waiver_of_a_lint_or_type_rule_has_a_reason() -> None:
    found = []
    for path in repository_files():
        if path.suffix == ".py":
            with tokenize.open(path) as file:
                for token in tokenize.generate_tokens(file.readline):
                    comment = token.string if token.type == tokenize.COMMENT else ""
                    if WAIVER.search(comment) and not REASONED.search(comment):
                        found.append(f"{shown(path)}:{token.start[0]}: {comment}")
    assert found == []


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: S101", "# type: ignore", "# type: ignore[misc]"])
def test_a_waiver_without_a_reason_is_noticed(comment: str) -> None:
    assert WAIVER.search(comment)
    assert not REASONED.search(comment)
    assert REASONED.search("# noqa: S101 - because")
    assert REASONED.search("# type: ignore[misc]  # because")


@pytest.mark.parametrize("path", [p for p in repository_files() if p.suffix == ".md"], ids=shown)
def test_every_link_to_a_file_resolves(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        assert "://" in target or (path.parent / target).exists(), target


# --- tests --------------------------------------------------------------------------------------

#: The number of test names in property_tests/ with more than 70 characters. It may only fall.
LONG_PROPERTY_TEST_NAMES_MAX = 49


def long_test_names(source: str) -> list[str]:
    """The names of test functions with more than 70 characters."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, functions) and node.name.startswith("test_") and len(node.name) > 70
    ]


def overlong_names(folder: str) -> list[str]:
    """The overlong names of a folder, each with its file."""
    return [
        f"{shown(path)}: {name}"
        for path in python_files(folder)
        for name in long_test_names(path.read_text(encoding="utf-8"))
    ]


def test_names_of_tests_have_at_most_70_characters() -> None:
    """A name says subject, condition and result; anything else belongs into a docstring."""
    assert overlong_names("tests") == []
    found = overlong_names("property_tests")
    assert len(found) <= LONG_PROPERTY_TEST_NAMES_MAX, "\n".join(found)


def test_a_test_name_of_71_characters_is_noticed() -> None:
    source = "class TestX:\n    async def {}(self): ...\ndef helper_{}(): ..."
    assert long_test_names(source.format("test_".ljust(70, "x"), "x" * 99)) == []
    assert long_test_names(source.format("test_".ljust(71, "x"), "x")) == ["test_".ljust(71, "x")]


# --- make, CI, the guide ------------------------------------------------------------------------


def test_the_readme_the_help_and_the_makefile_name_the_same_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)[0].split()
    helped = re.findall(
        r"^make (\w+)", subprocess.check_output(["make", "help"], cwd=ROOT, text=True), re.MULTILINE
    )
    readme = re.findall(r"^\| `make (\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert helped == readme
    assert set(helped) | {"setup"} == set(phony)  # setup is what the others begin with


def test_ci_runs_the_tests_and_a_round_of_checks() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [line.split("#")[0].split() for line in script.read_text(encoding="utf-8").splitlines()]
    assert ["make", "test"] in commands
    assert ["make", "sweep"] in commands
    repeated = commands.index(["make", "test", 'ARGS="-m', "second_engine", 'tests/tlc"'])
    assert any('TLACHECK_TEST_JARS="$newest"' in command for command in commands[:repeated])
    assert any(command[:2] == ["make", "verify"] for command in commands)


def test_the_long_test_files_exist() -> None:
    """A renamed one would silently run late again."""
    named = re.findall(r'^    "(\w+/test_\w+\.py)",$', (ROOT / "tests/conftest.py").read_text(), re.MULTILINE)
    there = ["/".join(path.parts[-2:]) for path in ROOT.glob("*tests/**/test_*.py")]
    assert named
    assert [name for name in named if there.count(name) != 1] == []


def test_every_check_in_python_of_the_plan_can_be_called() -> None:
    for check in read_plan(ROOT / "verify.toml").checks:
        if isinstance(check, Call):
            module, _, name = check.call.partition(":")
            assert callable(getattr(importlib.import_module(module), name)), check.name


def test_the_wheel_holds_the_toolkit_only() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["tlacheck"]


@pytest.mark.parametrize(
    "page",
    [
        "guide.md", "tlc.md", "simulator.md", "histories.md", "smt.md", "guard.md", "byzantine.md",
        "coordination.md", "gossip.md", "threat.md", "voting.md",
    ],
)  # fmt: skip
def test_the_python_examples_of_the_docs_run_as_printed(tmp_path: Path, page: str) -> None:
    """The blocks form one program; a block with a title is that file, a `text` block the output."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    program, expected = [], []
    for language, name, body in re.findall(
        r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        if name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(body, encoding="utf-8")
        elif language == "python":
            program.append(body)
        elif language == "text":
            expected.append(body)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    complaints = re.sub(r"^Picked up JAVA_TOOL_OPTIONS: .*\n", "", done.stderr, flags=re.MULTILINE)
    assert (done.returncode, complaints) == (0, "")
    assert program
    assert "".join(expected) == done.stdout
