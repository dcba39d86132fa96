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
    folder = files(__name__)
    rules = folder.joinpath("verification_rules.csv").read_text(encoding="utf-8")
    return parse_rule_book(rules, folder.joinpath("limits.csv").read_text(encoding="utf-8"))
