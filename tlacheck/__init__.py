"""tlacheck: from a protocol's TLA+ specification to an implementation checked against it."""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

if "TLACHECK_READS" in os.environ:  # a check of `tlacheck verify`, or a child of one
    from tlacheck import reads

    reads.begin()
