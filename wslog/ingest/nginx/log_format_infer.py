"""The `log_format` that a sample of access lines was written with, guessed from the lines alone.

What comes out is a format text like any other, so guessed and configured formats share one matcher. A guess names only
what the keys or values settle; everything else becomes `$unknown_N`, which nothing reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from wslog.ingest.nginx.aliases import plain_key, variable_of
from wslog.ingest.nginx.log_format import UNKNOWN

_TIME_LOCAL: Final = r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}"
_TIME_ISO: Final = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})"
_TOKEN: Final = re.compile(
    r"(?:(?P<key>[A-Za-z_][\w.-]*)=)?"
    rf'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|\[(?P<bracket>[^\]]*)\]|(?P<bare>{_TIME_LOCAL}|[^\s"\[][^\s"]*|(?<==)))'
)
_IP: Final = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]*:[0-9a-fA-F.]*)"
_AWS_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")  # load balancers; nginx has no microseconds
_FORMS: Final = (  # for values without a key: variable, form of every filled value
    ("time_local", re.compile(_TIME_LOCAL)),
    ("time_iso8601", re.compile(_TIME_ISO)),
    ("msec", re.compile(r"1\d{9}\.\d{3}")),
    ("request", re.compile(r"[A-Z]+ \S.* HTTP/\d.*", re.S)),
    ("request_method", re.compile(r"GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|CONNECT")),
    ("http_x_amzn_trace_id", re.compile(r"(?:Self=\S+;)?Root=\S+")),
    ("request_id", re.compile(r"[0-9a-f]{32}")),
    ("status", re.compile(r"[1-5]\d\d|000")),
    ("http_upgrade", re.compile(r"websocket|h2c", re.I)),
    ("http_referer", re.compile(r"https?://.*")),
    ("http_x_forwarded_for", re.compile(rf"{_IP}(?:, ?{_IP})*")),
    ("http_user_agent", re.compile(r".*[A-Za-z][\w.-]{0,60}/[\d.].*", re.S)),
)
_ADDRESS: Final = re.compile(rf"{_IP}|unix:")
_HOST: Final = re.compile(r"(?i)(?:localhost|(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*)(?::\d+)?")
_PEER: Final = re.compile(rf"(?:\d+\.\d+\.\d+\.\d+|\[{_IP}\]):\d+(?:(?:, | : ).*)?|unix:.*")
_TARGET: Final = re.compile(r"/\S*")
_APART: Final = re.compile(r"[\s,;|]")
_ADDRESS_PORT: Final = re.compile(r"\d+\.\d+\.\d+\.\d+:\d+")
_NUMBER_IN_TURN: Final = re.compile(r"\d+/\d+")  # of the connection, and of the request on it
_SECONDS: Final = re.compile(r"\d+\.\d{3}")
_FRACTION: Final = re.compile(r".*:\d\d[.,]\d.*")
_MOSTLY: Final = 0.6
_NEARLY_ALL: Final = 0.97
_LONGEST: Final = 8_192  # a longer line tells nothing more, and matching it takes long
_DELIMITERS: Final = ("\t", "|")
MIN_DELIMITERS: Final = 3

Token = tuple[str, str, str, int, int]  # key, form, value, start, end


@dataclass(slots=True)
class _Slot:
    """One place of the layout: what stands before its value, and its values over the sample."""

    key: str
    form: str  # quoted, bracket or bare
    values: list[str]
    text: str = ""
    filled: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Note the values that are given, which are asked for often."""
        self.filled = [value for value in self.values if value not in ("", "-")]

    def is_mostly(self, form: re.Pattern[str]) -> bool:
        """Tell whether nearly all filled values have a form; a slot that is never filled has none."""
        hits = sum(1 for value in self.filled if form.fullmatch(value))
        return bool(self.filled) and hits >= _MOSTLY * len(self.filled)


def infer_format(sample: Sequence[str]) -> str | None:
    """Return the `log_format` text of the sample's commonest layout, or None if it is no access log.

    An access log has a time, a request (or its path) and a status; less is not taken for one.
    """
    short = [line for line in sample if len(line) <= _LONGEST]
    layouts = [(line, tokens) for line in short if (tokens := _tokenise(line)) and _is_apart(line, tokens)]
    if not layouts:
        return None
    shapes = Counter(tuple((key, form) for key, form, *_ in tokens) for _, tokens in layouts)
    shape = shapes.most_common(1)[0][0]
    rows = [(line, tokens) for line, tokens in layouts if tuple((key, form) for key, form, *_ in tokens) == shape]
    slots = [_Slot(key, form, [tokens[i][2] for _, tokens in rows]) for i, (key, form) in enumerate(shape)]
    _name_keyed(slots)
    _name_positional(slots)
    _name_seconds(slots)
    _forget_collectors_time(slots)
    if any(slot.is_mostly(_AWS_TIME) for slot in slots):
        return None
    names = set(re.findall(r"\$\{(\w+)\}", " ".join(slot.text for slot in slots)))
    has_time = not names.isdisjoint({"msec", "time_iso8601", "time_local", "time"})
    if not (has_time and "status" in names and not names.isdisjoint({"request", "request_uri"})):
        return None
    gaps = Counter(_gaps(row) for row in rows)  # between the values; a damaged line's are its own
    row = next(row for row in rows if _gaps(row) == gaps.most_common(1)[0][0])
    return _escape_of(slots) + _assemble(row, slots)


def _gaps(row: tuple[str, list[Token]]) -> tuple[str, ...]:
    line, tokens = row
    starts, ends = [token[3] for token in tokens], [token[4] for token in tokens]
    return tuple(line[end:start] for end, start in zip([0, *ends], [*starts, len(line)], strict=True))


def _tokenise(line: str) -> list[Token]:
    """Return `(key, form, value, start, end)` for each token; words after an unquoted keyed value belong to it."""
    delimiter = next((mark for mark in _DELIMITERS if line.count(mark) >= MIN_DELIMITERS), "")
    if not delimiter and '"' not in line and "; " not in line and line.count(";") >= MIN_DELIMITERS:
        delimiter = ";"  # a user agent has some too, in quotes or with blanks
    if delimiter:
        return _split(line, delimiter)
    tokens: list[Token] = []
    for hit in _TOKEN.finditer(line):
        form = hit.lastgroup or "bare"
        key, start, end = hit["key"] or "", hit.start(form), hit.end(form)
        if form == "bare":
            end -= len(hit["bare"]) - len(hit["bare"].rstrip(",;|"))
            if end == start and hit["bare"]:
                continue  # a comma after a quoted value
            previous = tokens[-1] if tokens else None
            if not key and previous and previous[0] and previous[1] == "bare":
                tokens[-1] = (previous[0], "bare", line[previous[3] : end], previous[3], end)
                continue
        tokens.append((key, form, line[start:end], start, end))
    return tokens


def _split(line: str, delimiter: str) -> list[Token]:
    """Return the tokens of a line whose fields a tab or a bar divides; `key:value` (LTSV) and `key=value` have keys."""
    mark = re.escape(delimiter)
    field_ = re.compile(
        rf"(?:^|(?<={mark})) *(?:(?P<key>[A-Za-z_][\w.-]*)[:=](?!//))?"
        rf'(?:"(?P<quoted>[^"]*)"|\[(?P<bracket>[^\]]*)\]|(?P<bare>[^{mark}]*?)) *(?={mark}|$)'
    )
    tokens: list[Token] = []
    for hit in field_.finditer(line):
        form = hit.lastgroup or "bare"
        tokens.append((hit["key"] or "", form, hit[form], hit.start(form), hit.end(form)))
    return tokens


def _is_apart(line: str, tokens: Sequence[Token]) -> bool:
    """Tell whether something stands between all tokens; raw quotes inside a value make them touch."""
    gaps = ((left[4], right[3] - len(right[0])) for left, right in pairwise(tokens))
    return all(_APART.search(line, left, max(left, right)) for left, right in gaps)


def _name_keyed(slots: list[_Slot]) -> None:
    has_agent = sum(plain_key(slot.key) in ("ua", "agent", "useragent", "httpuseragent") for slot in slots) > 1
    has_address = any(variable_of(slot.key, slot.values) == "remote_addr" for slot in slots) or _starts_with_address(
        slots
    )
    for slot in slots:
        if not slot.key:
            continue
        variable = variable_of(slot.key, slot.values)
        if plain_key(slot.key) == "ua" and not slot.filled and has_agent:
            variable = "upstream_addr"  # never filled here, and the user agent stands elsewhere
        if variable == "host" and slot.is_mostly(_ADDRESS) and not has_address:
            variable = "remote_addr"  # what LTSV calls the host is the client
        if plain_key(slot.key) == "addr" and slot.is_mostly(_ADDRESS_PORT) and _starts_with_address(slots):
            variable = "upstream_addr"  # the client stands in front
        if variable == "connection" and slot.is_mostly(_NUMBER_IN_TURN):
            slot.text = "${connection}/${connection_requests}"
        elif variable == "remote_addr" and slot.is_mostly(_ADDRESS_PORT):
            slot.text = "${remote_addr}:${remote_port}"
        elif variable and not any(f"${{{variable}}}" in other.text for other in slots):
            slot.text = f"${{{variable}}}"


def _starts_with_address(slots: list[_Slot]) -> bool:
    return any(not slot.key and (slot.is_mostly(_ADDRESS) or slot.is_mostly(_ADDRESS_PORT)) for slot in slots[:4])


def _name_positional(slots: list[_Slot]) -> None:
    for index, slot in enumerate(slots):
        if slot.key or slot.text:
            continue
        taken = " ".join(other.text for other in slots)
        slot.text = _positional(slot, index, slots, taken)


def _positional(slot: _Slot, index: int, slots: list[_Slot], taken: str) -> str:
    """Return the text of a slot without a key, from its neighbours and its values; empty: not known."""
    following = slots[index + 1] if index + 1 < len(slots) else None
    previous = slots[index - 1].text if index else ""
    address = _leading_address(slot, index, following) if "${remote_addr}" not in taken else ""
    if address:
        return address
    if (
        slot.form == "bare"
        and "${request_method}" in taken
        and "${request_uri}" not in taken
        and slot.is_mostly(_TARGET)
    ):
        return "${request_uri}"
    if slot.form == "bare" and previous == "${status}" and _is_only_number(slot, following):
        return "" if "${body_bytes_sent}" in taken else "${body_bytes_sent}"
    if "${upstream_addr}" not in taken and slot.is_mostly(_PEER):
        return "${upstream_addr}"
    if "${host}" not in taken and slot.is_mostly(_HOST):
        return "${host}"
    return next((f"${{{name}}}" for name, form in _FORMS if _is_new(name, slot, taken) and slot.is_mostly(form)), "")


def _is_new(variable: str, slot: _Slot, taken: str) -> bool:
    return f"${{{variable}}}" not in taken and (variable != "http_user_agent" or slot.form == "quoted")


def _leading_address(slot: _Slot, index: int, following: _Slot | None) -> str:
    """Name the client's address, enclosed or not, or the host in front of it."""
    if slot.is_mostly(_ADDRESS_PORT):
        return "${remote_addr}:${remote_port}"
    if slot.is_mostly(_ADDRESS):
        return "${remote_addr}"
    if slot.form != "bare":
        return ""
    leads = index == 0 and following and (following.is_mostly(_ADDRESS) or following.is_mostly(_ADDRESS_PORT))
    return "${host}" if leads and slot.is_mostly(_HOST) else ""


def _is_only_number(slot: _Slot, following: _Slot | None) -> bool:
    """Tell whether the size after the status is the only one: two in a row could be any two sizes."""
    number = re.compile(r"\d+")
    is_alone = following is None or following.form != "bare" or bool(following.key) or not following.is_mostly(number)
    return slot.is_mostly(number) and is_alone


def _name_seconds(slots: list[_Slot]) -> None:
    """Name unkeyed durations where the values leave no doubt.

    `$request_time` is never absent and, but for a millisecond of rounding, never shorter than an upstream's time.
    """
    taken = " ".join(slot.text for slot in slots)
    if "${request_time}" in taken:
        return
    spans = [slot for slot in slots if not slot.key and not slot.text and slot.is_mostly(_SECONDS)]
    whole = [slot for slot in spans if _nearly_all(bool(_SECONDS.fullmatch(value)) for value in slot.values)]
    longest = [slot for slot in whole if all(_covers(slot, other) for other in spans)]
    if not longest:
        return
    longest[0].text = "${request_time}"
    others = [slot for slot in spans if slot is not longest[0]]
    if len(others) == 1 and "${upstream_response_time}" not in taken:
        others[0].text = "${upstream_response_time}"


def _forget_collectors_time(slots: list[_Slot]) -> None:
    """Unname an ISO time with a fraction beside `$time_local`: nginx has none, so it is when the line arrived."""
    if any(slot.text == "${time_local}" for slot in slots):
        for slot in slots:
            if slot.text == "${time_iso8601}" and slot.is_mostly(_FRACTION):
                slot.text = ""


def _covers(longer: _Slot, shorter: _Slot) -> bool:
    pairs = zip(longer.values, shorter.values, strict=True)
    return _nearly_all(
        float(a) + 0.006 >= float(b) for a, b in pairs if _SECONDS.fullmatch(a) and _SECONDS.fullmatch(b)
    )


def _nearly_all(facts: Iterable[bool]) -> bool:
    """Tell whether hardly any is false: damaged lines are."""
    found = list(facts)
    return sum(found) >= _NEARLY_ALL * len(found)


def _escape_of(slots: list[_Slot]) -> str:
    has_backslashed_quote = any('\\"' in value for slot in slots for value in slot.values)
    return "escape=json " if has_backslashed_quote else ""


def _assemble(row: tuple[str, list[Token]], slots: list[_Slot]) -> str:
    """Return the sample line with its values replaced by variables."""
    line, tokens = row
    parts: list[str] = []
    end = 0
    for number, ((*_, start, stop), slot) in enumerate(zip(tokens, slots, strict=True)):
        parts.append(line[end:start].replace("$", ""))
        parts.append(slot.text or f"${{{UNKNOWN}{number}}}")
        end = stop
    return "".join(parts) + line[end:].rstrip()
