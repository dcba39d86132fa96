"""Batch import: a file is uploaded, looked at, corrected outside; then an approver issues it, or it becomes drafts.

Where a file names somebody with a key of their own, its documents need that signature: operators make drafts of
their rows, and people sign them. Else an approver issues it at once.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from api.office import importing
from api.office.call import Call, Upload
from api.office.enrolment import make_id
from api.office.import_store import Import, ImportState
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, STAFF, OfficeRole
from api.office.signing_desk import SigningDesk
from api.office.tidying import keep_counts
from issuer.signoff.rows import Way
from issuer.signoff.states import DraftState
from issuer.signoff.taking_over import Taken
from issuer.signoff.view import STATE_WORDS, describe_application
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.step import Sentence
from ledger.failpoint import failpoint

MAX_BODY_BYTES: Final = importing.MAX_FILE_BYTES + 2 * 1024 * 1024
_SHOWN: Final = 50
_MAX_NAME: Final = 120
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_UPLOADERS: Final = frozenset({OfficeRole.OPERATOR, OfficeRole.APPROVER})
_APPROVERS: Final = frozenset({OfficeRole.APPROVER})
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
_LISTED: Final = 1000
_SHOWN_DRAFTS: Final = 200
_CLOSED_EN: Final = "this file was issued, made drafts of or dropped already"
_CLOSED_ZH: Final = "该文件已签发、已转为草稿或已放弃"
_CHANGED_EN: Final = "something has changed since this was shown: upload the file again"
_CHANGED_ZH: Final = "显示之后情况已有变化，请重新上传该文件"


def list_imports(call: Call) -> Response:
    """Show the form, and the files that were uploaded before."""
    return _write_list(call)


def _write_list(call: Call, status: int = HTTPStatus.OK, problem: InputError | None = None) -> Response:
    with call.office.store.read() as office:
        found = office.imports.list_newest(call.tenant.id, _SHOWN)
    may_upload = bool(call.known.roles & _UPLOADERS)
    return write_page(
        call,
        "office/imports.html",
        status,
        imports=found,
        problem=problem,
        may_upload=may_upload,
        days=call.office.upload_days,
    )


def upload(call: Call) -> Response:
    """Look at a file; nothing is issued."""
    try:
        given = _need_file(call)
        common = call.form.file("common")
        shared = common.raw if common is not None and common.raw else None
        new = look_anew(call, make_id(call.office, "i"), clean_name(given.name), given.raw, shared)
    except InputError as err:
        return _write_list(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    with call.office.store.write() as writing:
        writing.imports.add(new)
    note(call, "import-checked", new)
    return call.go(f"/imports/{new.id}")


def look_anew(call: Call, identity: str, name: str, raw: bytes, common: bytes | None) -> Import:
    """Look at a file that was uploaded, and return it as it is kept.

    Raises:
        InputError: the file as a whole cannot be read.
        UnavailableError: see `importing.look_at`.
    """
    look = importing.look_at(call.tenant, call.office.gateway, name, raw, common, find_own_operator(call))
    return Import(
        id=identity,
        tenant=call.tenant.id,
        account=call.known.id,
        file_name=name,
        digest=hashlib.sha256(raw).digest(),
        raw=raw,
        common=common,
        state=ImportState.CHECKED,
        summary=look.summary,
        errors=look.errors,
        created_at=call.now,
        changed_at=call.now,
    )


def find_own_operator(call: Call) -> str | None:
    """Return the caller's pseudonym, if they may make drafts."""
    return call.known.pid if OfficeRole.OPERATOR in call.known.roles else None


def _need_file(call: Call) -> Upload:
    """Return the file.

    Raises:
        InputError: none was chosen, or it is empty.
    """
    given = call.form.file("file")
    if given is None or not given.raw:
        raise InputError("choose a file that holds something", field="file", zh="请选择非空文件")
    return given


def clean_name(given: str) -> str:
    """Return the name of a file as it is shown and its ending is read; never used as a path."""
    last = given.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter if letter.isprintable() else "?" for letter in last)
    return shown[-_MAX_NAME:] or "?"


def fetch(call: Call) -> Import:
    """Return the file that the path names.

    Raises:
        NotFoundError: there is none, or it is another institution's.
    """
    with call.office.store.read() as office:
        return office.imports.fetch(call.tenant.id, call.part("import"))


def show_import(call: Call) -> Response:
    """Show what was found in a file, and what became of it."""
    return _write_import(call, fetch(call))


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
        may_draft=OfficeRole.OPERATOR in call.known.roles,
        may_drop=bool(call.known.roles & _UPLOADERS),
        may_open=bool(call.known.roles & (STAFF | {OfficeRole.AUDITOR})),
        digest=encode_hex(found.digest),
        **_describe_drafts(call, found),
    )


def _describe_drafts(call: Call, found: Import) -> dict[str, Any]:
    """Return what became of rows as drafts, and what the form for more of them offers."""
    with call.tenant.desk.read() as desk:
        accepted = [describe_application(one) for one in reversed(desk.list_applications())]
        count = desk.rows.count_of_file(found.digest)
    made = importing.list_made(call.tenant, found.digest, _LISTED)
    open_ = Counter(
        (one.draft.people.checker or "", one.draft.people.approver or "")
        for one in made
        if one.draft.state is DraftState.DRAFT and one.draft.people.operator == call.known.pid
    )
    names = ("application", "applicant", "code", "received_on", "what")
    return {
        "drafts": count,
        "made": made[:_SHOWN_DRAFTS],
        "open": sorted(open_.items()),
        "states": STATE_WORDS,
        "applications": accepted[:_LISTED],
        "given": {name: call.form.text(name, most=400) for name in names},
        "today": call.tenant.today(),
    }


def download_errors(call: Call) -> Response:
    """Give out the rows with what is wrong, to be corrected and uploaded again.

    Raises:
        NotFoundError: no row was bad, or the file is no table.
    """
    found = fetch(call)
    if found.errors is None:
        raise NotFoundError("there is nothing under this name here")
    headers = {"Content-Disposition": f'attachment; filename="errors-{found.id}.xlsx"'}
    return Response(found.errors, headers=headers, media_type=_XLSX)


def issue(call: Call) -> Response:
    """Issue the good rows of a file: checked once more, and only as they were shown."""
    found, tenant, gateway = fetch(call), call.tenant, call.office.gateway
    try:
        raw = require_open(found)
        with tenant.busy:
            look = importing.look_at(tenant, gateway, found.file_name, raw, found.common, None)
            _require_as_shown(call, found, look)
            report, released = importing.issue(tenant, gateway, look)
    except (InputError, StateError) as err:
        return _write_import(call, found, _choose_status(err), err)
    summary = {**found.summary, "report": importing.describe_report(report, released)}
    with call.office.store.write() as writing:
        writing.imports.change(found, close(call, found, ImportState.ISSUED, summary))
    note(call, "import-issued", found)
    return call.go(f"/imports/{found.id}")


def _choose_status(err: InputError | StateError) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(err, InputError) else HTTPStatus.CONFLICT


def close(call: Call, found: Import, state: ImportState, summary: dict[str, Any]) -> Import:
    """Return a file that is done with, without its bytes."""
    return replace(
        found,
        state=state,
        summary=summary,
        raw=None,
        common=None,
        changed_at=call.now,
        done_by=call.known.id,
    )


def require_open(found: Import) -> bytes:
    """Return the bytes of a file that waits.

    Raises:
        StateError: it was issued, became drafts or was dropped.
    """
    if found.state is not ImportState.CHECKED or found.raw is None:
        raise StateError(_CLOSED_EN, zh=_CLOSED_ZH)
    return found.raw


def _require_as_shown(call: Call, found: Import, look: importing.Look) -> None:
    """Refuse what is not what the approver has seen, or not theirs to approve.

    Raises:
        StateError: something has changed since the file was shown.
        InputError: the count that the approver has typed differs, or others stand as approver.
    """
    if look.summary["fingerprint"] != found.summary["fingerprint"]:
        raise StateError(_CHANGED_EN, zh=_CHANGED_ZH)
    if look.found.way is not Way.ISSUE:
        raise StateError(
            "its documents need signatures by key: its operators make drafts of it",
            zh="该文件的证书须经密钥签名：由检定员转为草稿",
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


# --- drafts -------------------------------------------------------------------------------------------------


def make_drafts(call: Call) -> Response:
    """Make drafts of the caller's rows of a file, under an application that is chosen or made here."""
    found, signing = fetch(call), SigningDesk(call)
    try:
        take_over(call, found, signing.person, lambda: _choose_application(call, signing, found))
    except (InputError, StateError) as err:
        return _write_import(call, found, _choose_status(err), err)
    return call.go(f"/imports/{found.id}")


def take_over(
    call: Call,
    found: Import,
    operator: str,
    choose: Callable[[], int | None],
    *,
    only_own: bool = True,
) -> Import:
    """Make drafts of the good rows of a file; return it as it is kept now.

    Args:
        call: who asks.
        found: the file.
        operator: of rows that name none.
        choose: returns, or makes, the application; asked only if a draft is to be made.
        only_own: whether rows of other operators are left for them.

    Raises:
        InputError: no row may become a draft, or none of this operator; no application.
        StateError: it was done before, or its documents are issued at once.
    """
    tenant, gateway = call.tenant, call.office.gateway
    with tenant.busy:
        raw = require_open(fetch(call))
        look = importing.look_at(tenant, gateway, found.file_name, raw, found.common, operator)
        rows = look.rows
        if rows is None:
            raise StateError(
                "nobody whom it names has a key: an approver issues it at once",
                zh="文件所列人员均未登记密钥：由批准人直接签发",
            )
        if not rows.ready and not rows.known:
            raise InputError("no row may become a draft", field="file", zh="没有可转为草稿的行")
        application = choose() if rows.ready else None
        taken = importing.take_over(
            tenant, gateway, rows, found.digest, application, operator, only_own=only_own
        )
    failpoint("imports.drafted")
    if taken.left and not taken.made:
        who = ", ".join(f"{pid} ({count})" for pid, count in taken.left.items())
        raise InputError(
            f"the rows name {who}; each operator makes drafts of their own",
            field="operator.pid",
            zh=f"各行的检定员为{who}；须由其本人转为草稿",
        )
    return _keep_drafted(call, found, look, taken, application)


def _keep_drafted(
    call: Call, found: Import, look: importing.Look, taken: Taken, application: int | None
) -> Import:
    report = {"made": taken.made, "known": taken.known, "left": dict(taken.left)}
    if application is not None:
        report["application"] = application
    after = replace(
        close(call, found, ImportState.DRAFTED, {**look.summary, "report": report}), errors=look.errors
    )
    if taken.left:
        after = replace(after, state=ImportState.CHECKED, raw=found.raw, common=found.common)
    with call.office.store.write() as writing:
        writing.imports.change(found, after)
    note(call, "import-drafted", found)
    return after


def _choose_application(call: Call, signing: SigningDesk, found: Import) -> int | None:
    """Return the application that was chosen; or accept the one whose fields are filled in, once for a file.

    Raises:
        InputError: neither, or a field is wrong.
        AlreadyIssuedError: another one was accepted with this file before.
    """
    form = call.form
    chosen = form.whole("application", 0, least=0, most=2**53)
    if chosen:
        return _require_application(signing, chosen)
    if not form.text("applicant").strip():
        return None
    code = form.text("code").strip()
    value: JsonObject = {
        "applicant": {"name": form.need("applicant"), **({"code": code} if code else {})},
        "received_on": form.day("received_on", call.tenant.today()).isoformat(),
        "what": form.need("what", most=400),
        "request_id": f"import-{found.id}",
    }
    return signing.writer.accept(value, signing.person).id


def _require_application(signing: SigningDesk, chosen: int) -> int:
    try:
        signing.writer.find_applicant(chosen)
    except NotFoundError:
        raise InputError("is none that was accepted", field="application", zh="没有此受理") from None
    return chosen


def drop(call: Call) -> Response:
    """Forget a file; nothing is issued.

    Raises:
        StateError: it was issued, became drafts or was dropped already.
    """
    found = fetch(call)
    counts = keep_counts(found.summary)
    with call.office.store.write() as writing:
        dropped = replace(close(call, found, ImportState.DROPPED, counts), errors=None, done_by=found.done_by)
        if not writing.imports.change(found, dropped):
            raise StateError(_CLOSED_EN, zh=_CLOSED_ZH)
    note(call, "import-dropped", found)
    return call.go("/imports")


def note(call: Call, event: str, found: Import) -> None:
    """Write down what happened to a file: by its digest, as its name may name people and this stays for ever."""
    with call.office.store.write() as writing:
        writing.note(
            event,
            call.now,
            tenant=call.tenant.id,
            account=call.known.id,
            name=call.known.name,
            address=call.address,
            detail=f"{found.id} sha256:{found.digest.hex()}",
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
        "imports.drafts",
        "POST",
        "/imports/{import}/drafts",
        make_drafts,
        _OPERATORS,
        Sentence("Make drafts of a file", "导入转为草稿"),
        resource="import",
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
