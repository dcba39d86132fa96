"""The ledger of instruments (台账) that a desk is to verify: rows as the national system e-CQS has them.

    器具名称 项别 种别 型号规格 测量范围 准确度等级 出厂编号 生产厂家 产地 安装/使用地点 数量 用途 送检方式

An instrument is known by name, model, serial number and maker, as written: a serial number alone is no key. The
list says what is there to be verified; it never enters a certificate by itself.

>>> parse_instrument({"name": "电子计价秤", "model": "ACS-15A", "serial": "17", "maker": "永衡"}).quantity
1
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

from issuer.columns import NOTE_COLUMNS, CellKind, Column
from issuer.faults import Fault, list_faults
from issuer.tabular import Line, Table
from ledger.core.canonical import JsonObject
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader

HEADINGS: Final = {
    "name": "器具名称",
    "item_group": "项别",
    "item_kind": "种别",
    "model": "型号规格",
    "range": "测量范围",
    "accuracy_class": "准确度等级",
    "serial": "出厂编号",
    "maker": "生产厂家",
    "origin": "产地",
    "site": "安装/使用地点",
    "quantity": "数量",
    "purpose": "用途",
    "delivery": "送检方式",
}
"""Name of a column -> its heading in e-CQS; both are read."""

_NEEDED: Final = ("name", "model", "serial", "maker")
_MAX_BYTES: Final = 200
_MAX_QUANTITY: Final = 1_000_000


Key: TypeAlias = tuple[str, str, str, str]
"""Name, model, serial number and maker."""


@dataclass(frozen=True, slots=True)
class ListedInstrument:
    """One row of the ledger of instruments."""

    name: str
    model: str
    serial: str
    maker: str
    item_group: str = ""
    item_kind: str = ""
    range: str = ""
    accuracy_class: str = ""
    origin: str = ""
    site: str = ""
    quantity: int = 1
    purpose: str = ""
    delivery: str = ""

    @property
    def key(self) -> Key:
        """Return what tells it apart."""
        return self.name, self.model, self.serial, self.maker

    def list_differences(self, other: "ListedInstrument") -> list[str]:
        """Return the headings under which two rows differ."""
        names = [one.name for one in fields(self)]
        return [HEADINGS[name] for name in names if getattr(self, name) != getattr(other, name)]

    def list_cells(self) -> list[str]:
        """Return its cells in the order of the headings."""
        return [str(getattr(self, name)) for name in HEADINGS]


@dataclass(frozen=True, slots=True)
class ReadInstruments:
    """What a file of instruments holds."""

    instruments: tuple[tuple[int, ListedInstrument], ...]
    """With the numbers of their rows; each instrument once."""
    faults: tuple[Fault, ...]


def parse_header(names: Sequence[str]) -> list[Column | None]:
    """Return the columns of a ledger of instruments.

    Raises:
        InputError: an unknown heading, the same twice, or one that is needed is missing.
    """
    by_heading = {heading: name for name, heading in HEADINGS.items()}
    found = [None if name in NOTE_COLUMNS else by_heading.get(name, name) for name in names]
    for name in found:
        if name is not None and name not in HEADINGS:
            message = f"no column has the name {name[:80]!r}; there are {', '.join(HEADINGS.values())}"
            raise MalformedDocumentError(message, field="row 1")
        if name is not None and found.count(name) > 1:
            raise MalformedDocumentError(f"the column {HEADINGS[name]} stands there twice", field="row 1")
    missing = [HEADINGS[name] for name in _NEEDED if name not in found]
    if missing:
        raise MalformedDocumentError(f"the column {missing[0]} is missing", field="row 1")
    return [None if name is None else _make_column(name) for name in found]


def _make_column(name: str) -> Column:
    kind = CellKind.INTEGER if name == "quantity" else CellKind.TEXT
    return Column(name, (name,), kind, f"listed.{name}")


def parse_instrument(value: JsonObject) -> ListedInstrument:
    """Read one row.

    Raises:
        InputError: a member is missing, too long or no number.
    """
    reader = Reader(value, "")
    needed = {name: reader.text(name, max_bytes=_MAX_BYTES) for name in _NEEDED}
    others = [name for name in HEADINGS if name not in {*_NEEDED, "quantity"}]
    texts = {name: reader.opt_text(name, max_bytes=_MAX_BYTES) or "" for name in others}
    quantity = reader.opt_integer("quantity", 1, _MAX_QUANTITY)
    reader.finish()
    return ListedInstrument(**needed, **texts, quantity=1 if quantity is None else quantity)


def read_instruments(table: Table) -> ReadInstruments:
    """Read every row of a table; a row that repeats an earlier one, and every bad row, is a fault.

    Raises:
        InputError: the table ends in the middle.
    """
    found: dict[Key, tuple[int, ListedInstrument]] = {}
    faults: list[Fault] = []
    for line in table.lines:
        try:
            instrument = _read_line(table, line)
        except InputError as err:
            faults += list_faults(err, line.number)
            continue
        if instrument.key in found:
            faults.append(_make_double(line.number, found[instrument.key][0]))
        else:
            found[instrument.key] = line.number, instrument
    return ReadInstruments(tuple(found.values()), tuple(faults))


def _read_line(table: Table, line: Line) -> ListedInstrument:
    value = table.read_line(line)
    if isinstance(value, InputError):
        raise value
    return parse_instrument(value)


def _make_double(row: int, earlier: int) -> Fault:
    en, zh = f"the same instrument as in row {earlier}", f"与第{earlier}行是同一器具"
    return Fault(row, "DUPLICATE", "serial", en, zh)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a file says beside what the ledger of instruments has."""

    new: list[ListedInstrument]
    unchanged: list[ListedInstrument]
    changed: list[ListedInstrument]
    faults: list[Fault]
    """One for each that is changed."""


def compare_with_known(
    read: Iterable[tuple[int, ListedInstrument]], known: Mapping[Key, ListedInstrument]
) -> Comparison:
    """Return what is new, what is there already as it is, and what is there with other details."""
    found = Comparison([], [], [], [])
    for row, instrument in read:
        there = known.get(instrument.key)
        if there is None:
            found.new.append(instrument)
        elif there == instrument:
            found.unchanged.append(instrument)
        else:
            names = "、".join(instrument.list_differences(there))
            en, zh = f"is there already, with another {names}", f"已登记，但{names}不同"
            found.changed.append(instrument)
            found.faults.append(Fault(row, "LISTED_OTHERWISE", "serial", en, zh))
    return found
