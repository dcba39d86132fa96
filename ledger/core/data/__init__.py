"""The rule book that is shipped with the product.

The one place in the core that reads a file: two tables of the package itself, as fixed as code, read once.
Who has other rules parses other tables with `regulation.parse_rule_book`.

>>> load_rule_book().find_rule(Category.FUEL_DISPENSER, date(2026, 11, 20)).validity_months
6
"""

from functools import cache
from importlib.resources import files

from ledger.core.regulation import RuleBook, parse_rule_book


@cache
def load_rule_book() -> RuleBook:
    """Return the shipped rule book; the same object every time."""
    tables = read_tables()
    return parse_rule_book(tables["rules"], tables["limits"])


def read_tables() -> dict[str, str]:
    """Return the two tables as they are shipped, CSV texts: `rules` and `limits`, for other programs to parse."""
    folder = files(__name__)
    return {
        "rules": folder.joinpath("verification_rules.csv").read_text(encoding="utf-8"),
        "limits": folder.joinpath("limits.csv").read_text(encoding="utf-8"),
    }
