"""Command `hengzheng authority`: decisions of the root and of authorities, from key to ledger.

    keygen   make a key in a keystore
    root     draft the first decision of a log, its root keys, or the root that follows
    policy   draft the publication of a policy: of a file, or of what the home's settings ask for
    draft    draft any other decision from a file with its content: delegate, institution, key, compromised, scope,
             person, standard, material, regulation, type-approval, block;
             about certificates, lots and instruments: cancel, suspend, reinstate, reverify, opened, lot, same-as,
             split
    endorse  add a key's endorsement to a draft: every root key that agrees, and every key that is new
    sign     turn a draft into a signed statement
    submit   hand statements to a ledger

All but the last work offline, drafts and statements travel as files; `policy` without a file reads the home's log.

>>> main(["authority", "keygen", "root-1"])
0
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer

from issuer.authority import (
    Decision,
    draft_decision,
    encode_decision,
    endorse_decision,
    follow_root,
    parse_decision,
    parse_event_type,
    sign_decision,
)
from ledger.cli import HomeOption, JsonOption, PassphraseOption, find_given_passphrase
from ledger.console import print_result, run_command
from ledger.core.authority import (
    ROOT_ISSUER,
    PolicyContent,
    RootContent,
    encode_policy_content,
    encode_root_content,
)
from ledger.core.canonical import as_object, encode_canonical_json, parse_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, LedgerError, StateError
from ledger.core.event import EventType
from ledger.core.policy import Policy, compute_policy_digest, encode_policy, parse_policy
from ledger.core.signature import PublicKey, Signer, parse_multikey
from ledger.files import replace_file
from ledger.home import DEFAULT_HOME, LOG_KEY, Home, open_home
from ledger.home_policy import read_choice
from ledger.keystore import KeyAlgorithm
from ledger.local import open_ledger
from ledger.remote import RemoteLedger
from ledger.store.engine import Database
from ledger.store.migrations import require_current
from ledger.store.unit_of_work import SqlStore
from ledger.submission import Refusal, Result
from ledger.token_uri import parse_token_uri

app = typer.Typer(add_completion=False, no_args_is_help=True)
authority_app = typer.Typer(
    help="Decisions of the root and of authorities, drafted, endorsed, signed, submitted.",
    no_args_is_help=True,
)
app.add_typer(authority_app, name="authority")

OutOption = Annotated[Path, typer.Option("--out", help="file to write")]
KeyOption = Annotated[str, typer.Option("--key", help="name of a key in the home's keystore")]
MAX_FILE_BYTES: Final = 1 << 20
_EVENT_ID_BYTES: Final = 8


@app.callback()
def _group() -> None:
    """Keep `authority` a word of the command line."""


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands and return its exit code."""
    return run_command(app, arguments, name="hengzheng")


@authority_app.command()
def keygen(
    name: Annotated[str, typer.Argument(help="name of the new key")],
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    *,
    p256: Annotated[bool, typer.Option("--p256", help="P-256 instead of Ed25519")] = False,
    token: Annotated[
        str | None, typer.Option("--token", help="PKCS#11 URI of the token that is to hold it")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key; it never leaves the keystore unencrypted, or its token. A key that is there already is kept."""
    opened = open_home(home)
    wanted = None if token is None else parse_token_uri(token)
    if name not in opened.keystore:
        algorithm = KeyAlgorithm.P256 if p256 else KeyAlgorithm.ED25519
        if wanted is None:
            opened.keystore.create(name, algorithm, find_given_passphrase(opened, passphrase_file))
        else:
            opened.keystore.create_in_token(name, algorithm, wanted)
    label = opened.keystore.label(name)
    if wanted is not None and label.token is None:
        raise StateError(f"the key {name} is there already, in a file; choose another name")
    key = label.public_key
    members = {"name": name, "key": key.multikey, "key_id": encode_hex(key.key_id)}
    print_result(members if label.token is None else {**members, "token": str(label.token)}, as_json=as_json)


@authority_app.command()
def root(
    keys: Annotated[
        list[str], typer.Option("--root-key", help="multikey, or name in the keystore; repeat it")
    ],
    out: OutOption,
    home: HomeOption = DEFAULT_HOME,
    threshold: Annotated[int, typer.Option(help="how many of the keys must agree")] = 1,
    predecessor: Annotated[str | None, typer.Option(help="origin of the log that this one continues")] = None,
    after: Annotated[
        Path | None, typer.Option("--after", help="signed statement of the root that this one follows")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Draft leaf 0 of the home's log: the keys that all trust in it starts from; or the root that follows."""
    opened = open_home(home)
    new = tuple(_find_key(opened, text) for text in keys)
    if after is None:
        log_key = opened.keystore.label(LOG_KEY).public_key
        content = RootContent(1, opened.origin, new, threshold, log_key, predecessor)
    else:
        content = follow_root(_read(after), new, threshold)
    version = content.version - 1
    decision = _draft(EventType.ROOT, content.origin, ROOT_ISSUER, encode_root_content(content), version)
    _write_draft(decision, out, as_json=as_json)


@authority_app.command()
def policy(
    out: OutOption,
    path: Annotated[
        Path | None,
        typer.Argument(
            help="policy file to publish, whose version counts; without it, what the home's settings ask for"
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    expected_version: Annotated[
        int | None,
        typer.Option(
            help="how many policies this log has published before; without it, what the home's log says, "
            "with a file 0"
        ),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Draft the publication of a policy: verifiers with an older one learn that there is a newer."""
    opened = open_home(home)
    if path is None:
        policy_file, known = _propose_policy(opened)
    else:
        policy_file, known = parse_policy(_read(path)), 0
        if policy_file.origin != opened.origin:
            raise InputError(f"is for the log {policy_file.origin}", field=str(path))
    content = encode_policy_content(PolicyContent(policy_file.version, compute_policy_digest(policy_file)))
    version = known if expected_version is None else expected_version
    decision = _draft(EventType.POLICY, opened.origin, ROOT_ISSUER, content, version)
    _write_draft(decision, out, as_json=as_json)


def _propose_policy(home: Home) -> tuple[Policy, int]:
    """Write down what the home is to publish next; return it, and how many policies its log has published.

    Raises:
        StateError: the settings ask for nothing but what is published.
    """
    with closing(Database(home.database_url)) as database:
        require_current(database)
        choice = read_choice(home, SqlStore(database))
    if choice.is_published and choice.proposed is None:
        raise StateError(
            f"the root has published what the settings ask for, as version {choice.served.version}"
        )
    proposed = choice.proposed or choice.served
    replace_file(home.next_policy_path, encode_policy(proposed))
    return proposed, 0 if choice.published is None else choice.published.count


@authority_app.command()
def draft(
    event: Annotated[
        str,
        typer.Argument(
            help="delegate, institution, key, compromised, scope, person, standard, material, regulation, "
            "type-approval, block, cancel, suspend, reinstate, reverify, opened, lot, same-as or split"
        ),
    ],
    content: Annotated[Path, typer.Argument(help="JSON file with the content; see ledger/core/README.md")],
    out: OutOption,
    issuer: Annotated[str, typer.Option(help="who decides: ROOT, or the id of an authority")],
    home: HomeOption = DEFAULT_HOME,
    key_member: Annotated[
        str | None, typer.Option("--new-key", help="key of the keystore for the member `key`")
    ] = None,
    expected_version: Annotated[
        int, typer.Option(help="version that this decision follows, of an act's instrument; 0 for the first")
    ] = 0,
    *,
    as_json: JsonOption = False,
) -> None:
    """Draft a decision from a file with its content."""
    opened = open_home(home)
    members = as_object(parse_json(_read(content)), str(content))
    if key_member is not None:
        members["key"] = opened.keystore.label(key_member).public_key.multikey
    raw = encode_canonical_json(members)
    decision = _draft(parse_event_type(event), opened.origin, issuer, raw, expected_version)
    _write_draft(decision, out, as_json=as_json)


@authority_app.command()
def endorse(
    path: Annotated[Path, typer.Argument(help="draft; it is written again with the endorsement")],
    key: KeyOption,
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Endorse a draft with a key."""
    signer = _open_signer(home, key, passphrase_file)
    _write_draft(endorse_decision(parse_decision(_read(path)), signer), path, as_json=as_json)


@authority_app.command()
def sign(
    path: Annotated[Path, typer.Argument(help="draft with the endorsements that it needs")],
    key: KeyOption,
    out: OutOption,
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Turn a draft into a signed statement."""
    raw = sign_decision(parse_decision(_read(path)), _open_signer(home, key, passphrase_file))
    replace_file(out, raw)
    print_result({"statement": str(out), "bytes": len(raw)}, as_json=as_json)


@authority_app.command()
def submit(
    paths: Annotated[list[Path], typer.Argument(help="signed statements, in their order")],
    home: HomeOption = DEFAULT_HOME,
    ledger: Annotated[str | None, typer.Option(help="URL of a ledger; without it, the home's own")] = None,
    passphrase_file: PassphraseOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Hand statements to a ledger; for the home's own, write policy and trust list again."""
    opened = open_home(home)
    statements = [(path, _read(path)) for path in paths]
    if ledger is not None:
        with RemoteLedger(ledger, parse_policy(_read(opened.policy_path))) as remote:
            print_result({"leaves": _submit_all(remote.submit, statements)}, as_json=as_json)
        return
    with open_ledger(opened, find_given_passphrase(opened, passphrase_file)) as local:
        indices = _submit_all(local.submit, statements)
        local.write_policy()
    print_result({"leaves": indices, "policy": str(opened.policy_path)}, as_json=as_json)


def _submit_all(
    submit: Callable[..., Sequence[Result]], statements: Sequence[tuple[Path, bytes]]
) -> list[int]:
    """Hand statements in, one after the other, and return their leaves."""
    indices: list[int] = []
    for path, raw in statements:
        (result,) = submit([(raw, None)])
        if isinstance(result, Refusal):
            raise _name_file(result.error, path)
        indices.append(result.leaf_index)
    return indices


def _find_key(home: Home, text: str) -> PublicKey:
    """Return the key of this name in the keystore; any other text is a multikey."""
    return home.keystore.label(text).public_key if text in home.keystore else parse_multikey(text)


def _draft(event: EventType, origin: str, issuer: str, content: bytes, expected_version: int) -> Decision:
    return draft_decision(
        event, origin, issuer, content, expected_version, secrets.token_bytes(_EVENT_ID_BYTES)
    )


def _write_draft(decision: Decision, out: Path, *, as_json: bool) -> None:
    replace_file(out, encode_decision(decision))
    members = {
        "draft": str(out),
        "event": decision.event_type.name,
        "endorsements": len(decision.endorsements),
    }
    print_result(members, as_json=as_json)


def _open_signer(home: Path, key: str, passphrase_file: Path | None) -> Signer:
    opened = open_home(home)
    in_token = opened.keystore.label(key).token is not None
    passphrase = None if in_token else find_given_passphrase(opened, passphrase_file)
    return opened.keystore.open_signer(key, passphrase)


def _name_file(err: LedgerError, path: Path) -> LedgerError:
    return InputError(err.reason, field=f"{path}: {err.field}") if isinstance(err, InputError) else err


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(path)) from err
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"larger than {MAX_FILE_BYTES} bytes", field=str(path))
    return raw
