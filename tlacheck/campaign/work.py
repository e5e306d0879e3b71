"""Work of a campaign: what is done for each case, and the result of one case."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

import attrs
from immutabledict import immutabledict

__all__ = ["Done", "Work", "digest_of"]


@attrs.frozen(kw_only=True)
class Done:
    """Result of one case, wherever it was done.

    Attributes:
        digest: SHA-256 of all that must be the same whenever the case is done; no times, no paths.
        seconds: of CPU.
        steps: how many steps were taken.
        goals: how often each coverage goal was met.
        property: what was broken; empty if nothing was.
        actions: the names of the steps that break it, as few as were found.
        explanation: why, in words.
        command: the command that repeats the case.
        files: the name of a file and its text; the campaign writes it beside its own file.
        data: what else the work makes of the case, as JSON data.
    """

    digest: str
    seconds: float
    steps: int = 0
    goals: Mapping[str, int] = attrs.field(factory=immutabledict)
    property: str = ""
    actions: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    command: str = ""
    files: Mapping[str, str] = attrs.field(factory=immutabledict)
    data: Mapping[str, Any] = attrs.field(factory=immutabledict)


class Work(Protocol):
    """One kind of work with its configuration. Workers get it by pickle."""

    @property
    def name(self) -> str:
        """A few words for people: `soak lock.protocol:LOCK`."""

    @property
    def needs_fresh_process(self) -> bool:
        """True if the work changes the process that does it, as a mutant does."""

    def configuration(self) -> Mapping[str, Any]:
        """All that decides the results, but for the case and the version, as JSON data."""

    def prepare(self) -> None:
        """Prepare a fresh process, once, before its first case."""

    def do(self, case: str) -> Done:
        """Do one case.

        Raises:
            TlacheckError: the work does not make sense.
        """


def digest_of(data: Any) -> str:
    """SHA-256 of JSON data or of a text, as hexadecimal digits."""
    text = data if isinstance(data, str) else json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
