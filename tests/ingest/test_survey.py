"""A first look tells configuration from logs, also where it sees only the beginning of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.test_sift import log
from wslog.ingest import read_events
from wslog.ingest.configuration import LOOK
from wslog.ingest.files.sources import list_sources
from wslog.ingest.survey import survey_source
from wslog.schema import Format


@pytest.mark.parametrize("mark", [b";", b"{", b"}"])
def test_a_log_cut_behind_a_semicolon_is_no_configuration(tmp_path: Path, mark: bytes) -> None:
    """The look ends anywhere, for now and then behind a user agent's semicolon."""
    data = b"\n".join(b"http " + line.partition(b" ")[2] for line in log("alb", 200, seed=1)) + b"\n"
    agent = data.rfind(b' HTTP/1.1" "', 0, LOOK - 200) + 12
    data = data[:agent] + b"x" * (LOOK - 1 - agent) + mark + data[agent:]
    file = tmp_path / "a.log"
    file.write_bytes(data)
    assert survey_source(list_sources([file])[0]).kind == ""
    (coverage,) = read_events([file]).coverage.files
    assert coverage.format == "alb-access"
    assert coverage.lines == 200


def test_a_long_configuration_is_still_one(tmp_path: Path) -> None:
    """Its statements need not end within the first look."""
    file = tmp_path / "any.txt"
    file.write_text("http {\n" + "  # a comment\n" * 4_000 + "  server { listen 80; }\n}\n" + "# the end\n" * 10)
    assert survey_source(list_sources([file])[0]).kind == Format.NGINX_CONF
