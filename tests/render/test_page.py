"""The page: whole on its own, quiet on the network, and log text in it stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure
from msgspec.structs import replace

from tests.render import documents
from wslog.render.charts import CHARTS
from wslog.render.page import render_html
from wslog.result import Document

DOCUMENTS: tuple[Callable[[], Document], ...] = (documents.full, documents.one_row, documents.empty)
SVGS = dict.fromkeys(CHARTS, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Reader(HTMLParser):
    """Keeps tags, their attributes and the visible text, and finds tags that are closed wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def is_empty(name: str, document: Document) -> bool:
    return not CHARTS[name].draw(document, Figure().subplots()).has_data()


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_page_is_sound(build: Callable[[], Document]) -> None:
    """Every tag is closed, there is one title and one h1 with the verdict, ids are unique, and pictures have words."""
    reader = read(render_html(build(), SVGS))
    assert (reader.wrong, reader.open) == ([], [])
    names = [tag for tag, _ in reader.tags]
    assert (names.count("title"), names.count("h1")) == (1, 1)
    assert build().verdict in reader.text.replace("\u00a0", " ")  # numbers are not parted from their units
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert len(pictures) == sum(not is_empty(name, build()) for name in CHARTS)
    assert all((picture["alt"] or "").startswith("Chart. ") for picture in pictures)


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_page_needs_no_network_and_no_script(build: Callable[[], Document]) -> None:
    """No script, link, frame or remote address; the policy in the page forbids what it does not need."""
    page = render_html(build(), SVGS)
    reader = read(page)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & {tag for tag, _ in reader.tags}
    sources = [value or "" for _, attributes in reader.tags for name, value in attributes.items() if name == "src"]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    links = [value or "" for _, attributes in reader.tags for name, value in attributes.items() if name == "href"]
    assert all(link.startswith("#") for link in links)
    assert "url(" not in page
    assert "@import" not in page
    policy = next(a["content"] for tag, a in reader.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def test_hostile_text_is_shown_letter_by_letter() -> None:
    """Markup from a log appears as text wherever log text can stand, and hidden characters are written out."""
    full, hostile = documents.full(), documents.HOSTILE
    files = tuple(replace(file, path=hostile, why=f'"{hostile}') for file in full.coverage.files)
    evil = replace(
        full,
        verdict=documents.HOSTILE,
        bursts=(replace(full.bursts[0], scope=documents.HOSTILE, evidence=(documents.HOSTILE,)),),
        advice=(replace(full.advice[0], text=documents.HOSTILE, config=documents.HOSTILE),),
        clusters=(replace(full.clusters[0], timeout_ids=('"><img src=x onerror=alert(1)>',)),),
        coverage=replace(full.coverage, files=files),
    )
    page = render_html(evil, SVGS)
    reader = read(page)
    assert (reader.wrong, reader.open) == ([], [])
    assert "script" not in {tag for tag, _ in reader.tags}
    assert not [name for _, attributes in reader.tags for name in attributes if name.startswith("on")]
    assert not {"\x1b", "\u202e"} & set(page)
    assert reader.text.count("<script>alert(1)</script> \\x1b[2J") >= 8


def test_advice_stands_once_and_is_referred_to() -> None:
    """Advice that two findings share is printed under the first; the second links to it."""
    full = documents.full()
    shared = replace(full, findings=tuple(replace(f, advice=(0,)) for f in full.findings))
    page = render_html(shared, SVGS)
    assert page.count('id="advice-0"') == 1
    assert page.count('href="#advice-0"') == 2
    assert 'id="advice-1"' in page  # no finding names it: it stands in the list after them


def test_configuration_keeps_its_lines() -> None:
    """Configuration to paste is printed line by line, indented as written."""
    assert "location /ws/chat {\n    proxy_read_timeout 3600s;\n}</code></pre>" in render_html(documents.full(), SVGS)


def test_a_missing_chart_leaves_its_numbers() -> None:
    """Without any picture the tables are still there."""
    page = render_html(documents.full(), {})
    assert "<img" not in page
    assert len(re.findall(r"<summary>The numbers", page)) == len(CHARTS)


def test_empty_charts_are_a_line_of_text() -> None:
    """Where there is nothing to draw, one sentence stands for all empty charts, and no blank picture."""
    page = render_html(documents.empty(), SVGS)
    assert "<img" not in page
    assert page.count("nothing to draw of: silence before the close, drops over time, causes, ") == 1


def test_no_name_of_a_cause_pushes_its_bar_out_of_sight() -> None:
    """A long name takes two lines: kept on one, it made the table wider than the page, and all bars looked alike."""
    rules = re.findall(r"\.bars td:first-child \{([^}]*)\}", render_html(documents.full(), SVGS))
    assert rules
    assert not [rule for rule in rules if "nowrap" in rule]


def test_thousands_of_files_are_folded_away() -> None:
    """Of many files those with something odd stand in sight, and all behind a line to open."""
    full = documents.full()
    odd, *_ = (file for file in full.coverage.files if file.rejected)
    plain = replace(odd, rejected=0, rejects=())
    files = (replace(odd, path="odd.log"), *(replace(plain, path=f"{nth}.log") for nth in range(500)))
    page = render_html(replace(full, coverage=replace(full.coverage, files=files)), SVGS)
    reader = read(page)
    assert (reader.wrong, reader.open) == ([], [])
    seen, _, folded = page.partition("<summary>All 501 files</summary>")
    assert ("odd.log" in seen, "499.log" in seen, "499.log" in folded) == (True, False, True)
    assert "<summary>All" not in render_html(full, SVGS)


def test_same_document_same_page() -> None:
    """The page depends on the document alone."""
    assert render_html(documents.full(), SVGS) == render_html(documents.full(), SVGS)


def test_many_findings_fold_to_a_line_each() -> None:
    """The large findings stand open; small ones are there too, folded, and none is lost."""
    full = documents.full()
    small = replace(full.findings[1], share=0.01)
    page = render_html(replace(full, findings=(*full.findings, *[small] * 9)), SVGS)
    assert page.count('<article class="card"') == 3
    assert page.count('<details class="card"') == 9


def test_a_hundred_timers_do_not_stand_before_the_findings() -> None:
    """The causes above the findings are few, what stays unknown is one of them, and the others are counted."""
    full = documents.full()
    many = tuple(replace(full.causes[0], timeout_s=float(nth), n=2, share=0.002) for nth in range(100, 140))
    page = read(render_html(replace(full, causes=(*many, full.causes[-1])), SVGS)).text
    assert full.causes[-1].cause == "unknown"
    assert "16 rows with" in page
    assert "proxy_read_timeout 123 s" in page
    assert page.index("unknown") < page.index("16 rows with")


def test_the_verdict_says_how_sure() -> None:
    """Beside the verdict stands how sure its findings are and for how many drops it is named who closed them."""
    text = read(render_html(documents.full(), SVGS)).text
    assert "Who closed is known for 81 % of the drops; for the rest these logs do not say. These verdicts are" in text
    nobody = read(render_html(documents.one_row(), SVGS)).text
    assert "Who closed is known for none of the drops." in nobody
    assert "sure on average" not in nobody


def test_rejects_are_shown_by_file_and_line() -> None:
    """The first rejected lines of a file stand below it with their reasons, and what files have in common only once."""
    full = documents.full()
    first, second, unknown = full.coverage.files
    alike = replace(second, path="nginx/access.log.1", limits=("no milliseconds",))
    also = replace(alike, path="nginx/access.log.2")
    coverage = replace(full.coverage, files=(first, alike, also, unknown))
    text = read(render_html(replace(full, coverage=coverage), SVGS)).text
    assert "First rejected: line 88, not JSON: " in text
    assert "Then: line 5003, cut off: " in text
    assert text.count("no milliseconds") == 1
    assert "nginx-access, 2 files: nginx host, ms, +01:00" in text


def test_commands_in_sentences_are_code() -> None:
    """What stands between backticks is code; a single backtick stays what it is, and markup stays text."""
    full = documents.full()
    told = replace(full.advice[0], text="Look for `<b>x</b>` in the log. One ` alone.")
    page = render_html(replace(full, advice=(told,)), SVGS)
    assert "Look for <code>&lt;b&gt;x&lt;/b&gt;</code> in the log." in page
    assert "One ` alone." in page


def test_evidence_shows_its_weight_apart() -> None:
    """The decibel of a line stand beside it, not in it."""
    full = documents.full()
    weighed = replace(full.findings[0], evidence=("error.log:7: timer fired (+26 dB)",))
    page = render_html(replace(full, findings=(weighed,)), SVGS)
    assert "<code>error.log:7: timer fired</code>" in page
    assert ">+26 dB</span>" in page
