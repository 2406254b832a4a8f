# SPDX-License-Identifier: MIT
# page.py FILE…: every element of an HTML page is closed in order, nothing in it is loaded from
# anywhere, and there are no scripts but its own.
import html.parser
import re
import sys

VOID = {"meta", "input", "br"}
LOADING = {"src", "srcset", "href", "action", "data", "poster", "background", "ping", "manifest"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.scripts, self.ids, self.links = [], 0, set(), set()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        assert tag not in {"img", "link", "iframe", "object", "embed", "base", "form"}, tag
        self.scripts += tag == "script"
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name == "id":
                assert value not in self.ids, value
                self.ids.add(value)
            if name in LOADING:
                assert tag == "a" and value.startswith("#"), (tag, name, value)
                self.links.add(value[1:])

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()


for path in sys.argv[1:]:
    text = open(path, "rb").read().decode("utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open and page.scripts == 1 and page.links <= page.ids, path
    assert text.startswith("<!DOCTYPE html>") and text.endswith("</html>\n")
    assert "default-src 'none'" in text and not re.search(r"@import|url\(", text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
