"""What `hengzheng issue` says of its input files: what was read, what is wrong, what three documents would say.

>>> describe_inputs([GivenFile(Path("round.csv"), found)], known=0)
{'read': [{'file': 'round.csv', 'rows': 12, 'as': 'CSV, GB18030'}]}
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from issuer.batch import InputFile
from issuer.checking import Checked
from issuer.faults import Fault, describe_fault
from issuer.preview import render_preview
from issuer.signing import ReadyDocument
from issuer.tabular import Table
from ledger.core.errors import InputError

SAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class GivenFile:
    """An input file and what it holds."""

    path: Path
    file: InputFile


def require_table(inputs: Sequence[GivenFile], errors: Path | None) -> Table | None:
    """Return the table that a workbook of errors is made of; None where none is asked for.

    Raises:
        InputError: there is none, or the file's name says something else.
    """
    if errors is None:
        return None
    table = inputs[0].file.table if len(inputs) == 1 else None
    if table is None:
        raise InputError("is made of one input file, a .csv or .xlsx", field="--errors")
    if errors.suffix.lower() != ".xlsx":
        raise InputError("is a workbook: name it .xlsx", field="--errors")
    if errors.resolve() == inputs[0].path.resolve():
        raise InputError("would replace the input; name another file", field="--errors")
    return table


def describe_inputs(inputs: Sequence[GivenFile], known: int) -> dict[str, Any]:
    """Return what a result says of tables that were read, and of documents that were issued before."""
    read = [_describe(given) for given in inputs if given.file.table is not None]
    return ({"read": read} if read else {}) | ({"issued_before": known} if known else {})


def _describe(given: GivenFile) -> dict[str, Any]:
    file = given.file
    members = {"file": str(given.path), "rows": len(file.rows), "as": file.source}
    return members | ({"skipped": file.skipped} if file.skipped else {})


def describe_faults(faults: Sequence[tuple[Path, Fault]]) -> list[dict[str, Any]]:
    """Return faults as members of a result."""
    return [{"file": str(path), "row": fault.row, **describe_fault(fault)} for path, fault in faults]


def build_check(
    inputs: Sequence[GivenFile], documents: Sequence[Checked], faults: Sequence[tuple[Path, Fault]]
) -> dict[str, Any]:
    """Return the result of a check: counts, faults by code, and three documents as text."""
    ready = [document for document in documents if isinstance(document, ReadyDocument)]
    bad = {(path, fault.row) for path, fault in faults}
    codes = Counter(fault.code for _, fault in faults)
    return {
        "to_issue": len(ready),
        "refused": len(bad),
        "refused_by_code": dict(sorted(codes.items())),
        **describe_inputs(inputs, len(documents) - len(ready)),
        "faults": describe_faults(faults),
        "samples": [
            render_preview(document, f"{number}. {document.request.id}")
            for number, document in enumerate(_choose(ready), start=1)
        ],
    }


def _choose(documents: Sequence[ReadyDocument]) -> list[ReadyDocument]:
    """Return the first, the one in the middle and the last."""
    last = len(documents) - 1
    places = sorted({0, last // 2, last}) if documents else []
    return [documents[place] for place in places][:SAMPLES]


def render_check(members: Mapping[str, Any]) -> str:
    """Return the result of a check for people."""
    lines = [f"可签发 to issue: {members['to_issue']}"]
    if "issued_before" in members:
        lines.append(f"此前已签发 issued before: {members['issued_before']}")
    lines.append(f"拒绝 refused: {members['refused']}")
    for code, count in members["refused_by_code"].items():
        first = next(fault for fault in members["faults"] if fault["code"] == code)
        place = "" if first["row"] is None else f"row {first['row']}: "
        lines.append(f"  {code} × {count}: {place}{first['field'] or '—'}: {first['zh']} / {first['en']}")
    lines += [f"已读取 read: {spell_read(read)}" for read in members.get("read", ())]
    return "\n".join([*lines, *members["samples"]])


def spell_read(read: Mapping[str, Any]) -> str:
    """Return what was read of a file, for people."""
    skipped = f", {read['skipped']} of the template skipped" if "skipped" in read else ""
    return f"{read['file']}: {read['rows']} rows, {read['as']}{skipped}"
