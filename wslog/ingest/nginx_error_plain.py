"""Regexes of nginx error lines that need no parsing: of no concern to WebSockets, or only if their path is one's.

Only levels from `warn` up are left out: that a line is `info` or `notice` tells what the log would show, so those are
always parsed. Nothing in these lines is escaped, so they are plain only where one reading is possible: no second
`client:` or ` while `, and no `#`, which every head of a line has.
"""

from __future__ import annotations

from typing import Final

from wslog.ingest.format import Refused
from wslog.ingest.plain import plain_regex, printable_but

_MONTH_DAY: Final = r"(?:(?:0[1-9]|1[0-2])/(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])/(?:29|30)|(?:0[13578]|1[02])/31)"
STAMP: Final = rf"20\d\d/{_MONTH_DAY} (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_GRAVE: Final = "(?:warn|error|crit|alert|emerg)"
_HEAD: Final = rf"{STAMP} \[{_GRAVE}\] [0-9]{{1,9}}#[0-9]{{1,9}}: \*[0-9]{{1,15}} "
# While it does one of these, nginx has a request in its hands that no response has answered yet.
_BEFORE_RESPONSE: Final = (
    "(?:connecting to upstream|sending request to upstream|reading response header from upstream|"
    "reading client request (?:line|headers)|reading client request body|SSL handshaking)"
)
_RESPONDING: Final = "(?:reading upstream|sending to client)"
_CLIENT: Final = r", client: [0-9A-Fa-f.:]+"
_SERVER: Final = f"(?:, server: {printable_but(',#')}*)"
_NO_HANDSHAKE: Final = "(?:POST|PUT|DELETE|PATCH|HEAD|OPTIONS)"
_METHOD: Final = f"(?:GET|{_NO_HANDSHAKE[3:]}"
_TARGET: Final = r"/[!$-~]*"  # no quote, no #
_FURTHER: Final = f'"(?:, {printable_but("#")}*)?'


def words_but(word: str, excluded: str, *, not_first: str = "") -> str:
    """Return the regex of words with single spaces between them, none of them *word*.

    Args:
        word: Letters.
        excluded: Characters that no word holds.
        not_first: Characters that no word begins with.
    """
    inside = printable_but(" " + excluded)
    other = f"{inside}+"  # what may follow the whole of *word*
    for nth, letter in reversed(list(enumerate(word))):
        rest = other if nth == len(word) - 1 else f"(?:{other})?"
        others = printable_but(" " + excluded + letter + ("" if nth else not_first))
        other = f"{others}{inside}*|{letter}{rest}"
    return f"(?:{other})(?: (?:{other}))*"


_ZONE: Final = printable_but('",#')
_LIMITING: Final = rf'limiting (?:requests|connections)(?:, excess: [0-9.]+)? by zone "{_ZONE}*"'
MESSAGE: Final = f"(?:{words_but('while', ',#')}|{_LIMITING})"


def _plain() -> str:
    """Return the regex of lines that are of no concern.

    nginx was answering already; or the line has no request, so no path; or its request can be no handshake.
    """
    begin = f"{MESSAGE}(?: while {_BEFORE_RESPONSE})?{_CLIENT}"
    request = f'{_SERVER}, request: "{_NO_HANDSHAKE} {_TARGET} HTTP/[0-9]\\.[0-9]{_FURTHER}'
    any_request = f'{_SERVER}(?:, request: "{_METHOD} {_TARGET} HTTP/[0-9]\\.[0-9]{_FURTHER})?'
    answering = f"{MESSAGE} while {_RESPONDING}{_CLIENT}{any_request}"
    return plain_regex(f"{_HEAD}(?:{answering}|{begin}(?:{_SERVER}?|{request}))$")


PLAIN: Final = _plain()
REFUSED: Final = Refused(
    line=plain_regex(
        f"{_HEAD}{MESSAGE}(?: while {_BEFORE_RESPONSE})?{_CLIENT}{_SERVER}"
        f', request: "{_METHOD} {_TARGET} HTTP/[0-9]\\.[0-9]{_FURTHER}$'
    ),
    path=r', request: "[A-Z]+ (/[^ ?"]*)',
)
