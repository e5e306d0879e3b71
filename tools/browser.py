"""Finds a Chromium for the tests of the HTML page, and installs one where that needs no permission.

    python tools/browser.py            # print the path of one, or say how to get one
    python tools/browser.py --install  # the same, but install one first if there is none

Looked for in this order: the environment variable `TLACHECK_CHROMIUM`, then `chromium`,
`chromium-browser`, `google-chrome`, `google-chrome-stable` and `chrome` on PATH, then the browser that
Playwright has installed for itself. With `--install`, as root on a Debian or Ubuntu, `apt-get install
chromium` comes last. A browser counts as found when it runs and says its version.

Leaves with 0 and the path on standard output, or with 1 and one line on standard error. The standard
library suffices.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "TLACHECK_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Playwright's own browsers, by platform, below its folder.
_PLAYWRIGHT = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
    "chromium-*/chrome-win*/chrome.exe",
)
_START_SECONDS_MAX = 30
_INSTALL_SECONDS_MAX = 600
_HOW = (
    "install one (`apt-get install chromium` on Debian, `brew install --cask chromium` on macOS), "
    f"or set {VARIABLE} to the path of one"
)


class NoBrowser(Exception):
    """There is no Chromium here; the message says how to get one."""


def find_browser(environment: dict[str, str] | None = None) -> Path:
    """Return the path of a Chromium that runs.

    Args:
        environment: environment variables; this process's unless given.

    Raises:
        NoBrowser: there is none, or the one that `TLACHECK_CHROMIUM` names does not run.
    """
    env = dict(os.environ) if environment is None else environment
    if named := env.get(VARIABLE):
        path = Path(shutil.which(named, path=env.get("PATH")) or named)
        if complaint := does_not_run(path):
            raise NoBrowser(f"{VARIABLE} is {named}, and that {complaint}: set it to a Chromium, or unset it")
        return path
    complaints = []
    for path in _candidates(env):
        if not (complaint := does_not_run(path)):
            return path
        complaints.append(f"{path} {complaint}")
    found = f"; {'; '.join(complaints)}" if complaints else ""
    raise NoBrowser(f"no Chromium is here{found}: {_HOW}")


def _candidates(env: dict[str, str]) -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name, path=env.get("PATH")):
            yield Path(found)
    home = Path(env.get("HOME") or env.get("USERPROFILE") or ".")
    folders = [Path(env["PLAYWRIGHT_BROWSERS_PATH"])] if env.get("PLAYWRIGHT_BROWSERS_PATH") else []
    folders += [home / ".cache" / "ms-playwright", home / "Library" / "Caches" / "ms-playwright"]
    for folder in folders:
        for pattern in _PLAYWRIGHT:
            yield from sorted(folder.glob(pattern), reverse=True)


def does_not_run(path: Path) -> str:
    """Return why a browser is unusable; empty if it is usable."""
    try:
        done = subprocess.run(
            [str(path), "--version"], capture_output=True, text=True, timeout=_START_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return f"does not answer within {_START_SECONDS_MAX} s"
    except OSError as error:
        return f"cannot be started ({error.strerror})"
    if done.returncode:
        return f"ends with status {done.returncode}"
    return "" if "Chrom" in done.stdout else "is no Chromium"


def install() -> None:
    """Install Debian's Chromium.

    Raises:
        NoBrowser: this is no Debian, this process may not install, or apt-get failed.
    """
    if not shutil.which("apt-get"):
        raise NoBrowser(f"no Chromium is here, and no apt-get to get one: {_HOW}")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise NoBrowser(f"no Chromium is here, and only root may install one: {_HOW}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"],
    ):
        print(f"browser: {' '.join(command)}", file=sys.stderr, flush=True)
        try:
            done = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoBrowser(
                f"`{' '.join(command)}` took longer than {_INSTALL_SECONDS_MAX} s: {_HOW}"
            ) from None
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise NoBrowser(f"`{' '.join(command)}` failed: {''.join(last)}. Without it, {_HOW}")


def main(arguments: list[str] | None = None) -> int:
    """Print the path of a Chromium; return 0 if there is one, 1 with a line on standard error if not."""
    parser = argparse.ArgumentParser(description="Find a Chromium for the tests of the HTML page.")
    parser.add_argument("--install", action="store_true", help="install one with apt-get if there is none")
    options = parser.parse_args(arguments)
    try:
        try:
            path = find_browser()
        except NoBrowser:
            if not options.install or os.environ.get(VARIABLE):
                raise
            install()
            path = find_browser()
    except NoBrowser as complaint:
        print(f"browser: {complaint}", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
