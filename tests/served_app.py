"""An application of ours behind a real socket, in a thread: for browsers, and for what only a connection shows.

with serving(world.app) as url:
    page.goto(f"{url}/c/{code}")
"""

import socket
import threading
from contextlib import contextmanager
from email.utils import format_datetime

import uvicorn

from api.connection import TimedProtocol


@contextmanager
def serving(app, now=None):
    """Serve until the block is left; yield the address.

    `now`, aware UTC, is what the server says the time is; None: the time.
    """
    date = [] if now is None else [("date", format_datetime(now, usegmt=True))]
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(
        app,
        http=TimedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=not date,
        headers=date,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
