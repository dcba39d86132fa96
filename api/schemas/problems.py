"""Problem documents."""

from pydantic import Field

from api.schemas.base import Shape


class ReasonShape(Shape):
    """One ground for refusing a document."""

    code: str
    field: str
    en: str
    zh: str


class ProblemShape(Shape):
    """RFC 9457."""

    type: str = Field(pattern="^urn:hengzheng:problem:[a-z-]+$")
    title: str
    status: int
    detail: str
    zh: str | None = Field(default=None, description="the detail in Chinese, where people read it")
    field: str | None = Field(default=None, description="the member to blame, where one is")
    reasons: list[ReasonShape] | None = None
    id: str | None = Field(default=None, description="under which the operator finds what happened")
