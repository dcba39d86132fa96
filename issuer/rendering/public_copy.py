"""The public copy of a document in a confined process, see `ledger.confined.runner`: for who holds no key.

What evidence packs hold is typeset here, from nothing but the proof bundle, unsigned, and every page says so. The
process holds no key either, and can open nothing once it reads: fonts, template and threads are there before.

>>> list(render_public_copy(io.BytesIO(encode_order(order))))
['JVBERi0xLjcK...']
"""

import base64
import io
import json
from collections.abc import Iterator
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from issuer.outputs import build_qr_text
from issuer.rendering.document import DocumentContent, Typesetter
from issuer.rendering.sheet import Letterhead
from issuer.rendering.wording import Words
from ledger.core.bundle import parse_bundle
from ledger.core.encoding import parse_instant

_TYPESETTER: Final = Typesetter(())
_TYPESETTER.warm_up()


def render_public_copy(file: BinaryIO) -> Iterator[str]:
    """Yield the PDF in base64.

    The order is a JSON object: `bundle`, `host`, `zone` and its `zone_file` (TZif in base64: none can be opened
    here), `development`, `made_at`, `issuer_en` or null, `banners` (pairs of a Chinese and an English text).

    Raises:
        InputError: no bundle, or a character that no font has.
    """
    order = json.load(file)
    bundle = order["bundle"].encode()
    parsed = parse_bundle(bundle)
    content = DocumentContent(
        parsed.certificate,
        bundle,
        disclosure=None,
        qr_text=build_qr_text(parsed.statement_raw, order["host"]),
        letterhead=Letterhead(name_en=order["issuer_en"]),
        zone=ZoneInfo.from_file(io.BytesIO(base64.b64decode(order["zone_file"])), key=order["zone"]),
        development=order["development"],
        banners=tuple(Words(zh, en) for zh, en in order["banners"]),
    )
    yield base64.b64encode(_TYPESETTER.render(content, parse_instant(order["made_at"]))).decode()
