"""Local receivers of alerts on free ports: `mailbox()` takes e-mail by SMTP, `webhook()` takes POST requests.

Both are context managers that yield a Receiver, whose `received` grows: (headers and text of) messages, or JSON bodies.
"""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Receiver:
    """Where it listens, and what it has got so far."""

    port: int
    received: list[Any] = field(default_factory=list)


@contextmanager
def mailbox() -> Iterator[Receiver]:
    """An SMTP server without encryption and passwords."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while words := self.rfile.readline().decode().strip().upper():
                if words.startswith("DATA"):
                    self._say("354 go on")
                    receiver.received.append(message_from_bytes(self._message()))
                elif words.startswith("QUIT"):
                    self._say("221 bye")
                    return
                self._say("250 ok")

        def _message(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            return b"".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as receiver:
        yield receiver


@contextmanager
def webhook(status: int = 200) -> Iterator[Receiver]:
    """An HTTP server that takes JSON and answers with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"ok")  # Slack's word for it

        def log_message(self, *_: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as receiver:
        yield receiver


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[Receiver]:
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Receiver(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def text_of(message: Message) -> str:
    """The plain text of a message."""
    parts = [part for part in message.walk() if part.get_content_type() == "text/plain"]
    return parts[0].get_payload(decode=True).decode()
