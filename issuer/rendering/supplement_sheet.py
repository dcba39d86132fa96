"""What stands on a supplement (补充件): the certificate that it is to, what is added, and why.

>>> build_supplement_sheet(supplement, certificate, Letterhead(), development=True)["title"]["zh"]
'补充件'
"""

from issuer.rendering import wording
from issuer.rendering.sheet import Letterhead, list_letterhead, pair, rows
from issuer.rendering.wording import LABELS, SECTIONS
from ledger.core.canonical import JsonObject
from ledger.core.certificate import Certificate
from ledger.core.encoding import encode_date, encode_hex
from ledger.core.supplement import Supplement


def build_supplement_sheet(
    supplement: Supplement, certificate: Certificate, letterhead: Letterhead, *, development: bool
) -> JsonObject:
    """Return everything that is printed of a supplement but its QR code, which is the certificate's.

    Args:
        supplement: names the certificate.
        certificate: the one that is supplemented.
        letterhead: of the institution that issued both.
        development: print that nobody may rely on it.
    """
    record = certificate.record
    reason = wording.REASONS[supplement.reason]
    made_on = {**pair(LABELS["made_on"]), "value": encode_date(supplement.made_on)}
    named = [
        ("supplemented", record.number),
        ("document", f"{wording.TITLES[record.document_type].zh} {wording.TITLES[record.document_type].en}"),
        ("name", record.instrument.name),
        ("model", record.instrument.model),
        ("serial", record.instrument.serial),
        ("verified_on", encode_date(record.verified_on)),
        ("digest", encode_hex(certificate.digest)),
    ]
    added = [("added", text) for text in supplement.paragraphs]
    return {
        "title": pair(wording.SUPPLEMENT),
        "number": record.number,
        "number_label": pair(LABELS["supplemented"]),
        "issuer": {"zh": record.issuer.name, "en": letterhead.name_en or ""},
        "letterhead": rows(list_letterhead(record, letterhead)),
        "banner": [pair(wording.BANNER)] if development else [],
        "copy": pair(wording.PUBLIC_COPY),
        "electronic": pair(wording.SUPPLEMENT_ELECTRONIC),
        "accent": wording.SUPPLEMENT_ACCENT,
        "conclusion": {
            "title": pair(SECTIONS["supplement_reason"]),
            "zh": reason.zh,
            "en": reason.en,
            "rows": [made_on],
        },
        "sections": [
            {"title": pair(SECTIONS["added"]), "rows": rows(iter(added), wide=True)},
            {"title": pair(SECTIONS["supplemented"]), "rows": rows(iter(named))},
        ],
        "statements_title": pair(SECTIONS["statements"]),
        "statements": [pair(words) for words in wording.SUPPLEMENT_STATEMENTS],
        "end": pair(wording.END_MARK),
    }
