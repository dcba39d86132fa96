"""Witnesses whose BLS keys lie in a development home itself, and sign in its own process: to show certificates.

They look at nothing before they sign, and whoever holds the log holds them: they witness nothing. So only a home
for development has them, their names end in `.development`, and its policy is one for development.

>>> create_development_witnesses(home, 7)
>>> signers = open_development_signers(home, load_witnesses(home), passphrase)
"""

from collections.abc import Mapping
from typing import Final

from ledger.core.bls import BlsSigner
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.errors import InputError, StateError
from ledger.core.quorum_certificate import BlsWitness, encode_bls_witness, make_bls_witness
from ledger.cosigning.witnesses import WITNESSES_TYPE, HomeWitnesses
from ledger.files import create_file
from ledger.home import Home, find_passphrase
from ledger.keystore import KeyAlgorithm

KEY_PREFIX: Final = "development-witness-"


def create_development_witnesses(home: Home, count: int) -> None:
    """Make keys of witnesses in a home, and name them in its `witnesses.json`; the same again changes nothing.

    Args:
        home: for development.
        count: at least 1; more than half of them are the quorum.

    Raises:
        InputError: the home is not for development.
        StateError: it has other witnesses.
    """
    if not home.development:
        raise InputError("only a home for development has them", field="development_witnesses")
    passphrase = find_passphrase(home)
    items: list[JsonObject] = []
    for number in range(1, count + 1):
        key = f"{KEY_PREFIX}{number}"
        if key not in home.keystore:
            home.keystore.create(key, KeyAlgorithm.BLS, passphrase)
        signer = home.keystore.open_bls_signer(key, passphrase)
        witness = make_bls_witness(f"witness-{number}.development", signer)
        items.append({"bls": encode_bls_witness(witness), "key": key})
    content: JsonObject = {"quorum": count // 2 + 1, "type": WITNESSES_TYPE, "witnesses": [*items]}
    raw = encode_canonical_json(content) + b"\n"
    try:
        create_file(home.witnesses_path, raw)
    except FileExistsError:
        if home.witnesses_path.read_bytes() != raw:
            raise StateError(f"{home.witnesses_path} names other witnesses; it is left as it is") from None


def open_development_signers(home: Home, witnesses: HomeWitnesses | None) -> Mapping[BlsWitness, BlsSigner]:
    """Return what signs in this process; nothing in a home that is not for development.

    Raises:
        InputError: a key cannot be opened, or is another one than the home says.
        NotFoundError: a key is missing.
    """
    keys = {} if witnesses is None else witnesses.keys
    if not keys:
        return {}
    passphrase = find_passphrase(home)
    signers = {witness: home.keystore.open_bls_signer(key, passphrase) for witness, key in keys.items()}
    for witness, signer in signers.items():
        if signer.public_key != witness.key:
            raise InputError(
                f"{keys[witness]} is not the key of {witness.name}", field=str(home.witnesses_path)
            )
    return signers
