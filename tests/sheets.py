"""Workbooks for tests: made by xlsxwriter, or by hand where no program would write them.

>>> raw = workbook([["instrument.serial"], ["A-17"]])
>>> spoil(raw, "xl/workbook.xml", lambda xml: xml.replace(b"<sheets>", b"<sheets/>"))
"""

import io
import json
import zipfile

import xlsxwriter
from line import meter

from issuer.workbook.reader import read_workbook

ZIP_TIME = (2026, 11, 2, 0, 0, 0)


def workbook(rows, *, sheet="数据", formats=None, build=None):
    """Return a workbook with these rows; a cell is a text, or `(kind, value)` with `number`, `date` and so on.

    Args:
        rows: lists of cells; None is an empty row.
        sheet: name of the sheet.
        formats: number format of each `(row, column)`.
        build: is given book and sheet at the end.
    """
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        target = book.add_worksheet(sheet)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row or ()):
                code = (formats or {}).get((number, place))
                form = book.add_format({"num_format": code}) if code else None
                _write(target, number, place, cell, form)
        if build:
            build(book, target)
    return file.getvalue()


def _write(sheet, row, column, cell, form):
    if isinstance(cell, str):
        sheet.write_string(row, column, cell, form) if cell else None
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell, form)
    elif isinstance(cell, int | float):
        sheet.write_number(row, column, cell, form)
    elif isinstance(cell, tuple):
        sheet.write_formula(row, column, *cell)
    elif cell is not None:
        sheet.write_datetime(row, column, cell, form)


def spoil(raw, name, change):
    """Return a workbook with one part changed, by a function of its bytes; added where it is not there."""
    parts = unpack(raw)
    parts[name] = change(parts.get(name, b""))
    return pack(parts)


def unpack(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def pack(parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


# --- lots of meters -----------------------------------------------------------------------------------------


def flatten(number, **changes):
    """Return `line.meter` as cells by the names of columns."""
    value = meter(number, **changes)
    cells = {"request_id": value["request_id"], "kind": value["kind"], "conclusion": value["conclusion"]}
    cells |= {"adjusted": "false", "verified_on.day": str(value["verified_on"]["day"])}
    instrument = dict(value["instrument"])
    cells["instrument.site.division"] = instrument.pop("site")["division"]
    cells |= {f"instrument.{name}": text for name, text in instrument.items()}
    for person in value["persons"]:
        role = person["role"]
        cells |= {f"{role}.pid": person["pid"], f"{role}.name": person["name"]}
        cells[f"{role}.signed_at.day"] = str(person["signed_at"]["day"])
        cells[f"{role}.signed_at.time"] = person["signed_at"]["time"]
    result = value["results"][0]
    cells |= {f"item.{result['item']}.{name}": result[name] for name in ("unit", "error_unit")}
    for place, point in enumerate(result["points"], start=1):
        for name, text in point.items():
            spelled = str(text).lower() if isinstance(text, bool) else text
            cells[f"item.{result['item']}.{place}.{name}"] = spelled
    return cells


def meter_rows(count, first=1):
    """Return header and rows of a lot of meters."""
    rows = [flatten(number) for number in range(first, first + count)]
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def write_meter_workbook(path, count, first=1):
    """Write a lot of meters as a workbook."""
    path.write_bytes(workbook(meter_rows(count, first)))
    return path


# --- reading ------------------------------------------------------------------------------------------------


def read_here(reader, raw):
    """Stands for `read_confined`: reads a workbook in this process, and answers as the confined one does."""
    assert reader == "issuer.workbook.reader:read_workbook"
    return json.loads(json.dumps(list(read_workbook(io.BytesIO(raw)))))
