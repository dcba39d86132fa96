"""Foreign files (XLSX, and whatever comes after it) are read in a process of their own, under limits.

What a file from outside can do to its reader (eat memory, never end, find a fault in a parser) happens there: the
process holds no key and no connection, inherits no descriptor but the file itself, can open none, and ends with
its limits. The caller gets plain rows of JSON, all of them or none.

>>> read_confined("issuer.workbook.reader:read_workbook", raw)
[{'sheet': '数据'}, [1, ['请求编号', '出厂编号']], [2, ['R-1', 'A-17']]]
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ledger.core.errors import InputError, OutOfTimeError, UnavailableError

_CHILD: Final = Path(__file__).with_name("child.py")
_ROOT: Final = Path(__file__).resolve().parents[2]
"""Where our packages lie."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader may use."""

    memory_bytes: int = 512 * 1024 * 1024
    """Address space of the process."""
    cpu_seconds: int = 120
    wall_seconds: float = 240
    answer_bytes: int = 512 * 1024 * 1024


DEFAULT_LIMITS: Final = Limits()


def read_confined(reader: str, raw: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """Return the rows that a reader makes of a file, in a process that can do nothing else.

    Args:
        reader: `module:function`; takes a seekable binary file, yields what JSON can hold, raises `InputError`.
        raw: the file.
        limits: of the process.

    Raises:
        InputError: the reader refuses the file, or did not come to an end within its limits.
        OutOfTimeError: it did not within the time of the clock.
        UnavailableError: no process could be started.
    """
    try:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            given.write(raw)
            given.seek(0)
            code = _run(reader, given, answer, limits)
            answer.seek(0)
            return _take(answer, code)
    except OSError as err:
        raise UnavailableError(f"no process could be started to read the file: {err.strerror}") from err


def _run(reader: str, given: BinaryIO, answer: BinaryIO, limits: Limits) -> int | None:
    """Run the process; return its exit code, None if its time was over."""
    words = [sys.executable, "-I", "-B", str(_CHILD), str(_ROOT), reader]
    bounds = [limits.memory_bytes, limits.cpu_seconds, limits.answer_bytes]
    with subprocess.Popen(
        [*words, *map(str, bounds)],
        stdin=given,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={},
        close_fds=True,
    ) as process:
        try:
            return process.wait(limits.wall_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return None


def _take(answer: BinaryIO, code: int | None) -> list[Any]:
    """Return the rows of a whole answer; anything else is an error, and no row is taken."""
    rows: list[Any] = []
    last: dict[str, Any] = {}
    if code == 0:
        for line in answer:
            last = _parse_line(line)
            if "row" in last:
                rows.append(last["row"])
    if last.get("end") == len(rows):
        return rows
    if isinstance(refused := last.get("refused"), str):
        field = last.get("field")
        raise InputError(refused, field=field if isinstance(field, str) else "file")
    if code is None:
        sentence = "could not be read within the time allowed; nothing was taken from it"
        raise OutOfTimeError(sentence, field="file")
    raise InputError(_say_why(code, last), field="file")


def _parse_line(line: bytes) -> dict[str, Any]:
    """Return a line of the answer; one that was cut off says nothing."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _say_why(code: int, last: dict[str, Any]) -> str:
    if code == 0 and last.get("broken") not in {None, "MemoryError", "OSError"}:
        return f"could not be read ({last['broken']}); nothing was taken from it"
    return "needs more memory or time to be read than is allowed; nothing was taken from it"
