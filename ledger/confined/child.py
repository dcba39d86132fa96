"""The confined process: gives up what it could do, reads one file from its standard input, answers with rows.

    python -I child.py ROOT MODULE:FUNCTION MEMORY CPU ANSWER

It is run by its path, not by its name, and loads nothing of ours but the reader and what that imports. Limits are
set before the first byte is read; after the reader is loaded no descriptor can be opened any more, whatever code
runs here: no file, no socket, no pipe. Each row of the answer is a line of JSON; the last one says how it ended:

    {"row": ...}                              any number of them, as the reader yields them
    {"end": 10000}                            how many rows there were; or
    {"refused": "...", "field": "row 7"}      the file is not to be read, and why; or
    {"broken": "KeyError"}                    the reader itself failed
"""

import json
import resource
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import BinaryIO, Final

_STANDARD_STREAMS: Final = 3


def main(arguments: list[str]) -> int:
    """Read standard input with the reader that is named, and return 0 if the answer has an end."""
    root, name, memory, cpu, answer = arguments
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, int(memory))
    _limit(resource.RLIMIT_CPU, int(cpu))
    _limit(resource.RLIMIT_FSIZE, int(answer))
    sys.path.append(root)
    refusal: type[Exception] = import_module("ledger.core.errors").InputError
    module, _, function = name.partition(":")
    reader: Callable[[BinaryIO], Iterable[object]] = getattr(import_module(module), function)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, _STANDARD_STREAMS)
    return _answer(reader, refusal)


def _limit(what: int, most: int) -> None:
    """Lower a limit for good: neither this process nor what it might start can raise it again."""
    _, hard = resource.getrlimit(what)
    lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (lowest, lowest))


def _answer(reader: Callable[[BinaryIO], Iterable[object]], refusal: type[Exception]) -> int:
    count = 0
    with open(0, "rb", closefd=False) as file:
        try:
            for count, row in enumerate(reader(file), start=1):  # noqa: B007 -- counted to the end
                _write({"row": row})
        except refusal as err:
            field = getattr(err, "field", None)
            _write({"refused": getattr(err, "reason", ""), **({} if field is None else {"field": field})})
        except Exception as err:  # noqa: BLE001 -- whatever a hostile file does to the reader is said, not shown
            _write({"broken": type(err).__name__})
        else:
            _write({"end": count})
    sys.stdout.flush()
    return 0


def _write(line: object) -> None:
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
