"""The pages' websocket: a session of Streamlit's belongs to the sign-in that began it."""

from contextlib import suppress

import httpx2
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from jobs_data import addresses, demo
from tests.support.app_servers import AppServers, DemoSite
from tests.support.open_pages import PATIENCE, connected

EDITORS = "101"
TOO_BIG = 1009


@pytest.fixture(scope="module")
def origin(demo_site: DemoSite, app_server: AppServers) -> str:
    """Serve a demo to administrators and readers, and give what its addresses begin with."""
    url = demo_site.database_url
    address = app_server(HERATIO_JOBS_DATABASE_URL=url, HERATIO_JOBS_READER_GROUPS=EDITORS)
    return address.removesuffix(addresses.BASE)


def sign_in(origin: str, identifier: str = demo.DEMO_ADMINISTRATOR) -> str:
    """Return the cookie of a new session of an account."""
    fields = {"identifier": identifier, "password": demo.DEMO_PASSWORD}
    answer = httpx2.post(f"{origin}{addresses.SIGN_IN}", data=fields)
    assert answer.status_code == 303
    return str(answer.headers["set-cookie"].split(";")[0])


def run(connection: ClientConnection) -> str:
    """Run the page, and return the id of Streamlit's session in which it ran."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.context_info.timezone = "UTC"
    connection.send(message.SerializeToString())
    session = ""
    while True:
        received = ForwardMsg()
        received.ParseFromString(connection.recv(PATIENCE, decode=False))
        kind = received.WhichOneof("type")
        if kind == "new_session":
            session = received.new_session.initialize.session_id
        elif kind == "script_finished" and session:
            return session


def test_after_a_lost_connection_one_gets_ones_own_session_back(origin: str) -> None:
    """So that nothing is lost that was on the page."""
    cookie = sign_in(origin)
    with connected(origin, cookie) as connection:
        session = run(connection)
    with connected(origin, cookie, session) as connection:
        assert run(connection) == session


@pytest.mark.parametrize("identifier", [demo.DEMO_READER, demo.DEMO_ADMINISTRATOR])
def test_nobody_gets_another_sign_ins_session(origin: str, identifier: str) -> None:
    """While it is open and afterwards: one gets a new one, and the owner's goes on."""
    owner, other = sign_in(origin), sign_in(origin, identifier)
    with connected(origin, owner) as connection:
        session = run(connection)
        with connected(origin, other, session) as connection_of_other:
            assert run(connection_of_other) not in {session, ""}
        assert run(connection) == session
    with connected(origin, other, session) as connection_of_other:
        assert run(connection_of_other) not in {session, ""}
    with connected(origin, owner, session) as connection:
        assert run(connection) == session


@pytest.mark.parametrize("size", [3_000_000, 40_000_000])
def test_a_message_that_is_too_large_closes_the_websocket(origin: str, size: int) -> None:
    """Widgets never have that much to say."""
    with connected(origin, sign_in(origin)) as connection:
        run(connection)
        with suppress(ConnectionClosed):
            connection.send(b"x" * size)
        with pytest.raises(ConnectionClosed) as caught:
            run(connection)
    # A reset can overtake the reason while the client is still sending.
    assert caught.value.rcvd is None or caught.value.rcvd.code == TOO_BIG
