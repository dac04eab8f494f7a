"""What the server's process is told when it starts."""

import socket

from web.process import send_at_once


def test_a_connection_sends_at_once() -> None:
    """A connection accepted after the call holds no piece back, though its listener was made before."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        send_at_once()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
