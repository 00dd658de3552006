"""A slow server and its impatient client, as in the README of the fixtures.

Run it with ``pytest --world threads``.
"""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import pytest


class Slow(BaseHTTPRequestHandler):
    """Answers after the number of seconds in the path."""

    def do_GET(self):
        time.sleep(float(self.path[1:]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *args):
        """Log nothing."""


@pytest.mark.leftovers("allow")  # the handler of the request that was given up
def test_a_client_waits_for_an_hour_and_no_longer(world):
    def client():
        with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
            threading.Thread(target=server.serve_forever).start()
            url = f"http://127.0.0.1:{server.server_port}"
            assert urlopen(f"{url}/3000", timeout=3600).read() == b"done"
            assert world.now() == 3000
            with pytest.raises(TimeoutError):
                urlopen(f"{url}/4000", timeout=3600)
            assert world.now() == 3000 + 3600
            server.shutdown()

    world.run(client)
