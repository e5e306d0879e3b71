"""The admin address of a node, HTTP on loopback: `/livez`, `/readyz`, `/metrics`, `/status`.

| path       | 200 if                                                                                  |
|------------|-----------------------------------------------------------------------------------------|
| `/livez`   | the loop has turned within the last seconds; else 503: the process should be ended      |
| `/readyz`  | the node knows a leader and has applied what was committed when it came; else 503       |
| `/metrics` | always: the metrics for Prometheus                                                      |
| `/status`  | always: JSON for people and programs                                                    |

It is served by threads of its own, so that it answers also when the loop hangs.
"""

import http.server
import json
import threading
import time
import types
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["Admin", "Answers"]

_LAG_S: Final = 5.0
_PATIENCE_S: Final = 5.0

#: path -> status, content type, body.
Answers = Mapping[str, Callable[[], tuple[int, str, bytes]]]


class Admin:
    """Answers HTTP requests on loopback, until `close`.

    Args:
        is_ready: says whether the node is ready.
        status: gives what `/status` shows.
        metrics: gives the text of `/metrics`.

    Attributes:
        port: where it listens; the system chooses.
    """

    def __init__(
        self, is_ready: Callable[[], bool], status: Callable[[], Any], metrics: Callable[[], bytes]
    ) -> None:
        self._turned = time.monotonic()
        answers: Answers = {
            "/livez": lambda: _state(is_right=time.monotonic() - self._turned < _LAG_S),
            "/readyz": lambda: _state(is_right=is_ready()),
            "/metrics": lambda: (200, "text/plain; version=0.0.4; charset=utf-8", metrics()),
            "/status": lambda: (200, "application/json", json.dumps(status(), indent=1).encode()),
        }

        class Handler(_Handler):
            """Handles requests to this node."""

            routes = answers

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="admin", daemon=True)
        self._thread.start()

    def turned(self) -> None:
        """The loop has turned."""
        self._turned = time.monotonic()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def _state(*, is_right: bool) -> tuple[int, str, bytes]:
    return (200, "text/plain", b"ok\n") if is_right else (503, "text/plain", b"not yet\n")


class _Handler(http.server.BaseHTTPRequestHandler):
    """Handles a request by a table of paths."""

    routes: Answers = types.MappingProxyType({})
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        """Answer a GET."""
        found = self.routes.get(self.path)
        code, kind, body = (404, "text/plain", b"no such page\n") if found is None else found()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Log nothing: whoever scrapes asks every few seconds."""
