"""Why a file's beginning holds no lines of text, and how to mend that where it can be mended."""

from __future__ import annotations

from typing import Final

LOOK: Final = 64 << 10
MAGIC: Final = (
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (b"\x04\x22\x4d\x18", "lz4: unpack it first with `lz4 -d`"),
    (b"\xff\x06\x00\x00sNaPpY", "Snappy: unpack it first"),
    (b"\x1f\x9d", "compress (.Z): unpack it first with `uncompress`"),
    (b"\x1f\x8b\x08", "gzip inside gzip: unpack it once"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file: export it as JSON lines or CSV"),
    (b"Obj\x01", "an Avro file: export it as JSON lines"),
    (b"LPKSHHRH", "a journal of systemd: export it with `journalctl -o json --file FILE`"),
    (b"ElfFile\x00", "a Windows event log"),
    (b"\x7fELF", "a program or a core dump"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"%PDF-", "a PDF document"),
)
TAR: Final = (257, b"ustar")
ONLY_CR: Final = "lines that end in a carriage return only: convert them with `tr '\\r' '\\n'`"
CR_ENDS: Final = 3  # so many carriage returns without any line feed are line ends
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
    return "binary data" if _is_binary(sample) else ""


def _is_binary(sample: bytes) -> bool:
    """Tell line by line: a crash leaves blocks of NULs in some lines of a log, and the others are text."""
    lines = sample.split(b"\n")
    n_text = sum(len(line) for line in lines if _has_little_control(line))
    return not n_text or 2 * n_text < sum(map(len, lines)) - sample.count(0)


def _has_little_control(data: bytes) -> bool:
    return len(data) - len(data.translate(None, _CONTROL)) <= BINARY_SHARE * len(data)
