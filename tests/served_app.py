"""An application of ours behind a real socket, in a thread: for browsers, and for what only a connection shows.

with serving(world.app) as url:
    page.goto(f"{url}/c/{code}")
"""

import socket
import threading
from contextlib import contextmanager

import uvicorn

from api.connection import TimedProtocol


@contextmanager
def serving(app):
    """Serve until the block is left; yield the address."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(
        app, http=TimedProtocol, ws="none", lifespan="off", log_config=None, access_log=False
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
