"""What all shapes share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Hex32 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="32 bytes, lower-case hex")]
Hex16 = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="16 bytes, lower-case hex")]
Base64 = Annotated[
    str,
    Field(
        pattern="^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
        description="padded base64; trailing bits are zero",
    ),
]
Code = Annotated[str, Field(pattern="^[0-9A-HJKMNP-TV-Z]{16}$", description="short code of a statement")]


class Shape(BaseModel):
    """A JSON object without members that are not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
