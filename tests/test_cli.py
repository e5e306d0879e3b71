"""The help of every command, as its user reads it."""

from collections.abc import Iterator

import click
import pytest

from tlacheck.cli import main


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The path and the help of a command and of those below it."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _commands(below, click.Context(below, info_name=name, parent=context))


HELPS = dict(_commands(main, click.Context(main, info_name="tlacheck", terminal_width=80)))


@pytest.mark.parametrize("path", HELPS)
def test_the_help_of_a_command_says_what_it_does(path: str) -> None:
    lines = HELPS[path].splitlines()
    assert lines[0].startswith(f"Usage: {path}")
    assert len(lines) > 2
    assert lines[2].strip()


@pytest.mark.parametrize("path", HELPS)
def test_no_mark_of_the_formatter_is_left_in_a_help(path: str) -> None:
    """A raw docstring keeps click's backspace as two characters, and the list after it becomes one line."""
    assert "\\b" not in HELPS[path]
