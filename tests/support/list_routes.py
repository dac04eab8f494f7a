"""Prints every route that the app's server knows, Streamlit's own included, as JSON.

A program of its own: Streamlit's runtime can be made once in a process, and is never gone again.
"""

import json
import sys
from collections.abc import Iterator, Sequence

from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from streamlit import config

from tests.support.app_servers import ROOT


def walk(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield kind, path and methods of each route, those inside of others too."""
    for route in routes:
        path = prefix + str(getattr(route, "path", "?"))
        if isinstance(route, Route):
            yield "http", path, " ".join(sorted(route.methods)) if route.methods else "any"
        elif isinstance(route, WebSocketRoute):
            yield "websocket", path, ""
        elif isinstance(route, Mount) and route.routes:
            yield from walk(route.routes, path)
        else:
            yield type(route).__name__, path, "any"


if __name__ == "__main__":
    # As `streamlit run` does, before it loads the app.
    config._main_script_path = str(ROOT / "app.py")
    from app import app

    json.dump(list(walk(app._build_starlette_app().routes)), sys.stdout)
