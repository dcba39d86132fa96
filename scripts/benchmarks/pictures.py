"""QR pictures for label sheets: the longest codes there are, and the short form."""

from collections.abc import Callable, Sequence

from fixture import HOST
from measuring import Figures, repeat, summarise, time_work

from issuer.rendering.qr import build_caption, render_png, render_svg, write_bulk
from ledger.core.qr import compute_code, encode_long_url, encode_short_url


def measure_pictures(statements: Sequence[bytes], rounds: int, seconds: float) -> dict[str, Figures]:
    """Return the figures of pictures of these statements."""
    long = [encode_long_url(raw, HOST) for raw in statements]
    short = [encode_short_url(compute_code(raw), HOST) for raw in statements]

    def measure(texts: Sequence[str], render: Callable[[str], bytes]) -> Figures:
        def draw() -> None:
            for text in texts:
                render(text)

        work = repeat(lambda: time_work(draw), rounds=rounds, seconds=seconds)
        return summarise(len(texts), work)

    return {
        "qr_long_png": measure(long, lambda text: render_png(text, writer=write_bulk)),
        "qr_long_svg": measure(long, lambda text: render_svg(text, writer=write_bulk)),
        "qr_long_png_with_words": measure(long, _render_with_words),
        "qr_short_png": measure(short, lambda text: render_png(text, writer=write_bulk)),
    }


def _render_with_words(text: str) -> bytes:
    """Return a picture with host and code in words below it."""
    return render_png(text, caption=build_caption(text), writer=write_bulk)
