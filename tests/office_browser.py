"""A served office and the browsers in which people log in there.

>>> log_in(open_context(browser).new_page(), office, "zhang")
"""

import base64
import re
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx2
from served_home import serve

from api.office.totp import compute_code

PASSWORD = "a long pass phrase"


class Office:
    """A served office and who may log in there."""

    def __init__(self, url):
        self.url = url
        self.secrets = {}

    def enrol(self, name, code, tenant):
        """Choose a password and set the app up, as the person would; return the page with the recovery codes."""
        with httpx2.Client(base_url=self.url, headers={"Origin": self.url}, trust_env=False) as client:
            whom = {"tenant": tenant, "name": name, "code": code}
            page = client.post("/enrol", data={**whom, "password": PASSWORD, "again": PASSWORD})
            assert page.status_code == 200, page.text
            spelled = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")
            self.secrets[name] = base64.b32decode(spelled)
            shown = compute_code(self.secrets[name], self.now())
            done = client.post("/enrol/app", data={**whom, "shown": shown})
            assert done.status_code == 200, done.text
            return re.findall(r"<li><code>([A-Z0-9-]+)</code>", done.text)

    @staticmethod
    def now():
        return datetime.now(UTC)


@contextmanager
def open_office(line, people):
    """Serve a line's office, in which everybody has an account and is enrolled.

    Args:
        line: whose home it is.
        people: by name for log-in, what is shown, the pseudonym, and the roles.
    """
    codes = {}
    for name, (display, pid, roles) in people.items():
        options = [word for role in roles for word in ("--role", role)]
        members = line.run("office", "account", "add", name, "--display", display, "--pid", pid, *options)
        codes[name] = members["code"], members["institution"]
    with serve(line.home, "office") as server:
        office = Office(server.url.replace("127.0.0.1", "localhost"))
        office.line = line
        office.recovery = {name: office.enrol(name, *code) for name, code in codes.items()}
        yield office


def log_in(page, office, name):
    """Log in as a person does, with one of the recovery codes: each counts once."""
    page.goto(f"{office.url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=code]", office.recovery[name].pop())
    page.click("form[action='/login'] button")
    page.wait_for_url(f"{office.url}/")


def open_context(browser, language="zh-CN", **options):
    """Return a browser that speaks to nobody but this machine, and notes what it is told of errors."""
    context = browser.new_context(locale=language, **options)
    context.route(re.compile(r"^https?://(?!localhost|127\.0\.0\.1)"), lambda route: route.abort())
    return context
