"""`python -m tlacheck.engine`: the command `tlacheck engine`, without loading the rest of the toolkit."""

import sys

import click

from tlacheck.engine._cli import engine_command
from tlacheck.errors import TlacheckError


def main() -> None:
    """Run the command; an error is one line on stderr and status 2."""
    try:
        engine_command(prog_name="tlacheck engine")
    except TlacheckError as error:
        click.echo(f"tlacheck: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
