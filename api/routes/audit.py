"""`GET /audit/entries`: every leaf, filtered, page by page, with proofs on demand; for auditors alone."""

from typing import Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request, Response

from api.auditing import (
    MAX_PAGE,
    MAX_PROVED,
    PARAMETERS,
    STATUSES,
    USUAL_PAGE,
    Auditor,
    Form,
    Question,
    encode_csv,
    encode_jsonl,
    parse_question,
    write_rows,
)
from api.describe import describe, json_of, text_of
from api.ready import NO_STORE, Ready, respond
from api.schemas.audit import AuditAnswer
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.event import DEFINED_TYPES
from ledger.core.ids import ID_PATTERN

_JSONL: Final = "application/jsonl"
_CSV: Final = "text/csv; charset=utf-8"

_MEANINGS: Final = {
    "institution": "id of the institution that a leaf is about",
    "category": "category of the instrument, as TAXIMETER",
    "event": "what happened, as ISSUE or SUSPEND",
    "region": "digits with which the institution's division code begins",
    "status": "of the certificate in the state that is asked for; VOID: leaves without effect",
    "as_of": "day at whose end, in the policy's zone, the state is asked for; absent: now",
    "verified_from": "first verification date",
    "verified_to": "last verification date",
    "sequenced_from": "first day, in the policy's zone, on which the log took it in",
    "sequenced_to": "last such day",
    "used": "standard/INSTITUTION/ID, material/ID/LOT, person/INSTITUTION/ID or type/NUMBER: certificates that "
    "name it; of a standard, also those that name one which was compared with it",
    "limit": f"rows of the answer: 1 to {MAX_PAGE}, usually {USUAL_PAGE}; with proofs at most {MAX_PROVED}",
    "next": "what the answer before this one has as `next`",
    "proof": "1: every row with its proof",
    "format": "json, jsonl or csv",
}

_DAY: Final = {"type": "string", "format": "date"}
_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "institution": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
    "category": {"enum": [item.name for item in Category]},
    "event": {"enum": [item.name for item in sorted(DEFINED_TYPES)]},
    "region": {"type": "string", "pattern": "^[0-9]{1,12}$"},
    "status": {"enum": list(STATUSES)},
    "as_of": _DAY,
    "verified_from": _DAY,
    "verified_to": _DAY,
    "sequenced_from": _DAY,
    "sequenced_to": _DAY,
    "used": {"type": "string", "pattern": "^(standard|material|person|type)/.+$"},
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE},
    "next": {"type": "string", "pattern": "^[0-9]{1,12}-[0-9]{1,12}$"},
    "proof": {"enum": ["0", "1"]},
    "format": {"enum": list(Form)},
}


def make_router(auditor: Auditor) -> APIRouter:
    """Return the route of auditors."""
    router = APIRouter(tags=["auditor"])

    @router.get(
        "/audit/entries",
        summary="Leaves that fit, in their order; none holds a personal member",
        description="Rows of jsonl and csv are those of json; what is asked next stands in the header Link "
        '(rel="next").',
        responses=describe(json_of(AuditAnswer) | text_of(_JSONL) | text_of("text/csv"), known=True),
        openapi_extra={"parameters": [_describe(name) for name in PARAMETERS]},
    )
    def read_entries(request: Request) -> Response:
        given = _read_parameters(request)
        auditor.follow()
        question = parse_question(given, auditor, field=_name)
        page = auditor.read(question)
        later = question.after_page(page)
        rows = list(write_rows(auditor, page, proof=question.proof))
        response = respond(_encode(rows, question, later), request)
        if later is not None:
            where = urlencode(given | {"next": later.cursor})
            response.headers["Link"] = f'<{request.url.path}?{where}>; rel="next"'
        return response

    return router


def _name(parameter: str) -> str:
    return f"query.{parameter}"


def _read_parameters(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise InputError("is given twice", field=_name(name))
        given[name] = value
    return given


def _encode(rows: list[dict[str, Any]], question: Question, later: Question | None) -> Ready:
    match question.form:
        case Form.JSONL:
            return Ready(encode_jsonl(rows), _JSONL, NO_STORE)
        case Form.CSV:
            raw = encode_csv(rows, proof=question.proof, title=True)
            return Ready(raw, _CSV, NO_STORE, file_name="entries.csv")
        case Form.JSON:
            members = {"tree_size": question.view.tree_size, "entries": rows}
            if later is not None:
                members["next"] = later.cursor
            return Ready(orjson.dumps(members), "application/json", NO_STORE)


def _describe(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": _MEANINGS[name],
        "schema": _SCHEMAS[name],
    }
