"""The registers that the institution works with, as of a day, with what ends soon."""

from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.registers_view import MONTHS_AHEAD, build_view
from api.office.roles import READERS
from ledger.core.step import Sentence


def show_registers(call: Call) -> Response:
    """Show every register as of a day."""
    tenant = call.tenant
    day = call.form.day("on", tenant.today())
    view = build_view(call.office.gateway.registers(), tenant.id, day, tenant.rule_book)
    return write_page(call, "office/registers.html", view=view, day=day, months=MONTHS_AHEAD)


OPERATIONS: Final = (
    Operation(
        "registers.show",
        "GET",
        "/registers",
        show_registers,
        READERS,
        Sentence("Registers", "登记信息"),
        in_menu=True,
    ),
)
