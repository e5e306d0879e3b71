"""The process of one Python check: `python -m tlacheck.verify._job`.

Reads one request, a line of JSON, on standard input, and answers in lines of JSON: progress, then the
outcome or the reason why there is none. Only this module writes to the real standard output; all other
output goes to standard error, which is the check's log.

When standard input closes, the requester is gone: this process then ends, with all its children.
"""

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from tlacheck.errors import TlacheckError
from tlacheck.garbage import collect_rarely
from tlacheck.verify.outcome import Context, Outcome

__all__ = ["main"]


def main() -> None:
    """Serve the request. Does not return: a JVM started by then would hold up an ordinary exit."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    lock = threading.Lock()  # a check may report progress from several threads

    def answer(**data: Any) -> None:
        with lock:
            answers.write(json.dumps(data) + "\n")
            answers.flush()

    request = json.loads(requests.readline())
    threading.Thread(target=_end_with_asker, args=(requests,), daemon=True).start()
    context = Context(
        folder=Path(request["folder"]),
        budget=request["budget"],
        seed=request["seed"],
        command=request["command"],
        progress=lambda text: answer(kind="progress", text=str(text)),
    )
    try:
        outcome = _call(request["call"], context, request["arguments"])
        end = {"kind": "outcome", "outcome": outcome.to_json()}
        json.dumps(end)  # a figure that is no number or text raises here
    except TlacheckError as error:
        traceback.print_exc()
        end = {"kind": "failed", "message": str(error)}
    except BaseException as error:  # noqa: BLE001 - whatever a check raises is reported, SystemExit too
        traceback.print_exc()
        first = str(error).partition("\n")[0]
        end = {
            "kind": "failed",
            "message": f"{type(error).__name__}: {first}" if first else type(error).__name__,
        }
    sys.stdout.flush()
    sys.stderr.flush()
    answer(**end)  # the last thing: this process may be ended as soon as it is read
    os._exit(0)


def _call(target: str, context: Context, arguments: dict[str, Any]) -> Outcome:
    module, _, name = target.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    check = getattr(importlib.import_module(module), name)
    collect_rarely()
    outcome = check(context, **arguments)
    if not isinstance(outcome, Outcome):
        raise TypeError(f"{target} returned {type(outcome).__name__}, not a tlacheck.verify.Outcome")
    if outcome.trace is not None and not outcome.trace.is_file():
        raise FileNotFoundError(f"{target} says that its trace is {outcome.trace}, but there is no such file")
    return outcome


def _end_with_asker(requests: TextIO) -> None:
    requests.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
