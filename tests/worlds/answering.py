"""A handler of requests for the tests of servers over loopback."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


class Answering(BaseHTTPRequestHandler):
    """Waits, as a subclass does it, and answers ``ok``."""

    def wait(self):
        raise NotImplementedError

    def do_GET(self):
        self.wait()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass
