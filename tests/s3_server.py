"""An S3 server in a process of its own: python s3_server.py PORT. It answers one request after the other.

Two conditional puts at once would else both find the key missing: moto looks first and puts later.
"""

import sys
from collections.abc import Iterable
from threading import Lock
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

INNER, TURN = DomainDispatcherApplication(create_backend_app), Lock()


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    with TURN:
        return list(INNER(environ, start_response))


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=MotoRequestHandler)
