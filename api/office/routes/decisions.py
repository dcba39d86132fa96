"""What an authority has decided at this desk, and what the log has answered."""

from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.deciding_desk import DecidingDesk
from api.office.deciding_words import EVENT_WORDS
from api.office.operations import AUTHORITIES, Operation
from api.office.pages import write_page
from api.office.roles import OfficeRole
from api.office.routes.region import DECIDERS, VIEWERS
from api.office.signing_desk import read_id
from api.office.store import NOT_HERE
from issuer.deciding.store import StoredDecision
from issuer.tables import DocumentState
from ledger.core.canonical import JsonObject, as_object, parse_canonical_json
from ledger.core.errors import NotFoundError
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.step import Sentence

PAGE: Final = 100
_HIGHEST: Final = 2**53


def list_decisions(call: Call) -> Response:
    """Show what was decided, newest first."""
    before = call.form.whole("before", _HIGHEST, least=1, most=_HIGHEST)
    found = call.authority.decisions.list_newest(PAGE + 1, before)
    return write_page(
        call,
        "office/decisions.html",
        decisions=[(one, number, _when(one)) for one, number in found[:PAGE]],
        older=found[PAGE - 1][0].taken_together if len(found) > PAGE else None,
        event_words=EVENT_WORDS,
    )


def show_decision(call: Call) -> Response:
    """Show what was decided in one go, and what became of it."""
    found = _find(call)
    return write_page(
        call,
        "office/decision.html",
        first=found[0],
        when=_when(found[0]),
        decisions=[(one, _read(one)) for one in found[:PAGE]],
        more=max(0, len(found) - PAGE),
        counts={state.value: sum(one.state is state for one in found) for state in DocumentState},
        event_words=EVENT_WORDS,
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
    )


def hand_in(call: Call) -> Response:
    """Hand in what waits: the very bytes that were signed, without any key."""
    found = _find(call)
    with call.authority.busy:
        DecidingDesk(call).decider.hand_in(found[0].taken_together)
    return call.go(f"/decisions/{found[0].taken_together}")


def _find(call: Call) -> list[StoredDecision]:
    found = call.authority.decisions.list_together(read_id(call.part("decision")))
    if not found:
        raise NotFoundError(NOT_HERE)
    return found


def _when(one: StoredDecision) -> datetime:
    return datetime.fromtimestamp(one.decided_at_ms / 1000, UTC)


def _read(one: StoredDecision) -> JsonObject:
    """Return what a statement says."""
    claims = parse_signed_statement(one.statement).statement.claims
    return {} if isinstance(claims, IssueClaims) else as_object(parse_canonical_json(claims.content))


OPERATIONS: Final = (
    Operation(
        "decisions.list",
        "GET",
        "/decisions",
        list_decisions,
        VIEWERS,
        Sentence("Decisions", "已作决定"),
        in_menu=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "decisions.show",
        "GET",
        "/decisions/{decision}",
        show_decision,
        VIEWERS,
        Sentence("A decision", "决定"),
        resource="decision",
        desks=AUTHORITIES,
    ),
    Operation(
        "decisions.hand-in",
        "POST",
        "/decisions/{decision}/submit",
        hand_in,
        DECIDERS,
        Sentence("Hand in again", "重新提交"),
        resource="decision",
        desks=AUTHORITIES,
    ),
)
