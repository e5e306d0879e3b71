"""The commands `tlacheck trace ...`: view, compare and convert traces."""

from tlacheck.trace_cli._group import trace_command

__all__ = ["trace_command"]
