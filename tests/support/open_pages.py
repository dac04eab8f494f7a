"""The list, open over Streamlit's own websocket as in a browser, without one."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from jobs_data import addresses

PATIENCE = 60.0
SERVED_BY = "X-Served-By"
"""The header in which a test's nginx names the process that answered."""


class Page:
    """The list, open over Streamlit's own websocket as in a browser."""

    def __init__(self, connection: ClientConnection, address: str) -> None:
        """Speak over a connection."""
        self._connection = connection
        self._address = address
        self.elements: list[Element] = []
        """What the last run has shown."""

    @property
    def served_by(self) -> str | None:
        """Return which process nginx has chosen."""
        assert self._connection.response
        return self._connection.response.headers.get(SERVED_BY)

    def run(self, query: str = "") -> bytes:
        """Run the page, and return all that it sent."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = query
        asked.context_info.timezone = "UTC"
        asked.context_info.locale = "en-GB"
        asked.context_info.url = f"{self._address}?{query}"
        self._connection.send(message.SerializeToString())
        sent = b""
        self.elements.clear()
        while True:
            raw = self._connection.recv(PATIENCE, decode=False)
            sent += raw
            received = ForwardMsg()
            received.ParseFromString(raw)
            if received.WhichOneof("type") == "delta":
                self.elements.append(received.delta.new_element)
            # A run that has ended for a rerun is followed by that rerun.
            is_early = received.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if received.WhichOneof("type") == "script_finished" and not is_early:
                return sent


@contextmanager
def opened(client: httpx2.Client) -> Iterator[Page]:
    """Open the list where a client has signed in, with its cookies."""
    origin = str(client.base_url).rstrip("/")
    address = f"{origin}{addresses.BASE}"
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    with connect(
        f"{address}/_stcore/stream".replace("http", "ws", 1),
        origin=Origin(origin),
        additional_headers={"Cookie": cookies},
        # The browser puts its XSRF token second.
        subprotocols=[Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN")],
        max_size=None,
        proxy=None,
    ) as connection:
        yield Page(connection, address)
