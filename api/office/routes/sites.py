"""Sites, and what is due there: from the ledger of instruments and what was issued."""

from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.due import DueItem, Standing, choose, count_sites, list_due, list_months
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS
from ledger.core.step import Sentence

MOST: Final = 500
"""Rows of a page; what is more is counted."""
STANDINGS: Final = {
    Standing.OVERDUE: Sentence("overdue", "已逾期"),
    Standing.DUE: Sentence("due", "待检"),
    Standing.NEVER: Sentence("never verified here", "尚未检定"),
    Standing.FAILED: Sentence("failed", "检定不合格"),
    Standing.UNDATED: Sentence("without a last day", "无有效期限"),
}


def _find(call: Call) -> list[DueItem]:
    tenant = call.tenant
    return list_due(tenant.instruments.list_all(), tenant.documents.list_newest(), tenant.today())


def show_sites(call: Call) -> Response:
    """Show how many instruments of each site are due in which month."""
    today = call.tenant.today()
    sites = count_sites(_find(call), today)
    return write_page(call, "office/sites.html", sites=sites, months=list_months(today), today=today)


def show_due(call: Call) -> Response:
    """Show which instruments are due, of a site or of all, in a month or group."""
    today, form = call.tenant.today(), call.form
    when = form.text("when", most=10)
    site = form.text("site") if "site" in form.values else None
    found = choose(_find(call), site=site, when=when, today=today)
    return write_page(
        call,
        "office/due.html",
        items=found[:MOST],
        count=len(found),
        site=site,
        when=when,
        today=today,
        months=list_months(today),
        standings=STANDINGS,
    )


OPERATIONS: Final = (
    Operation(
        "sites.list",
        "GET",
        "/sites",
        show_sites,
        READERS,
        Sentence("Sites and due dates", "地点与到期"),
        in_menu=True,
    ),
    Operation("sites.due", "GET", "/due", show_due, READERS, Sentence("Due list", "待检清单")),
)
