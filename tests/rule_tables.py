"""Small rule tables for tests: what a row does not say, it takes from the defaults."""

import csv
import io

from ledger.core.limit import LIMIT_COLUMNS
from ledger.core.regulation import RULE_COLUMNS

LIMIT = {
    "regulation": "JJG 1-2026",
    "item": "indication_error",
    "mpe_lower": "-0.30",
    "mpe_upper": "0.30",
    "unit": "%",
    "inclusive": "yes",
    "confidence": "V",
}
RULE = {
    "category_code": "FUEL_DISPENSER",
    "name_zh": "燃油加油机",
    "name_en": "fuel dispenser",
    "regulation": "JJG 1-2026",
    "control": "P+V",
    "verification_mode": "periodic",
    "validity_months": "6",
    "confidence": "V",
}


def limits_table(*rows):
    """Return a table of limits as CSV."""
    return _table(LIMIT_COLUMNS, LIMIT, rows)


def rules_table(*rows):
    """Return a table of rules as CSV."""
    return _table(RULE_COLUMNS, RULE, rows)


def _table(columns, defaults, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**defaults, **row} for row in rows)
    return text.getvalue()
