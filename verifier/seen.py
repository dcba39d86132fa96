"""Remembers the highest version of each log's policy, so that an older one cannot be slipped in.

The memory is a small JSON file in the user's state folder; where there is none, nothing is remembered.

>>> remember_policy(policy, Path("seen-policies.json"))
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json, parse_json
from ledger.core.errors import InputError, PolicyMismatchError
from ledger.core.policy import Policy

FILE_NAME: Final = "seen-policies.json"


def find_memory() -> Path | None:
    """Return the file of this user, or None where the environment names no folder for it."""
    state = os.environ.get("XDG_STATE_HOME")
    if state:
        return Path(state) / "hengzheng" / FILE_NAME
    home = os.environ.get("HOME")
    return Path(home) / ".local" / "state" / "hengzheng" / FILE_NAME if home else None


def remember_policy(policy: Policy, memory: Path) -> None:
    """Refuse a policy older than one seen for the same log; else remember its version.

    Raises:
        PolicyMismatchError: a higher version has been seen.
    """
    seen = _load(memory)
    log = _name_log(policy)
    highest = seen.get(log)
    if isinstance(highest, int):
        if policy.version < highest:
            raise PolicyMismatchError(
                f"this is version {policy.version} of the policy; version {highest} has been seen already"
            )
        if policy.version == highest:
            return
    seen[log] = policy.version
    _save(memory, seen)


def _name_log(policy: Policy) -> str:
    """Return one spelling of a log for the memory: SHA-256 of origin, line feed and log key, in hex."""
    return hashlib.sha256(f"{policy.origin}\n{policy.log_key.multikey}".encode()).hexdigest()


def _load(memory: Path) -> JsonObject:
    try:
        value = parse_json(memory.read_bytes())
    except (OSError, InputError):
        return {}
    return value if isinstance(value, dict) else {}


def _save(memory: Path, seen: JsonObject) -> None:
    """Write the memory; a folder that cannot be written must not stop a verification."""
    draft = memory.with_name(f"{FILE_NAME}.{os.getpid()}")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(encode_canonical_json(seen))
        draft.replace(memory)
    except OSError:
        return
