"""A first look at every file: is it configuration, a log, or nothing to read; and the account of what is no log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from wslog.ingest.accounts import unread
from wslog.ingest.configuration import (
    FIRST_LOOK,
    LOOK,
    begins_with_comments,
    kind_of,
    may_be_configuration,
)
from wslog.ingest.files.blocks import Block, read_blocks, read_head
from wslog.ingest.files.sources import Source
from wslog.ingest.kinds.likeness import LOOK_LINES, likeness
from wslog.ingest.kinds.recognise import Recognised
from wslog.result import FileCoverage
from wslog.schema import Format

ABOUT: Final[Mapping[str, str]] = {
    Format.NGINX_CONF: "an nginx configuration, told by its directives",
    Format.ALB_ATTRIBUTES: "attributes of an AWS load balancer or target group",
}


class Survey(Struct, frozen=True, kw_only=True):
    """A file and what a first look tells.

    Attributes:
        source: The file.
        number: Its place among all files.
        kind: The kind of configuration it is; empty: it is none.
        not_read: Why it is not read; empty: it is.
        compression: As its first bytes say.
    """

    source: Source
    number: int = 0
    kind: str = ""
    not_read: str = ""
    compression: str = ""


def survey_source(source: Source, number: int = 0) -> Survey:
    """Look at a file's beginning; a file that cannot be read is a fact, not an error."""
    survey = partial(Survey, source=source, number=number)
    if source.skipped:
        return survey(not_read=source.skipped)
    try:
        head = read_head(source, n_bytes=FIRST_LOOK)
        if not head.is_whole and begins_with_comments(head):
            head = read_head(source, n_bytes=LOOK)
        is_log = not may_be_configuration(head)
        if not head.is_whole and (not head.data.strip() or not is_log):
            head = read_head(source)
    except OSError as error:
        return survey(not_read=f"cannot be read ({error.strerror or error})")
    if not head.not_text and head.is_whole and not head.data.strip():
        return survey(not_read="only blank lines", compression=head.compression)
    if head.not_text:
        reason = head.trouble if head.trouble and not head.data else head.not_text
        return survey(not_read=reason, compression=head.compression)
    return survey(kind="" if is_log else kind_of(head), compression=head.compression)


def account_of_others(survey: Survey, recognised: Recognised, on_block: Callable[[Block], None]) -> FileCoverage:
    """Return the account of configuration, foreign logs and other text: all lines are counted and ignored.

    Raises:
        OSError: If the file cannot be opened any more.
    """
    n_lines = 0
    trouble = alike = ""
    for block in read_blocks(survey.source):
        if not n_lines:
            alike = likeness(block.lines["text"].head(LOOK_LINES).to_list())
        n_lines += block.n_lines
        trouble = block.trouble
        on_block(block)
    if survey.kind:
        form, why = survey.kind, ABOUT[survey.kind]
    elif recognised.foreign:
        form, why = recognised.foreign.name, f"{recognised.foreign.about}, skipped: {recognised.foreign.why}"
    elif recognised.unfolded:
        form, why = Format.UNKNOWN, recognised.unfolded
    elif recognised.best_score:
        form, why = Format.UNKNOWN, f"only {recognised.best_score:.0%} of its first lines fit a known format"
    else:
        form, why = Format.UNKNOWN, "text in no known format" + (f"; it looks like {alike}" if alike else "")
    if trouble:
        why += f"; {trouble}, after line {n_lines}"
    return unread(survey.source, compression=survey.compression, why=why, form=form, n_lines=n_lines)
