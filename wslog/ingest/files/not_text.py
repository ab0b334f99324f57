"""Why a file's beginning holds no lines of text, and how to mend that where it can be mended."""

from __future__ import annotations

import codecs
from typing import Final

LOOK: Final = 64 << 10
MAGIC: Final = (
    (codecs.BOM_UTF16_LE, "UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`"),
    (codecs.BOM_UTF16_BE, "UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`"),
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"PAR1", "a Parquet file"),
)
TAR: Final = (257, b"ustar")
ONLY_CR: Final = "lines that end in a carriage return only: convert them with `tr '\\r' '\\n'`"
CR_ENDS: Final = 3  # so many carriage returns without any line feed are line ends
WIDE_SHARE: Final = 0.9  # of every second byte is zero in UTF-16, of the others nearly none
BINARY_SHARE: Final = 0.05  # random bytes hold 10 % control characters, logs hardly any
_CONTROL: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x1b")


def why_not_text(data: bytes) -> str:
    """Return why *data*, the beginning of a file, is no text; empty: it is."""
    if not data:
        return "empty"
    if data.startswith(TAR[1], TAR[0]):
        return "a tar archive: unpack it first"
    named = next((reason for magic, reason in MAGIC if data.startswith(magic)), "")
    sample = data[:LOOK]
    if not named and b"\n" not in sample and sample.count(b"\r") >= CR_ENDS:
        return ONLY_CR
    if named or _has_little_control(sample):
        return named
    return _wide(sample) or ("binary data" if _is_binary(sample) else "")


def _wide(sample: bytes) -> str:
    for order, zeros, others in (("LE", sample[1::2], sample[::2]), ("BE", sample[::2], sample[1::2])):
        if zeros.count(0) > WIDE_SHARE * len(zeros) and others.count(0) < (1 - WIDE_SHARE) * len(others):
            return f"UTF-16 text without a byte order mark: convert it with `iconv -f UTF-16{order} -t UTF-8`"
    return ""


def _is_binary(sample: bytes) -> bool:
    """Tell line by line: a crash leaves blocks of NULs in some lines of a log, and the others are text."""
    lines = sample.split(b"\n")
    n_text = sum(len(line) for line in lines if _has_little_control(line))
    return not n_text or 2 * n_text < sum(map(len, lines)) - sample.count(0)


def _has_little_control(data: bytes) -> bool:
    return len(data) - len(data.translate(None, _CONTROL)) <= BINARY_SHARE * len(data)
