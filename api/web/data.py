"""Tables behind the pages: advice for consumers by category, and what division codes are called.

>>> [one.zh for one in list_advice(Category.PRICE_SCALE)][0]
'称重前看一眼：秤盘空着时，显示应为零。'
>>> find_division("350102").zh
'福建省'
"""

import csv
from functools import cache
from importlib.resources import files
from typing import Final

from ledger.core.category import Category, parse_category
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.step import Sentence

_PROVINCE_DIGITS: Final = 2


def list_advice(category: Category) -> list[Sentence]:
    """Return how a consumer looks after a measurement by such an instrument; the last two hold for every kind."""
    return [said for categories, said in _read_advice() if not categories or category in categories]


def find_kind(code: str) -> Sentence | None:
    """Return what a kind of instrument is called in the rule book; None: it has no rule."""
    try:
        rule = load_rule_book().rules_of(parse_category(code, "category"))[0]
    except InputError:
        return None
    return Sentence(rule.name_en, rule.name_zh)


def find_division(code: str) -> Sentence | None:
    """Return what the province of a division code (GB/T 2260) is called; None: not known here."""
    return _read_divisions().get(code[:_PROVINCE_DIGITS])


@cache
def _read_advice() -> tuple[tuple[frozenset[Category], Sentence], ...]:
    return tuple(
        (frozenset(Category[name] for name in row["categories"].split()), Sentence(row["en"], row["zh"]))
        for row in _read("education.csv")
    )


@cache
def _read_divisions() -> dict[str, Sentence]:
    return {row["code"]: Sentence(row["en"], row["zh"]) for row in _read("divisions.csv")}


def _read(name: str) -> list[dict[str, str]]:
    text = files("api.web").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), strict=True))
