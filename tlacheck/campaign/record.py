"""The file of campaigns: JSON lines that are only ever added, and count once however often they are there."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs
from immutabledict import immutabledict

from tlacheck.campaign.version import Version
from tlacheck.campaign.work import Done, Work, digest_of
from tlacheck.errors import ConfigError

__all__ = ["CampaignFile", "Head", "Row"]

_FORMAT: Final = 1


@attrs.frozen(kw_only=True)
class Head:
    """A campaign, as its file has it.

    Attributes:
        key: the digest of configuration and version.
        name: of the work.
        configuration: of the work.
        version: of all workers.
    """

    key: str
    name: str
    configuration: Mapping[str, Any]
    version: Version

    @classmethod
    def of(cls, work: Work, version: Version) -> Self:
        """The head of a campaign with this work."""
        configuration = dict(work.configuration())
        key = digest_of({"work": configuration, "version": version.to_json(), "format": _FORMAT})[:16]
        return cls(key=key, name=work.name, configuration=configuration, version=version)


@attrs.frozen(kw_only=True)
class Row:
    """One case that was done.

    Attributes:
        case: which.
        worker: by whom.
        done: the result; its `files` are in the folder of the campaign.
        paths: where these files are.
    """

    case: str
    worker: str
    done: Done
    paths: tuple[str, ...] = ()


class CampaignFile:
    """The campaigns of a file, with their rows.

    Args:
        path: of the file; None keeps everything in memory.

    Attributes:
        path: of the file.
        heads: key -> campaign, in the order of the file.
        torn: how many lines could not be read.

    Raises:
        ConfigError: the file is no campaign, or cannot be read.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.heads: dict[str, Head] = {}
        self.torn = 0
        self._rows: dict[str, dict[str, Row]] = {}
        self._repeated: dict[str, dict[str, Row]] = {}
        self._needs_newline = False
        if path is None or not path.exists():
            return
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        for line in filter(None, text.split("\n")):
            try:
                self._note(json.loads(line))
            except ConfigError:
                raise
            except (ValueError, KeyError, TypeError, AttributeError):
                self.torn += 1
        self._needs_newline = bool(text) and not text.endswith("\n")
        if text.strip() and not self.heads:
            raise ConfigError(f"{path} is no file of campaigns: no line says which campaign it is of")

    def rows(self, key: str) -> Mapping[str, Row]:
        """Case -> its row, of a campaign."""
        return immutabledict(self._rows.get(key, {}))

    def repeated(self, key: str) -> Mapping[str, Row]:
        """Case -> the row of its repetition, of a campaign."""
        return immutabledict(self._repeated.get(key, {}))

    def begin(self, head: Head) -> None:
        """Begin a campaign, or go on with it."""
        if head.key in self.heads:
            return
        data = {
            "kind": "campaign",
            "format": _FORMAT,
            "key": head.key,
            "name": head.name,
            "configuration": dict(head.configuration),
            "version": head.version.to_json(),
        }
        self._append([data])

    def add(self, key: str, worker: str, done: Mapping[str, Done], *, is_repeated: bool = False) -> list[Row]:
        """Add what a worker did; the rows that are new. Files are on disk before a line names them.

        Raises:
            ConfigError: the file cannot be written.
        """
        known = self._repeated if is_repeated else self._rows
        fresh = {case: each for case, each in done.items() if case not in known.get(key, {})}
        lines = [
            {
                "kind": "repetition" if is_repeated else "case",
                "key": key,
                "case": case,
                "worker": worker,
                "paths": [] if is_repeated else list(self._written(each)),
                **_without_files(each),
            }
            for case, each in fresh.items()
        ]
        self._append(lines)
        return [known[key][case] for case in fresh]

    def _written(self, done: Done) -> Iterator[str]:
        if self.path is None or not done.files:
            return
        folder = self.path.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in done.files.items():
            path = folder / Path(name).name
            path.write_text(text, encoding="utf-8")
            yield str(path)

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if self.path is not None and lines:
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8", errors="surrogateescape") as file:
                    file.write("\n" + text if self._needs_newline else text)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise ConfigError(f"{self.path}: {error.strerror}") from error
            self._needs_newline = False
        for line in lines:
            self._note(line)

    def _note(self, line: Mapping[str, Any]) -> None:
        """Take notice of a line; the first one of a case counts."""
        key = line["key"]
        if line["kind"] == "campaign":
            if line["format"] != _FORMAT:
                raise ConfigError(
                    f"{self.path} is of format {line['format']}, and this tlacheck writes {_FORMAT}: "
                    "use another file"
                )
            head = Head(
                key=key,
                name=line["name"],
                configuration=line["configuration"],
                version=Version.from_json(line["version"]),
            )
            self.heads.setdefault(key, head)
            return
        known = {"case": self._rows, "repetition": self._repeated}[line["kind"]]
        known.setdefault(key, {}).setdefault(line["case"], _row(line))


def _without_files(done: Done) -> dict[str, Any]:
    data = attrs.asdict(done, recurse=False, filter=lambda field, _: field.name != "files")
    return {**data, "goals": dict(done.goals), "data": dict(done.data)}


def _row(line: Mapping[str, Any]) -> Row:
    fields = {field.name: line[field.name] for field in attrs.fields(Done) if field.name != "files"}
    fields["actions"], fields["explanation"] = tuple(fields["actions"]), tuple(fields["explanation"])
    return Row(case=line["case"], worker=line["worker"], done=Done(**fields), paths=tuple(line["paths"]))
