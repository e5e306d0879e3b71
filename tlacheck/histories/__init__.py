"""Histories: the calls and answers of a system's clients, checked for linearizability.

A system is linearizable if each of its operations seems to happen at one moment between its call and
its answer. A `History` holds the clients' calls and answers; a `Model` defines the object's sequential
behaviour; `check` looks for an order of the operations that the model allows and real time permits.

`history` has the nouns, `files` the format `history.ndjson`, `model` and `models` the sequential
objects, `check` the decision, `definition` its naive counterpart, `timeline` the drawing.
"""

from tlacheck.histories.check import Attempt, Frontier, Legality, Limits, Option, Placed, Result, check
from tlacheck.histories.definition import is_linearizable
from tlacheck.histories.files import Reader, Writer, read, write
from tlacheck.histories.history import (
    Call,
    Fate,
    History,
    HistoryError,
    Invoke,
    Operation,
    Recorder,
    Return,
)
from tlacheck.histories.model import Model, ModelError
from tlacheck.histories.models import MODELS, cas_register, key_value, log, queue, register

__all__ = [
    "MODELS",
    "Attempt",
    "Call",
    "Fate",
    "Frontier",
    "History",
    "HistoryError",
    "Invoke",
    "Legality",
    "Limits",
    "Model",
    "ModelError",
    "Operation",
    "Option",
    "Placed",
    "Reader",
    "Recorder",
    "Result",
    "Return",
    "Writer",
    "cas_register",
    "check",
    "is_linearizable",
    "key_value",
    "log",
    "queue",
    "read",
    "register",
    "write",
]
