"""tlacheck: from a protocol's TLA+ specification to an implementation checked against it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
