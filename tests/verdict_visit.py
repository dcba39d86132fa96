"""One look at a verdict page in Chromium.

with Visit(browser, url, "en") as visit:
    visit.settle()
"""

import re

SIZES = {360: 640, 1280: 800}
LANGUAGES = {"zh": "zh-CN", "en": "en"}
SETTLED = (
    "() => { const c = document.getElementById('checker');"
    " return !c || ['unable', 'done', 'bad'].includes(c.dataset.state); }"
)
OPEN_ALL = "document.querySelectorAll('details').forEach((each) => each.open = true)"


class Visit:
    """A page that speaks to nobody but this machine."""

    def __init__(self, browser, url, language="zh", width=360, *, standing_in=None, now=None, **options):
        """Open a page.

        Args:
            browser: from `chromium`.
            url: of the page.
            language: `zh` or `en`.
            width: of the window in pixels.
            standing_in: what `stand_in/device.js` answers.
            now: what the clock of the device says, aware; None: the time.
            options: of the browser's context.
        """
        self.context = browser.new_context(
            locale=LANGUAGES[language], viewport={"width": width, "height": SIZES.get(width, 640)}, **options
        )
        self.foreign, self.errors, self.requests = [], [], []
        self.context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), self._refuse)
        if now is not None:
            self.context.clock.set_fixed_time(now)
        self.page = self.context.new_page()
        if standing_in is not None:
            self.answer(standing_in)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.go(url)

    def go(self, url):
        """Go to another page in the same window; what was noted of the last one is forgotten."""
        for noted in (self.foreign, self.errors, self.requests):
            noted.clear()
        self.response = self.page.goto(url)

    def answer(self, outcome):
        """Let the stand-in say this from the next page on."""
        self.page.add_init_script(f"window.standIn = {outcome}")

    def settle(self):
        """Wait until the script has said whose verdict this is."""
        self.page.wait_for_function(SETTLED)

    def open_all(self):
        """Open everything that is folded away."""
        self.page.evaluate(OPEN_ALL)

    def _refuse(self, route):
        self.foreign.append(route.request.url)
        route.abort()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()
