"""What programs may ask of an office, as OpenAPI 3.1."""

from typing import Final

import orjson
from starlette.responses import Response

from api.office.call import Call
from api.office.operations import EVERYBODY, Operation
from ledger.core.step import Sentence


def describe_api(call: Call) -> Response:
    """Return the description of the operations for programs."""
    return Response(orjson.dumps(call.request.app.openapi()), media_type="application/json")


OPERATIONS: Final = (
    Operation(
        "api.description",
        "GET",
        "/openapi.json",
        describe_api,
        EVERYBODY,
        Sentence("What programs may ask", "接口说明"),
        is_api=True,
    ),
)
