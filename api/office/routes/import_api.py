"""Batch import for programs, as a LIMS: a whole file is looked at, then its rows become drafts for their operators.

The same request is done once: with an `Idempotency-Key` the same file is the same import, and a row that is a draft
never becomes a second one. Where a file names nobody with a key, an approver issues it on the page.
"""

import hashlib
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from api.office import importing
from api.office.call import Call
from api.office.enrolment import make_id
from api.office.import_store import Import
from api.office.operations import Operation
from api.office.roles import READERS, OfficeRole
from api.office.routes.imports import clean_name, fetch, look_anew, note, take_over
from api.office.routes.machines import answer_json
from api.office.routes.signoff_api import describe_body, find_operator, operate, read_key
from api.office.signing_desk import SigningDesk
from issuer.batch import MAX_ROWS
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.encoding import encode_hex, encode_instant, parse_base64
from ledger.core.errors import AlreadyIssuedError, InputError
from ledger.core.fields import Reader
from ledger.core.step import Sentence

MAX_BODY_BYTES: Final = importing.MAX_FILE_BYTES // 3 * 4 + 1024 * 1024
_WRITERS: Final = frozenset({OfficeRole.OPERATOR, OfficeRole.MACHINE})
_KEY_DOMAIN: Final = b"hengzheng/import-key/v1\x00"
_ID_DIGITS: Final = 16
_ASKED: Final = "asked"
"""Member of a summary: what the request with the file was."""
_SHOWN: Final = (
    *("way", "keyed", "rows", "skipped", "source", "to_issue", "refused", "refused_by_code", "issued_before"),
    *("drafted_before", "times", "unnamed", "faults", "fault_count", "samples"),
)


def add_import(call: Call) -> Response:
    """Look at a file and keep it; nothing is issued, and no draft is made."""
    reader = Reader(call.read_json(max_bytes=MAX_BODY_BYTES), "")
    name = clean_name(reader.text("file_name", max_bytes=400))
    raw = reader.parse("file", _parse_file)
    common = encode_canonical_json(reader.members("common")) if "common" in reader else None
    reader.finish()
    identity = _choose_id(call)
    with call.office.store.read() as reading:
        known = reading.imports.find(call.tenant.id, identity)
    if known is None:
        looked = look_anew(call, identity, name, raw, common)
        new = replace(looked, summary={**looked.summary, _ASKED: _hash_asked(name, raw, common)})
        with call.office.store.write() as writing:
            known = writing.imports.find(call.tenant.id, identity)  # of another request with this key
            if known is None:
                writing.imports.add(new)
        if known is None:
            note(call, "import-checked", new)
            return answer_json(_describe(call, new), HTTPStatus.CREATED)
    _require_same(known, name, raw, common)
    return answer_json(_describe(call, known), HTTPStatus.CREATED)


def _require_same(known: Import, name: str, raw: bytes, common: bytes | None) -> None:
    """Refuse another request under the same key; of a file that was tidied only the file itself is known.

    Raises:
        AlreadyIssuedError: it is another one.
    """
    asked = known.summary.get(_ASKED)
    is_same = known.digest == hashlib.sha256(raw).digest()
    if not is_same or asked not in {None, _hash_asked(name, raw, common)}:
        raise AlreadyIssuedError(
            "this Idempotency-Key was used with another file, name or common members",
            zh="该幂等键已用于另一请求",
        )


def _hash_asked(name: str, raw: bytes, common: bytes | None) -> str:
    """Return what tells one request from another, 32 bytes in hexadecimal."""
    parts = (name.encode(), b"" if common is None else common, raw)
    hashed = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hashlib.sha256(_KEY_DOMAIN + hashed).hexdigest()


def _parse_file(text: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        InputError: not base64, or nothing.
    """
    raw = parse_base64(text)
    if not raw:
        raise InputError("holds nothing")
    return raw


def _choose_id(call: Call) -> str:
    """Return the id of an import: with an Idempotency-Key always the same one."""
    key = read_key(call)
    if key is None:
        return make_id(call.office, "i")
    parts = (call.tenant.id.encode(), call.known.id.encode(), key.encode())
    digest = hashlib.sha256(_KEY_DOMAIN + b"\x00".join(parts)).hexdigest()
    return f"i-{digest[:_ID_DIGITS]}"


def show_import(call: Call) -> Response:
    """Say what was found in a file, and which of its rows are which drafts."""
    return answer_json(_describe(call, fetch(call)))


def make_drafts(call: Call) -> Response:
    """Make drafts of the rows of a file, each for the operator whom it names."""
    found = fetch(call)
    reader = Reader(call.read_json(), "")
    application = reader.integer("application", 1, 2**53)
    operator = find_operator(call, reader)
    reader.finish()
    SigningDesk(call).writer.find_applicant(application)
    is_machine = OfficeRole.MACHINE in call.known.roles
    after = take_over(call, found, operator, lambda: application, only_own=not is_machine)
    return answer_json(_describe(call, after))


def _describe(call: Call, found: Import) -> JsonObject:
    members: dict[str, Any] = {
        "import": found.id,
        "state": found.state.value,
        "file_name": found.file_name,
        "sha256": encode_hex(found.digest),
        "uploaded_at": encode_instant(found.created_at.replace(microsecond=0)),
        **{name: found.summary[name] for name in _SHOWN if name in found.summary},
    }
    if "report" in found.summary:
        members["report"] = found.summary["report"]
    members["drafts"] = [
        {"draft": one.draft.id, "state": one.draft.state.value, **({"row": one.row} if one.row else {})}
        for one in importing.list_made(call.tenant, found.digest, MAX_ROWS)
    ]
    return members


_TEXT: Final = {"type": "string"}

OPERATIONS: Final[tuple[Operation, ...]] = (
    operate(
        "imports.add",
        "POST /api/imports",
        add_import,
        _WRITERS,
        Sentence("Check a file", "导入预检"),
        openapi=describe_body(
            {
                "file_name": _TEXT,
                "file": {"type": "string", "contentEncoding": "base64"},
                "common": {"type": "object"},
            },
            ["file_name", "file"],
            keyed=True,
        ),
    ),
    operate(
        "imports.show",
        "GET /api/imports/{import}",
        show_import,
        READERS | {OfficeRole.MACHINE},
        Sentence("A file", "导入文件"),
        resource="import",
    ),
    operate(
        "imports.drafts",
        "POST /api/imports/{import}/drafts",
        make_drafts,
        _WRITERS,
        Sentence("Make drafts of a file", "导入转为草稿"),
        resource="import",
        openapi=describe_body(
            {"application": {"type": "integer", "minimum": 1}, "operator": _TEXT}, ["application"]
        ),
    ),
)
