"""Settings of a home: what its owner may change at any time, read once by entry points and passed on.

They stand in the table `[settings]` of `home.toml`. A variable of the environment with the same name, in
capitals behind `HENGZHENG_`, comes before the file, as `HENGZHENG_DATABASE` where the database is another in
each container; keys and passphrases never come that way.

>>> load_settings({"node": "http://127.0.0.1:8545", "finality": "depth:12"}).host
'localhost:8000'
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ledger.chain.finality import parse_finality
from ledger.core.errors import InputError
from ledger.core.ids import ID_PATTERN
from ledger.core.policy import DEFAULT_ZONE
from ledger.core.qr import parse_host

_TAKER = re.compile(rf"(?:{ID_PATTERN})=[0-9a-f]{{64}}")

DEVCHAIN = "devchain"
"""Node setting: our own development chain, kept in the home and started when it is needed."""

ANVIL = "anvil"
"""Node setting: anvil, kept in the home and started when it is needed."""


def _check_node(text: str) -> str:
    if text not in {DEVCHAIN, ANVIL} and (
        urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname
    ):
        raise ValueError("is devchain, anvil, or the http or https URL of a node")
    return text


def _check_finality(text: str) -> str:
    try:
        return str(parse_finality(text))
    except InputError as err:
        raise ValueError(err.reason) from err


def _check_host(text: str) -> str:
    try:
        return parse_host(text)
    except InputError as err:
        raise ValueError(err.reason) from err


def _check_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError) as err:  # not found is a KeyError
        raise ValueError("no time zone has this name") from err


def _check_taker(text: str) -> str:
    if _TAKER.fullmatch(text) is None:
        raise ValueError("is the id of an authority, '=', and the 64 hex digits of its key, as CN-35=9f3c...")
    return text


class Settings(BaseSettings):
    """What the owner of a home may change."""

    model_config = SettingsConfigDict(env_prefix="HENGZHENG_", extra="forbid", frozen=True)

    database: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL of the ledger's database; None is `ledger.db` in the home."""
    desk_database: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL of the institution's own database; None is `desk.db` in the home."""
    audit_database: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL of the auditors' catalogue; None is `audit.db` in the home."""
    search_database: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL of what people search without a code; None is `search.db` in the home."""
    office_database: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL of the office's accounts and sessions; None is `office.db` in the home."""
    reports_database: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL of what consumers report; None is `reports.db` in the home. An authority's home names that of
    the public site."""
    reports: tuple[Annotated[str, AfterValidator(_check_taker)], ...] = ()
    """Who takes what consumers report at this site: id of an authority, `=`, and the 64 hex digits of the X25519
    key to which reports are sealed; none: nothing is reported here."""
    report_days: int = Field(default=1095, ge=90, le=7300)
    """How many days a report is kept since it was taken, if nothing is open any more."""
    scan_days: int = Field(default=90, ge=8, le=400)
    """How many days counts of scans, and the coarse places that people have told, are kept."""
    node: Annotated[str, AfterValidator(_check_node), Field(repr=False)] = DEVCHAIN
    """`devchain`, `anvil`, or the URL of a node, which may hold credentials."""
    finality: Annotated[str, AfterValidator(_check_finality)] = "immediate"
    """When a block counts as final, see `chain.finality`."""
    max_fee_gwei: int = Field(default=1_000, gt=0, le=10**9)
    """More than this is not paid for a unit of gas; anchors wait until it costs less."""
    host: Annotated[str, AfterValidator(_check_host)] = "localhost:8000"
    """Name of the public site, printed in QR codes."""
    zone: Annotated[str, AfterValidator(_check_zone)] = DEFAULT_ZONE
    """Calendar dates are dates of this zone."""

    published_rules: bool = False
    """Whether the home's policy lets only regulations count that an authority has published."""
    traceability_roots: tuple[str, ...] = ()
    """External roots of traceability that the home's policy believes, as registers of standards name them."""
    upload_days: int = Field(default=30, ge=1, le=3650)
    """How many days an office keeps a file of an import since something has happened to it."""
    font_folder: str | None = None
    """Folder with fonts for letters that the shipped ones lack; printed documents use no others."""

    @property
    def max_fee_wei(self) -> int:
        """Return the most that is paid for a unit of gas, in wei."""
        return self.max_fee_gwei * 10**9

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - given by the library
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - given by the library
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - given by the library
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment come before the file."""
        return env_settings, init_settings


def load_settings(table: Mapping[str, Any]) -> Settings:
    """Return the settings of a table, as the environment changes them.

    Raises:
        InputError: an unknown setting, or a value that it cannot have; none is repeated: it may be secret.
    """
    try:
        return Settings(**table)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"].removeprefix("Value error, "), field=f"settings.{name}") from None


def parse_toml(raw: bytes, name: str) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        InputError: not TOML.
    """
    try:
        return tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise InputError(f"not a TOML file: {err}", field=name) from err
