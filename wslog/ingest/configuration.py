"""Timers and log formats out of the configuration files among the inputs, and what the caller says about the logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from wslog.errors import InputError, OptionError
from wslog.ingest.alb.attributes import is_alb_attributes, read_alb_attributes
from wslog.ingest.files.blocks import Head, read_blocks
from wslog.ingest.files.sources import Source
from wslog.ingest.nginx.conf import is_nginx_conf, log_formats, read_conf, timers
from wslog.knowledge.model import Setting
from wslog.schema import Format
from wslog.zones import zone_named

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, the file's name
FIRST_LOOK = 4 << 10  # bytes: enough to tell most logs, and some thousand files are looked at
LOOK = 16 << 10
_STATEMENT_END = re.compile(r"[;{}][ \t]*(?:#.*)?\r?$", re.M)  # spares most logs the reading as nginx.conf
MAX_BLOCKS = 2  # no configuration is larger


class ReadOptions(Struct, frozen=True, kw_only=True):
    """How files are to be read: the options of both doors, as far as reading goes.

    Attributes:
        tz: `ZONE` or `FORMAT=ZONE`, for clocks that name no zone.
        log_format: An nginx `log_format` text to try first.
        nginx_conf: A configuration file that is not among the paths.
        client_fields: Client log fields, ours → theirs.
        stdin: The stream behind the path `-`.
        on_progress: Called while reading with bytes done, bytes in all, and the file's name.
    """

    tz: Sequence[str] = ()
    log_format: str | None = None
    nginx_conf: Path | None = None
    client_fields: Mapping[str, str] | None = None
    stdin: IO[bytes] | None = None
    on_progress: Progress | None = None


AS_FOUND: Final = ReadOptions()
"""Files are read by what is in them and among them alone."""


class Configuration(Struct, frozen=True):
    """What the configuration files say: timers, and nginx `log_format` texts by name."""

    settings: tuple[Setting, ...]
    log_formats: dict[str, str]


def begins_with_comments(head: Head) -> bool:
    """Whether a file's beginning tells nothing: more of it must be seen."""
    return all(line.strip()[:1] in {b"", b"#"} for line in head.data.split(b"\n")[:-1])


def may_be_configuration(head: Head) -> bool:
    """Whether the first `LOOK` bytes allow it: most logs are told apart by so little."""
    text = head.data.decode("utf-8-sig", "replace")
    return text.lstrip()[:1] in {"{", "["} or _ends_a_statement(text, is_whole=head.is_whole)


def _ends_a_statement(text: str, *, is_whole: bool) -> bool:
    """Whether some line ends as nginx's do; the last one is cut anywhere, perhaps behind a user agent's semicolon."""
    beginning = text[:LOOK]
    if not is_whole or len(text) > LOOK:
        beginning = beginning[: beginning.rfind("\n") + 1]
    return bool(_STATEMENT_END.search(beginning))


def kind_of(head: Head) -> str:
    """Name the kind of configuration that a file's beginning shows; empty: it is none."""
    text = head.data.decode("utf-8-sig", "replace")
    if is_alb_attributes(text):
        return Format.ALB_ATTRIBUTES
    return Format.NGINX_CONF if _ends_a_statement(text, is_whole=head.is_whole) and is_nginx_conf(text) else ""


def read_configuration(files: Mapping[Source, str]) -> Configuration:
    """Read the configuration files of known kind; what in them cannot be read is left out.

    Raises:
        OSError: If one cannot be opened.
    """
    texts = [(source.shown, kind, whole_text(source)) for source, kind in files.items()]
    attributes = [(shown, text) for shown, kind, text in texts if kind == Format.ALB_ATTRIBUTES]
    # One reading for all: a file may include another one.
    tree = read_conf({shown: text for shown, kind, text in texts if kind == Format.NGINX_CONF})
    settings = [setting for shown, text in attributes for setting in read_alb_attributes(text, shown=shown)]
    return Configuration((*timers(tree), *settings), log_formats(tree))


def whole_text(source: Source) -> str:
    """Return a configuration file's text, lines ended by line feeds."""
    blocks = islice(read_blocks(source), MAX_BLOCKS)
    return "\n".join(text for block in blocks for text in block.lines["text"].to_list())


def parse_zones(options: Sequence[str], format_names: Sequence[str]) -> dict[str, str]:
    """Return IANA zones by format name from `--tz ZONE` and `--tz FORMAT=ZONE`; the key `""` is every format.

    Raises:
        OptionError: If a zone or a format is not known.
    """
    zones: dict[str, str] = {}
    for option in options:
        name, equals, zone = option.rpartition("=")
        if equals and name not in format_names:
            known = ", ".join(format_names)
            raise OptionError(f"no log format is called {name!r}", where=f"--tz {option}", mend=f"Known are: {known}.")
        zones[name] = zone_named(zone, option=f"--tz {option}").key
    return zones


def parse_client_fields(options: Sequence[str]) -> Mapping[str, str]:
    """Return client log fields, ours → theirs, from `--client-field OURS=THEIRS`.

    Raises:
        OptionError: If one has no equals sign or an empty side.
    """
    pairs = {}
    for option in options:
        ours, _, theirs = option.partition("=")
        if not ours or not theirs:
            mend = "Write it as OURS=THEIRS, e.g. --client-field code=ctx.closeCode"
            raise OptionError("a field mapping needs two names", where=f"--client-field {option}", mend=mend)
        pairs[ours] = theirs
    return pairs


def named_source(file: Path) -> Source:
    """Return the configuration file that the caller named.

    Raises:
        InputError: If there is no such file.
        OptionError: If it is none of nginx.
    """
    if not file.is_file():
        raise InputError(
            "no such file", where=file.name, mend="Name an existing nginx.conf, or the output of `nginx -T`."
        )
    shown = file.name if file.is_absolute() else file.as_posix()
    source = Source(shown=shown, file=file, n_bytes=file.stat().st_size)
    if not is_nginx_conf(whole_text(source)):
        raise OptionError(
            "this is no nginx configuration", where=f"--nginx-conf {shown}",
            mend="Name an nginx.conf, or the output of `nginx -T`.",
        )  # fmt: skip
    return source
