"""An S3 server in a process of its own: python s3_server.py PORT. It answers one request after the other.

Two conditional puts at once would else both find the key missing: moto looks first and puts later. All requests go to
its S3: to find out for each of them which of its services is meant takes moto as long as the answer.
"""

import sys
from collections.abc import Iterable
from threading import Lock
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

INNER, TURN = create_backend_app("s3"), Lock()


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    with TURN:
        return list(INNER(environ, start_response))


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=MotoRequestHandler)
