"""Batch import: a file is uploaded, looked at, corrected outside, and issued by an approver."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office import importing
from api.office.call import Call, Upload
from api.office.enrolment import make_id
from api.office.import_store import Import, ImportState
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, OfficeRole
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.step import Sentence

MAX_BODY_BYTES: Final = importing.MAX_FILE_BYTES + 2 * 1024 * 1024
_SHOWN: Final = 50
_MAX_NAME: Final = 120
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UPLOADERS: Final = frozenset({OfficeRole.OPERATOR, OfficeRole.APPROVER})
_APPROVERS: Final = frozenset({OfficeRole.APPROVER})


def list_imports(call: Call) -> Response:
    """Show the form, and the files that were uploaded before."""
    return _write_list(call)


def _write_list(call: Call, status: int = HTTPStatus.OK, problem: InputError | None = None) -> Response:
    with call.office.store.read() as office:
        found = office.imports.list_newest(call.tenant.id, _SHOWN)
    may_upload = bool(call.known.roles & _UPLOADERS)
    return write_page(
        call, "office/imports.html", status, imports=found, problem=problem, may_upload=may_upload
    )


def upload(call: Call) -> Response:
    """Look at a file; nothing is issued."""
    try:
        given = _need_file(call)
        common = call.form.file("common")
        shared = common.raw if common is not None and common.raw else None
        look = importing.look_at(call.tenant, call.office.gateway, _name(given), given.raw, shared)
    except InputError as err:
        return _write_list(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    new = Import(
        make_id(call.office, "i"),
        call.tenant.id,
        call.known.id,
        _name(given),
        given.raw,
        shared,
        ImportState.CHECKED,
        look.summary,
        look.errors,
        call.now,
    )
    with call.office.store.write() as writing:
        writing.imports.add(new)
    _note(call, "import-checked", new)
    return call.go(f"/imports/{new.id}")


def _need_file(call: Call) -> Upload:
    """Return the file.

    Raises:
        InputError: none was chosen, or it is empty.
    """
    given = call.form.file("file")
    if given is None or not given.raw:
        raise InputError("choose a file that holds something", field="file", zh="请选择非空文件")
    return given


def _name(given: Upload) -> str:
    """Return the name of a file as it is shown and its ending is read; never used as a path."""
    last = given.name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter if letter.isprintable() else "?" for letter in last)
    return shown[-_MAX_NAME:] or "?"


def _fetch(call: Call) -> Import:
    with call.office.store.read() as office:
        return office.imports.fetch(call.tenant.id, call.part("import"))


def show_import(call: Call) -> Response:
    """Show what was found in a file, and what became of it."""
    return _write_import(call, _fetch(call))


def _write_import(
    call: Call, found: Import, status: int = HTTPStatus.OK, problem: InputError | StateError | None = None
) -> Response:
    return write_page(
        call,
        "office/import.html",
        status,
        found=found,
        summary=found.summary,
        problem=problem,
        may_issue=OfficeRole.APPROVER in call.known.roles,
        may_drop=bool(call.known.roles & _UPLOADERS),
    )


def download_errors(call: Call) -> Response:
    """Give out the rows with what is wrong, to be corrected and uploaded again.

    Raises:
        NotFoundError: no row was bad, or the file is no table.
    """
    found = _fetch(call)
    if found.errors is None:
        raise NotFoundError("there is nothing under this name here")
    headers = {"Content-Disposition": f'attachment; filename="errors-{found.id}.xlsx"'}
    return Response(found.errors, headers=headers, media_type=_XLSX)


def issue(call: Call) -> Response:
    """Issue the good rows of a file: checked once more, and only as they were shown."""
    found, tenant, gateway = _fetch(call), call.tenant, call.office.gateway
    try:
        raw = _require_open(found)
        with tenant.busy:
            look = importing.look_at(tenant, gateway, found.file_name, raw, found.common)
            _require_as_shown(call, found, look)
            report, released = importing.issue(tenant, gateway, look)
    except (InputError, StateError) as err:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT
        return _write_import(call, found, status, err)
    summary = {**found.summary, "report": importing.describe_report(report, released)}
    with call.office.store.write() as writing:
        writing.imports.close(found, ImportState.ISSUED, summary, call.now)
    _note(call, "import-issued", found)
    return call.go(f"/imports/{found.id}")


def _require_open(found: Import) -> bytes:
    """Return the bytes of a file that waits to be issued.

    Raises:
        StateError: it was issued or dropped.
    """
    if found.state is not ImportState.CHECKED or found.raw is None:
        raise StateError("this file was issued or dropped already", zh="该文件已签发或已放弃")
    return found.raw


def _require_as_shown(call: Call, found: Import, look: importing.Look) -> None:
    """Refuse what is not what the approver has seen, or not theirs to approve.

    Raises:
        StateError: something has changed since the file was shown.
        InputError: the count that the approver has typed differs, or others stand as approver.
    """
    if look.summary["fingerprint"] != found.summary["fingerprint"]:
        raise StateError(
            "something has changed since this was shown: upload the file again",
            zh="显示之后情况已有变化，请重新上传该文件",
        )
    if call.form.whole("count", 0, least=0, most=10**6) != look.summary["to_issue"]:
        raise InputError(
            f"is not {look.summary['to_issue']}, the number of documents to issue",
            field="count",
            zh=f"与可签发份数{look.summary['to_issue']}不符",
        )
    others = importing.find_other_approvers(look.batch, call.known.pid)
    if others:
        named = ", ".join(others[:5])
        raise InputError(
            f"stands in documents as {named}; each approver issues their own",
            field="approver.pid",
            zh=f"文件中的批准人为{named}；须由其本人签发",
        )


def drop(call: Call) -> Response:
    """Forget a file; nothing is issued.

    Raises:
        StateError: it was issued or dropped already.
    """
    found = _fetch(call)
    with call.office.store.write() as writing:
        if not writing.imports.close(found, ImportState.DROPPED, found.summary, call.now):
            raise StateError("this file was issued or dropped already", zh="该文件已签发或已放弃")
    _note(call, "import-dropped", found)
    return call.go("/imports")


def _note(call: Call, event: str, found: Import) -> None:
    with call.office.store.write() as writing:
        writing.note(
            event,
            call.now,
            tenant=call.tenant.id,
            account=call.known.id,
            name=call.known.name,
            address=call.address,
            detail=f"{found.id} {found.file_name}",
        )


OPERATIONS: Final = (
    Operation(
        "imports.list",
        "GET",
        "/imports",
        list_imports,
        READERS,
        Sentence("Batch import", "批量导入"),
        in_menu=True,
    ),
    Operation("imports.check", "POST", "/imports", upload, _UPLOADERS, Sentence("Check a file", "导入预检")),
    Operation(
        "imports.show",
        "GET",
        "/imports/{import}",
        show_import,
        READERS,
        Sentence("A file", "导入文件"),
        resource="import",
    ),
    Operation(
        "imports.errors",
        "GET",
        "/imports/{import}/errors.xlsx",
        download_errors,
        READERS,
        Sentence("Errors of a file", "错误表"),
        resource="import",
    ),
    Operation(
        "imports.issue",
        "POST",
        "/imports/{import}/issue",
        issue,
        _APPROVERS,
        Sentence("Issue a file", "批量签发"),
        resource="import",
        signs=True,
    ),
    Operation(
        "imports.drop",
        "POST",
        "/imports/{import}/drop",
        drop,
        _UPLOADERS,
        Sentence("Drop a file", "放弃导入"),
        resource="import",
    ),
)
