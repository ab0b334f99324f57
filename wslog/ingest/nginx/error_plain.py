"""Regexes of nginx error lines that need no parsing: of no concern to WebSockets, or only if their path is one's.

Only levels from `warn` up are left out: that a line is `info` or `notice` tells what the log would show, so those are
always parsed. Nothing in these lines is escaped, so they are plain only where one reading is possible: no second
`client:` or ` while `, and no `#`, which every head of a line has.
"""

from __future__ import annotations

from typing import Final

from wslog.ingest.format import Refused
from wslog.ingest.values.line_regex import ERROR_LOG_TIME, OTHER_METHODS, ascii_regex, printable_but, words_but

_GRAVE: Final = "(?:warn|error|crit|alert|emerg)"
_HEAD: Final = rf"{ERROR_LOG_TIME} \[{_GRAVE}\] [0-9]{{1,9}}#[0-9]{{1,9}}: \*[0-9]{{1,15}} "
# While it does one of these, nginx has a request in its hands that no response has answered yet.
_BEFORE_RESPONSE: Final = (
    "(?:connecting to upstream|sending request to upstream|reading response header from upstream|"
    "reading client request (?:line|headers)|reading client request body|SSL handshaking)"
)
_RESPONDING: Final = "(?:reading upstream|sending to client)"
_CLIENT: Final = r", client: [0-9A-Fa-f.:]+"
_SERVER: Final = f"(?:, server: {printable_but(',#')}*)"
_METHOD: Final = f"(?:GET|{OTHER_METHODS})"
_TARGET: Final = r"/[!$-~]*"  # no quote, no #
_FURTHER: Final = f'"(?:, {printable_but("#")}*)?'
_ZONE: Final = printable_but('",#')
_LIMITING: Final = rf'limiting (?:requests|connections)(?:, excess: [0-9.]+)? by zone "{_ZONE}*"'
MESSAGE: Final = f"(?:{words_but('while', ',#')}|{_LIMITING})"


def _plain() -> str:
    """Return the regex of lines that are of no concern.

    nginx was answering already; or the line has no request, so no path; or its request can be no handshake.
    """
    begin = f"{MESSAGE}(?: while {_BEFORE_RESPONSE})?{_CLIENT}"
    request = f'{_SERVER}, request: "(?:{OTHER_METHODS}) {_TARGET} HTTP/[0-9]\\.[0-9]{_FURTHER}'
    any_request = f'{_SERVER}(?:, request: "{_METHOD} {_TARGET} HTTP/[0-9]\\.[0-9]{_FURTHER})?'
    answering = f"{MESSAGE} while {_RESPONDING}{_CLIENT}{any_request}"
    return ascii_regex(f"{_HEAD}(?:{answering}|{begin}(?:{_SERVER}?|{request}))$")


PLAIN: Final = _plain()
REFUSED: Final = Refused(
    line=ascii_regex(
        f"{_HEAD}{MESSAGE}(?: while {_BEFORE_RESPONSE})?{_CLIENT}{_SERVER}"
        f', request: "{_METHOD} {_TARGET} HTTP/[0-9]\\.[0-9]{_FURTHER}$'
    ),
    path=r', request: "[A-Z]+ (/[^ ?"]*)',
)
