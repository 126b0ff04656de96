"""A server for containers, of the standard library alone: answers each request with how it came, and remembers POSTs.

`NAME` in the environment is told in every answer; `GET /arrivals` lists the POSTs so far.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

arrivals: list[dict[str, Any]] = []


class Recorder(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        arrival = {
            "name": os.environ.get("NAME", ""),
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body,
        }
        if self.command == "POST":
            arrivals.append(arrival)
        told = json.dumps(arrivals if self.path == "/arrivals" else arrival).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that http.server looks for


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Recorder).serve_forever()
