"""Finding a browser for the page's tests."""

import os
from pathlib import Path

import pytest

from tools import browser
from tools.browser import NoBrowser, find_browser, main


@pytest.fixture
def fake(tmp_path: Path) -> "Fake":
    return Fake(tmp_path)


class Fake:
    """Makes fake browser executables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": f"{folder}{os.pathsep}/bin", "HOME": str(folder)}

    def program(self, name: str, script: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path


def test_the_variable_precedes_path_and_path_precedes_playwright(fake: Fake) -> None:
    own = fake.program(".cache/ms-playwright/chromium-1/chrome-linux/chrome", "echo Chromium 1")
    fake.environment["PATH"] = "/nowhere"
    assert find_browser(fake.environment) == own
    fake.environment["PATH"] = str(fake.folder)
    there = fake.program("google-chrome", "echo Google Chrome 1")
    assert find_browser(fake.environment) == there
    named = fake.program("mine", "echo Chromium 1")
    assert find_browser({**fake.environment, browser.VARIABLE: str(named)}) == named
    assert find_browser({**fake.environment, browser.VARIABLE: "mine"}) == named


def test_a_broken_browser_is_skipped_and_named(fake: Fake) -> None:
    """Ubuntu's `chromium-browser` is a script that asks to install a snap."""
    fake.environment["PATH"] = str(fake.folder)
    fake.program("chromium", "exit 3")
    fake.program("chromium-browser", "echo please install me")
    with pytest.raises(
        NoBrowser, match=r"chromium ends with status 3; .*chromium-browser is no Chromium: install one"
    ):
        find_browser(fake.environment)


def test_a_broken_requested_browser_is_not_replaced(fake: Fake) -> None:
    fake.program("chromium", "echo Chromium 1")
    with pytest.raises(NoBrowser, match="TLACHECK_CHROMIUM is nothing, and that cannot be started"):
        find_browser({**fake.environment, browser.VARIABLE: "nothing"})


def test_the_command_prints_the_path_or_how_to_get_one(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fake.program("chromium", "echo Chromium 1")
    for name, value in {**fake.environment, browser.VARIABLE: ""}.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    path.unlink()
    monkeypatch.setenv("PATH", str(fake.folder))
    assert main([]) == 1
    assert "install one" in capsys.readouterr().err


def test_without_a_browser_debian_as_root_installs_one(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fake.folder / "chromium"
    install = f'printf "#!/bin/sh\\necho Chromium 1\\n" > {path}; /bin/chmod +x {path}'
    said = f'if [ "$1" = install ]; then {install}; fi'
    fake.program("apt-get", said)
    monkeypatch.setenv("PATH", str(fake.folder))
    monkeypatch.setenv("HOME", str(fake.folder))
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["--install"]) == 1
    assert "only root may install one" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main(["--install"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    path.unlink()
    fake.program("apt-get", "echo E: no network >&2; exit 100")
    assert main(["--install"]) == 1
    assert "failed: E: no network" in capsys.readouterr().err
