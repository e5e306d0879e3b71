"""The example of the guide, and variants of it, under test."""

import importlib
import sys
from pathlib import Path
from typing import Final

import pytest

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def lock_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The example's folder and the test module's `VARIANTS` can be imported, and are forgotten afterwards."""
    (tmp_path / "variants.py").write_text(request.module.VARIANTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("lock", "variants")]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
