"""Where a watch reads a log: its checkpoint, its tiles, and proofs of its status map. Nothing here is believed.

>>> with open_log_server("https://ledger.example.cn") as server:
...     server.read_map(subjects)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import httpx2

from ledger.audit.leaves import CHECKPOINT
from ledger.audit.reading import HttpSource
from ledger.core.errors import InputError, UnavailableError
from ledger.core.ids import Subject
from ledger.core.note import MAX_NOTE_BYTES
from ledger.http_client import make_client, read_body
from ledger.wire import MAX_ANSWER_BYTES, MapAnswer, encode_subjects, parse_map_answer

_MAP_PROOFS: Final = "map-proofs"


class LogServer:
    """A server of the role ledger or public."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self.tiles: Final = HttpSource(client)
        """Tiles and entry bundles."""

    def read_checkpoint(self) -> str:
        """Return the signed note that the server publishes.

        Raises:
            UnavailableError: it shows none.
        """
        raw = self.tiles.read(CHECKPOINT, MAX_NOTE_BYTES)
        if raw is None:
            raise UnavailableError("the log's server shows no checkpoint")
        try:
            return raw.decode()
        except UnicodeDecodeError as err:
            raise UnavailableError("the log's server shows no checkpoint that can be read") from err

    def read_map(self, subjects: Sequence[Subject]) -> MapAnswer:
        """Return what the server says that the status map has of these subjects.

        Args:
            subjects: 1 to 1,000.

        Raises:
            UnavailableError: it does not answer, or with something else.
        """
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        try:
            with self._client.stream(
                "POST", _MAP_PROOFS, content=encode_subjects(subjects), headers=headers
            ) as response:
                content = read_body(response, MAX_ANSWER_BYTES)
        except (httpx2.HTTPError, httpx2.InvalidURL) as err:
            raise UnavailableError(f"{_MAP_PROOFS}: the log's server is out of reach") from err
        if response.status_code != HTTPStatus.OK:
            raise UnavailableError(
                f"{_MAP_PROOFS}: the log's server answers with status {response.status_code}"
            )
        try:
            return parse_map_answer(content)
        except InputError as err:
            raise UnavailableError(
                f"{_MAP_PROOFS}: the log's server answers what cannot be read: {err}"
            ) from err


@contextmanager
def open_log_server(url: str) -> Iterator[LogServer]:
    """Yield a log's server.

    Raises:
        InputError: not an https URL, or an http one of this machine.
    """
    with make_client(url, field="--ledger") as client:
        yield LogServer(client)
