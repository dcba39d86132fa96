"""`/certificates/{number}`: the status of a document whose number somebody has; nothing else about it."""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response

from api.describe import describe, json_of
from api.ready import Ready, ReadyAnswers, respond
from api.routes.verdicts import PAGE_CACHE
from api.schemas.verdicts import CertificatesAnswer
from api.verdicts import Finding, Verdicts
from ledger.core.errors import MalformedDocumentError, NotFoundError
from ledger.core.ids import CertificateNumber, InstitutionId
from ledger.register_list import RegisterList

MAX_INSTITUTIONS: Final = 256
"""In a ledger of more institutions the caller says which one is meant."""

MAX_NUMBER_BYTES: Final = 64


def make_router(verdicts: Verdicts, answers: ReadyAnswers, registers: RegisterList) -> APIRouter:
    """Return the route of certificate numbers."""
    router = APIRouter(tags=["public"])

    @router.get(
        "/certificates/{number:path}",
        summary="Status of the documents with a number; numbers are unique within an institution only",
        responses=describe(json_of(CertificatesAnswer), known=True),
    )
    def read_status(number: str, request: Request, issuer: str | None = None) -> Response:
        def compute() -> Ready:
            found = verdicts.of_number(_choose_institutions(issuer, registers), _read_number(number))
            if not found:
                raise NotFoundError("no certificate in the ledger has this number")
            return _encode(number, found)

        return respond(answers.fill((request.scope["path"], issuer), compute), request)

    return router


def _choose_institutions(issuer: str | None, registers: RegisterList) -> Sequence[InstitutionId]:
    known = registers.institutions()
    if issuer is not None:
        return [institution for institution in known if institution == issuer]
    if len(known) > MAX_INSTITUTIONS:
        raise MalformedDocumentError("say which institution issued it", field="query.issuer")
    return known


def _read_number(text: str) -> CertificateNumber:
    if not text.isprintable() or not 1 <= len(text.encode()) <= MAX_NUMBER_BYTES:
        raise NotFoundError("no certificate has such a number")
    return CertificateNumber(text)


def _encode(number: str, found: Mapping[InstitutionId, Finding]) -> Ready:
    first = next(iter(found.values()))
    members = {
        "number": number,
        "checked_on": first.checked_on.isoformat(),
        "certificates": [
            {"issuer": issuer, "status": finding.shown.value} for issuer, finding in found.items()
        ],
    }
    return Ready(orjson.dumps(members), "application/json", PAGE_CACHE)
