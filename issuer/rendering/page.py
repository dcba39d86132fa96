"""The same sheet as one HTML page to read and print: no script, nothing fetched, and no signature.

It says itself that it is no evidence: who wants to rely on it checks the signed PDF, or scans the code.

>>> html = render_page(content)
"""

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from issuer.rendering.document import DocumentContent, check_content
from issuer.rendering.qr import build_caption, render_svg, write_bulk
from issuer.rendering.sheet import build_sheet
from issuer.rendering.wording import UNSIGNED

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def render_page(content: DocumentContent) -> bytes:
    """Return a document as HTML, UTF-8.

    Raises:
        VerificationError: the disclosure is not that of the certificate.
    """
    check_content(content)
    sheet = build_sheet(
        content.certificate,
        content.disclosure,
        content.letterhead,
        content.zone,
        development=content.development,
    )
    drawing = render_svg(content.qr_text, writer=write_bulk).decode().removeprefix(_DECLARATION)
    html = _load_template().render(
        sheet=sheet,
        unsigned=UNSIGNED,
        qr=Markup(drawing),  # noqa: S704 - our own drawing, which holds no text
        qr_text=content.qr_text,
        qr_lines=build_caption(content.qr_text),
    )
    return html.encode()


@cache
def _load_template() -> Template:
    environment = Environment(
        loader=PackageLoader("issuer.rendering"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("document.html")
