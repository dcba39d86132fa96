"""Every command, and every act, stands in a README; no README names a command that is not there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from api.cli import COMMANDS
from issuer.amend_cli import amend_app
from ledger.core.fold_documents import AUTHORITY_ACTS

ROOT = Path(__file__).resolve().parents[2]
READMES = "\n".join((ROOT / name).read_text("utf-8") for name in ("README.md", "issuer/README.md"))
CODE = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", READMES, re.DOTALL))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    assert re.search(rf"\bhengzheng {name}\b", CODE)


def test_no_other_command_is_documented():
    assert set(re.findall(r"\bhengzheng ([a-z]+)\b", CODE)) <= set(COMMANDS)


def test_every_amendment_is_documented_and_no_other():
    assert set(re.findall(r"\bhengzheng amend ([a-z]+)\b", CODE)) == set(get_command(amend_app).commands)


def test_what_authorities_decide_is_documented():
    for event_type in AUTHORITY_ACTS:
        name = event_type.name.removesuffix("_NEEDED").lower()
        assert f"`{name}`" in READMES or f"authority draft {name}" in READMES


def test_the_options_of_an_amendment_are_documented():
    for command in get_command(amend_app).commands.values():
        names = {name for option in command.params for name in option.opts if name.startswith("--")}
        assert {"--reason", "--effective-at", "--ledger", "--institution", "--home", "--json"} <= names
