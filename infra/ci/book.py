"""Every link of the built book leads somewhere, to a place of a page too, and nothing in it comes from elsewhere."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The places and the links of a page."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links, self.loaded = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places.update(filter(None, [found.get("id"), found.get("name")]))
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        source = found.get("src") or (found.get("href") if tag == "link" else None)
        if source:
            self.loaded.append(source)


def broken(root):
    pages = {path: Page(path.read_text()) for path in sorted(root.rglob("*.html"))}
    if len(pages) < 20:
        yield f"{root}: expected a book of twenty pages at least, found {len(pages)}"
    for path, page in pages.items():
        for link in page.loaded:
            if urlsplit(link).netloc:
                yield f"{path}: loads {link}"
        # The page for an address that does not exist is relative to the root.
        here = root if path.name == "404.html" else path.parent
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (here / unquote(parts.path)).resolve() if parts.path else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or root.resolve() not in target.parents:
                yield f"{path}: {link} leads nowhere"
            elif parts.fragment and target.suffix == ".html":
                known = pages[root / target.relative_to(root.resolve())].places
                if unquote(parts.fragment) not in known:
                    yield f"{path}: {link} names no place of that page"


def main():
    found = list(broken(Path(sys.argv[1])))
    print("\n".join(found) or f"{sys.argv[1]}: every link leads somewhere")
    sys.exit(1 if found else 0)


main()
