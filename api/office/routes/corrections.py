"""Pages of corrections: what was asked and decided about issued documents, and numbers that are void."""

import hashlib
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from api.office.call import Call
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, STAFF, OfficeRole
from api.office.signing_desk import SigningDesk, read_id
from issuer.rendering.wording import REASONS
from issuer.signoff.correcting import REQUESTED
from issuer.signoff.view import describe_request, describe_voided
from ledger.core.act import parse_reason
from ledger.core.errors import InputError, StateError
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest
from ledger.core.step import Sentence

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""A supplement comes as the file itself; only its digest is kept."""
_ACTS: Final = {word: event_type for event_type, word in REQUESTED.items()}
_DECIDERS: Final = frozenset({OfficeRole.CHECKER, OfficeRole.APPROVER})
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})


def list_corrections(call: Call) -> Response:
    """Show what was asked, and the forms to ask and to begin a new document."""
    return _write(call)


def _write(
    call: Call,
    status: int = HTTPStatus.OK,
    problem: InputError | StateError | None = None,
    cancellation: "dict[str, Any] | None" = None,
) -> Response:
    with SigningDesk(call).office.store.read() as desk:
        found = [describe_request(one) for one in reversed(desk.list_requests())]
    return write_page(
        call,
        "office/corrections.html",
        status,
        requests=found,
        acts=sorted(_ACTS),
        reasons=[(code.value, words) for code, words in REASONS.items()],
        number=call.form.text("number", most=64),
        problem=problem,
        cancellation=cancellation,
        may_begin=OfficeRole.OPERATOR in call.known.roles,
        may_ask=bool(call.known.roles & STAFF),
        may_decide=bool(call.known.roles & _DECIDERS),
    )


def begin(call: Call) -> Response:
    """Begin a new document in the place of a wrong one."""
    form, signing = call.form, SigningDesk(call)
    try:
        number = CertificateNumber(form.need("number", most=64))
        reason = parse_reason(form.need("reason", most=40), "reason")
        with signing.alone():
            begun = signing.corrections.begin(number, reason, form.need("note", most=400), signing.person)
    except (InputError, StateError) as err:
        return _write(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    return call.go(f"/drafts/{begun.draft.id}/edit")


def ask(call: Call) -> Response:
    """Ask for an act on an issued document."""
    form, signing = call.form, SigningDesk(call)
    try:
        event_type = _parse_act(form.need("act", most=20))
        upload = form.file("document")
        digest = Digest(hashlib.sha256(upload.raw).digest()) if upload is not None and upload.raw else None
        number = CertificateNumber(form.need("number", most=64))
        reason = parse_reason(form.need("reason", most=40), "reason")
        with signing.alone():
            signing.corrections.ask(
                event_type, number, reason, form.need("note", most=400), signing.person, digest
            )
    except (InputError, StateError) as err:
        return _write(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    return call.go("/corrections")


def _parse_act(word: str) -> EventType:
    """Return what is asked for.

    Raises:
        InputError: nothing that is.
    """
    if word not in _ACTS:
        raise InputError(f"is one of {', '.join(sorted(_ACTS))}", field="act")
    return _ACTS[word]


def decide(call: Call) -> Response:
    """Grant what somebody else has asked, or refuse it."""
    signing, request = SigningDesk(call), read_id(call.part("request"))
    signing.fetch_request(request)
    try:
        if call.form.text("decision", most=10) == "grant":
            decided = signing.grant(request)
            if describe_request(decided)["act"] == "cancel":
                return _write(call, cancellation=signing.corrections.describe_cancellation(decided))
        else:
            with signing.alone():
                signing.corrections.refuse(request, signing.person, call.form.text("reason", most=400))
    except (InputError, StateError) as err:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT
        return _write(call, status, err)
    return call.go("/corrections")


def list_voided(call: Call) -> Response:
    """Show the numbers that will never be used."""
    with SigningDesk(call).office.store.read() as desk:
        found = [describe_voided(one) for one in desk.find_voided()]
        series = desk.list_series()
    return write_page(call, "office/voided.html", voided=found, series=sorted(series.items()))


OPERATIONS: Final = (
    Operation(
        "corrections.list",
        "GET",
        "/corrections",
        list_corrections,
        READERS,
        Sentence("Corrections", "更正"),
        in_menu=True,
    ),
    Operation(
        "corrections.begin",
        "POST",
        "/corrections",
        begin,
        _OPERATORS,
        Sentence("Begin a correction", "换发"),
        signs=True,
    ),
    Operation(
        "corrections.ask",
        "POST",
        "/corrections/requests",
        ask,
        STAFF,
        Sentence("Ask for an act", "申请处理"),
        signs=True,
    ),
    Operation(
        "corrections.decide",
        "POST",
        "/corrections/requests/{request}",
        decide,
        _DECIDERS,
        Sentence("Decide about a request", "审批申请"),
        resource="request",
        signs=True,
    ),
    Operation(
        "voided.list",
        "GET",
        "/voided",
        list_voided,
        READERS,
        Sentence("Voided numbers", "作废编号"),
        in_menu=True,
    ),
)
