"""What an audit that was killed need not do again: signatures that it has verified already.

The state file says: every signature of a statement under this root, in a log of this origin, was verified for this
policy. Nothing else is taken from it. An audit that goes on still reads every file, hashes every leaf, compares
every tile, and folds every leaf anew: who may, headers, MAPHEADs, VOID leaves, receipts. It leaves out only the
arithmetic of signatures, and only for leaves under a root that the log's own hashes give at that size.

What is trusted: that nobody but this account could have written the file. It carries a MAC under a key of 32 bytes
that the first audit makes (mode 0600, see `load_key`), apart from the report. Without this key a file that was
forged, changed, made for another policy or on another machine counts for nothing: the audit then begins at the
first leaf.

>>> state = StateFile(Path("audit.state"), load_key(Path("audit.key")), policy)
>>> state.save(Milestone(TreeSize(16384), root_hash))
>>> state.load()
Milestone(tree_size=16384, root_hash=b'...')
"""

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError
from ledger.core.fields import Reader
from ledger.core.ids import RootHash, TreeSize
from ledger.core.policy import Policy, encode_policy
from ledger.files import PRIVATE_FILE, create_file, make_private_directory, replace_file

STATE_TYPE: Final = "hengzheng/audit-state/v1"
_DOMAIN: Final = STATE_TYPE.encode() + b"\x00"
_KEY_BYTES: Final = 32
_MAX_INDEX: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Milestone:
    """How far an audit has come without a contradiction."""

    tree_size: TreeSize
    root_hash: RootHash
    """32 bytes, over all leaves so far."""


class StateFile:
    """The file in which an audit under way is written down."""

    def __init__(self, path: Path, key: bytes, policy: Policy) -> None:
        """Take what a state is bound to; nothing is read yet.

        Args:
            path: of the file; it need not be there.
            key: 32 bytes, of this account.
            policy: under which the log is audited.
        """
        self._path = path
        self._key = key
        self._policy = policy

    def load(self) -> Milestone | None:
        """Return what was written last; None where nothing is, or nothing that may be believed."""
        try:
            reader = Reader(parse_canonical_json(self._path.read_bytes()))
            milestone = Milestone(
                TreeSize(reader.integer("tree_size", 1, _MAX_INDEX)),
                RootHash(reader.hex("root_hash", 32)),
            )
            given = reader.hex("mac", 32)
            reader.finish()
        except (OSError, InputError):
            return None
        return milestone if hmac.compare_digest(given, self._compute_mac(milestone)) else None

    def save(self, milestone: Milestone) -> None:
        """Write how far the audit has come; the file is whole at every moment.

        Raises:
            OSError: it cannot be written.
        """
        members = self._members(milestone) | {"mac": encode_hex(self._compute_mac(milestone))}
        replace_file(self._path, encode_canonical_json(members))

    def _members(self, milestone: Milestone) -> JsonObject:
        return {"tree_size": milestone.tree_size, "root_hash": encode_hex(milestone.root_hash)}

    def _compute_mac(self, milestone: Milestone) -> bytes:
        bound: JsonObject = {
            "origin": self._policy.origin,
            "policy": encode_hex(hashlib.sha256(encode_policy(self._policy)).digest()),
        }
        message = _DOMAIN + encode_canonical_json(self._members(milestone) | bound)
        return hmac.digest(self._key, message, "sha256")


def load_key(path: Path) -> bytes:
    """Return the account's key for state files, made up if there is none yet.

    Raises:
        InputError: the file is no such key.
        OSError: it cannot be read or written.
    """
    make_private_directory(path.parent)
    with suppress(FileExistsError):
        create_file(path, secrets.token_bytes(_KEY_BYTES), mode=PRIVATE_FILE)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise InputError(f"is no key of {_KEY_BYTES} bytes: remove it", field=str(path))
    return key
