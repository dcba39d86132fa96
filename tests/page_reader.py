"""What a browser makes of a verdict page, for tests.

>>> look(served, f"/c/{code}").headline
'检定有效'
"""

import html
import re
from html.parser import HTMLParser

from api_world import JSON

from api.schemas.verdicts import VerdictAnswer

VOID = {"meta", "br", "link", "path", "circle", "input", "img"}


class Page(HTMLParser):
    """What a browser makes of a page; fails on markup that does not close."""

    def __init__(self, response):
        super().__init__()
        self.response = response
        self.tags, self.open, self.texts = [], [], {}
        self.feed(response.text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data

    def find(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def headline(self):
        return self.texts["h1"].strip()

    @property
    def style(self):
        return self.find("section")[0]["class"].split()[1]

    @property
    def text(self):
        return html.unescape(re.sub(r"<[^>]+>|\s+", " ", self.response.text.split("</style>")[1]))


def look(served, path, **headers):
    response = served.client.get(path, headers=headers)
    assert response.headers["content-type"] == "text/html; charset=utf-8", response.text
    return Page(response)


def look_json(served, path):
    response = served.client.get(path, headers=JSON)
    assert response.headers["content-type"] == "application/json", response.text
    VerdictAnswer.model_validate(response.json())
    return response.json()
