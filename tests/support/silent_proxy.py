"""A TCP proxy in front of a server, behind which the server can seem to have fallen silent."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

PIECE = 65_536


class _Link:
    """A connection through the proxy, and what was sent to the server since it is silent."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.is_silent = False
        self.more: int | None = None
        """After how many more bytes from the server it falls silent."""
        self.swallowed = b""

    def carry(self) -> Self:
        """Begin to carry bytes both ways."""
        for source, target in ((self.client, self.server), (self.server, self.client)):
            threading.Thread(target=self._carry, args=(source, target), daemon=True).start()
        return self

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        # When one side has ended it, the other one hears of that; not on a link that is silent.
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if source is self.server and self.more is not None:
                    piece, self.more = piece[: self.more], max(0, self.more - len(piece))
                    self.is_silent = self.is_silent or not self.more
                    target.sendall(piece)
                elif not self.is_silent:
                    target.sendall(piece)
                elif source is self.client:
                    self.swallowed += piece
            if not self.is_silent:
                target.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it on both sides."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class SilentProxy:
    """Carries connections to a server until it is told to fall silent."""

    def __init__(self, port: int) -> None:
        """Listen on a loopback port, and lead to another one."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.links: list[_Link] = []
        self.unanswered: list[socket.socket] = []
        """The connections that were accepted and get no greeting."""
        self._greets = True
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self, after: int = 0) -> None:
        """Swallow all that is sent on the connections there are, both ways; new ones work.

        `after` is how many more bytes of the server's are carried on each of them before.
        """
        for link in self.links:
            link.more = after
            link.is_silent = not after

    def silence_all(self) -> None:
        """As `silence`, and accept new connections without an answer."""
        self._greets = False
        self.silence()

    def greet(self) -> None:
        """Let new connections work again."""
        self._greets = True

    def close(self) -> None:
        """End everything."""
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait for the next connection
        self._listener.close()
        for client in self.unanswered:
            client.close()
        for link in self.links:
            link.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._greets:
                    server = socket.create_connection(("127.0.0.1", self._target))
                    self.links.append(_Link(client, server).carry())
                else:
                    self.unanswered.append(client)


@contextmanager
def in_front_of(port: int) -> Iterator[SilentProxy]:
    """Run a proxy in front of a local server."""
    proxy = SilentProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
