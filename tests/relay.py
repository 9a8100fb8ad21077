"""A relay between a client and a server on this machine that stops in the middle of an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def relayed(port: int, after: int) -> Iterator[int]:
    """A port behind which the server at ``port`` is, until it has answered ``after`` bytes; from then on, nobody."""
    listening = socket.create_server(("127.0.0.1", 0))
    left, opened, lock = [after], [listening], threading.Lock()

    def end() -> None:
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def pump(source: socket.socket, to: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                with lock:
                    left[0] -= len(data) if counted else 0
                    if left[0] <= 0:
                        break
                to.sendall(data)
        if left[0] <= 0:
            end()
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", port))
                opened.extend((client, server))
                for source, to, counted in ((client, server, False), (server, client, True)):
                    threading.Thread(target=pump, args=(source, to, counted), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        end()
