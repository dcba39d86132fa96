"""Commands `hengzheng stickers`: sheets of labels, from rolls and from certificates in force.

What is said of rolls and stickers in the ledger is in `sticker_desk_cli`.

>>> main(["stickers", "sheet", "JY2026-000001", "--template", "a4-3x8", "--out", "stickers.pdf"])
0
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from issuer.cli import open_desk_store, open_gateway, read_institution
from issuer.outputs import encode_folder_name
from issuer.profile import ANY_DAY, InstitutionFile, parse_institution_file
from issuer.rendering.label import Label
from issuer.rendering.label_templates import TEMPLATES, LabelTemplate, find_template
from issuer.rendering.stickers import FittedLabels, StickerPress, check_first_slot
from issuer.rendering.wording import Words
from issuer.sticker_desk_cli import add_commands
from issuer.sticker_labels import (
    StickerSource,
    check_allotted,
    check_roll,
    list_roll_labels,
)
from issuer.sticker_sheets import PAPER_ONLY, LabelDesk, LabelRefusal, describe_forms, require_count
from ledger.cli import HomeOption, JsonOption, PassphraseOption, find_given_passphrase
from ledger.console import make_progress, print_result, run_command
from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.errors import InputError
from ledger.core.ids import CertificateNumber
from ledger.core.qr import parse_host
from ledger.core.sticker import RollContent, parse_roll_content
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME, Home, open_home
from ledger.local import read_clock

app = typer.Typer(add_completion=False)
stickers_app = typer.Typer(help="Stickers (检定合格标志).", no_args_is_help=True)
add_commands(stickers_app)
app.add_typer(stickers_app, name="stickers")

_EXIT_INPUT: Final = 2


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@stickers_app.command("sheet")
def sheet(
    numbers: Annotated[list[str] | None, typer.Argument(help="numbers of certificates")] = None,
    roll: Annotated[
        Path | None, typer.Option("--roll", help="a roll's content as JSON, instead of certificates")
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", min=0, help="first sticker of the roll, from 0")
    ] = None,
    last: Annotated[int | None, typer.Option("--to", min=0, help="last sticker of the roll")] = None,
    template: Annotated[
        str | None, typer.Option("--template", help="format of the labels; see --templates")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="the PDF to write")] = None,
    start: Annotated[int, typer.Option("--start", help="first free label of the first sheet, from 1")] = 1,
    png: Annotated[
        Path | None, typer.Option("--png", help="a folder for a picture of each label too")
    ] = None,
    numbers_file: Annotated[
        Path | None, typer.Option("--numbers", help="a file with more numbers, one a line")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="say where codes lead to; it must be the home's")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    institution: Annotated[
        Path | None,
        typer.Option("--institution", help="the institution's file; else the one kept in the home"),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", help="URL of a ledger; without it, the home's own")
    ] = None,
    passphrase_file: PassphraseOption = None,
    *,
    date_line: Annotated[
        bool, typer.Option("--date-line", help="stickers of a roll get a line for the end of validity")
    ] = False,
    templates: Annotated[bool, typer.Option("--templates", help="list the formats of labels")] = False,
    as_json: JsonOption = False,
) -> int:
    """Print stickers as PDF: of a roll (--roll), or of certificates in force."""
    if templates:
        _print_templates(as_json=as_json)
        return 0
    task = _Task.check(template, out, start, png)
    opened = open_home(home)
    file = parse_institution_file(
        read_institution(opened, institution), ANY_DAY if opened.development else None
    )
    source = _find_source(opened, file, host)
    wanted = [*(numbers or []), *_read_numbers(numbers_file)]
    if (roll is None) is not bool(wanted):
        raise InputError("give numbers of certificates, or a roll", field="arguments")
    if roll is not None:
        content = _read_roll(roll)
        labels = _list_of_roll(content, first, last, source, date_line=date_line)
        with open_gateway(opened, find_given_passphrase(opened, passphrase_file), ledger) as gateway:
            check_allotted(content, gateway.registers())
    else:
        _require_no_roll_options(first, last, date_line=date_line)
        passphrase = find_given_passphrase(opened, passphrase_file)
        with (
            open_gateway(opened, passphrase, ledger) as gateway,
            open_desk_store(opened, file, gateway) as store,
        ):
            desk = LabelDesk(source, gateway, store, read_clock().astimezone(file.profile.zone).date())
            labels, refused = desk.collect([CertificateNumber(number) for number in wanted])
        if refused:
            _print_refusals(refused, as_json=as_json)
            return _EXIT_INPUT
    folder = opened.settings.font_folder
    press = StickerPress([] if folder is None else [Path(folder)])
    sheets, files = _print_sheets(press, labels, task, quiet=as_json)
    notes = describe_forms(sheets) if roll is None else {}
    print_result({**task.describe(sheets, files), **notes}, as_json=as_json)
    return 0


# --- what is asked for ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Task:
    """Where labels are printed."""

    template: LabelTemplate
    out: Path
    first_slot: int
    png: Path | None

    @classmethod
    def check(cls, template: str | None, out: Path | None, start: int, png: Path | None) -> "_Task":
        if template is None:
            raise InputError("say which labels: --templates lists them", field="--template")
        if out is None:
            raise InputError("say which file to write", field="--out")
        found = find_template(template)
        check_first_slot(found, start - 1)
        return cls(found, out, start - 1, png)

    def describe(self, sheets: FittedLabels, files: Sequence[Path]) -> dict[str, Any]:
        pages = -(-(self.first_slot + len(sheets.labels)) // self.template.count)
        members: dict[str, Any] = {"labels": len(sheets.labels), "pages": pages}
        members |= {"template": self.template.name, "files": [str(path) for path in files]}
        return members if self.png is None else {**members, "pictures": str(self.png)}


def _print_templates(*, as_json: bool) -> None:
    listed = [_describe_template(template) for template in TEMPLATES.values()]
    if as_json:
        print_result({"templates": listed}, as_json=True)
        return
    for members in listed:
        typer.echo(
            f"{members['name']:<16} {members['labels_a_page']:>3} a page  {members['label_mm']:>13} mm  "
            f"code up to {members['code_mm']} mm  {members['dpi']} dpi, module from {members['module_mm']} mm"
        )


def _describe_template(template: LabelTemplate) -> dict[str, Any]:
    width, height = (length.quantize(template.code).normalize() for length in template.size)
    return {
        "name": template.name,
        "labels_a_page": template.count,
        "label_mm": f"{width:f} x {height:f}",
        "code_mm": f"{template.code:f}",
        "dpi": template.dpi,
        "module_mm": str(template.to_mm(template.min_dots)),
    }


def _find_source(home: Home, file: InstitutionFile, host: str | None) -> StickerSource:
    if host is not None and _parse_host(host) != home.settings.host:
        raise InputError(
            f"codes of this home lead to {home.settings.host}, not to {host}: nobody would answer there",
            field="--host",
        )
    name = Words(file.content.name.zh, file.letterhead.name_en or "")
    return StickerSource(file.content.id, name, home.settings.host, home.development)


def _parse_host(host: str) -> str:
    try:
        return parse_host(host)
    except InputError as err:
        raise InputError(err.reason, field="--host") from err


def _read_numbers(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as err:
        raise InputError("the numbers are not UTF-8", field="--numbers") from err
    return [line.strip() for line in lines if line.strip()]


def _require_no_roll_options(first: int | None, last: int | None, *, date_line: bool) -> None:
    if first is not None or last is not None or date_line:
        raise InputError("--from, --to and --date-line are for stickers of a roll", field="--roll")


# --- stickers of rolls --------------------------------------------------------------------------------------


def _read_roll(path: Path) -> RollContent:
    try:
        return parse_roll_content(encode_canonical_json(parse_json(path.read_bytes())))
    except InputError as err:
        member = (err.field or "").removeprefix("content").strip(".")
        raise InputError(err.reason, field=f"roll.{member}".strip(".")) from err


def _list_of_roll(
    roll: RollContent, first: int | None, last: int | None, source: StickerSource, *, date_line: bool
) -> list[Label]:
    start, end = first or 0, roll.count - 1 if last is None else last
    check_roll(roll, start, end, source.institution)
    require_count(end - start + 1)
    return list(list_roll_labels(roll, range(start, end + 1), source, date_line=date_line))


# --- stickers of certificates -------------------------------------------------------------------------------


def _print_refusals(refused: Sequence[LabelRefusal], *, as_json: bool) -> None:
    count = len({refusal.number for refusal in refused})
    sentence = f"{count} document{'' if count == 1 else 's'} without a sticker; nothing was printed"
    listed = [
        {
            "number": refusal.number,
            "en": f"{refusal.reason.en}: {PAPER_ONLY.en}",
            "zh": f"{refusal.reason.zh}；{PAPER_ONLY.zh}",
        }
        for refusal in refused
    ]
    if as_json:
        print_result({"error": sentence, "kind": "Input", "refused": listed}, as_json=True)
        return
    for members in listed:
        typer.echo(f"{members['number']}: {members['en']}; {members['zh']}", err=True)
    typer.echo(f"error: {sentence}", err=True)


# --- printing -----------------------------------------------------------------------------------------------


def _print_sheets(
    press: StickerPress, labels: Sequence[Label], task: _Task, *, quiet: bool
) -> tuple[FittedLabels, list[Path]]:
    """Write all sheets, or none, and the pictures; return the labels as they were printed, and the files."""
    with make_progress(quiet=quiet) as progress:

        def show(what: str) -> Callable[[int], None]:
            bar = progress.add_task(what, total=len(labels))
            return lambda count: progress.advance(bar, count)

        sheets = press.fit(labels, task.template, show("codes"))
        made = press.render(sheets, task.first_slot, read_clock(), show("sheets"))
        files = _name_files(task.out, len(made))
        for path, pdf in zip(files, made, strict=True):
            replace_file(path, pdf)
        if task.png is not None:
            _print_pictures(press, sheets, task.png, show("pictures"))
    return sheets, files


def _print_pictures(
    press: StickerPress, sheets: FittedLabels, folder: Path, advance: Callable[[int], None]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for label, picture in press.render_pictures(sheets):
        name = encode_folder_name(CertificateNumber(label.name))
        replace_file(folder / f"{name}.png", picture)
        advance(1)


def _name_files(path: Path, count: int) -> list[Path]:
    """Return the names of so many files: the one given, or it with numbers."""
    if count == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]
