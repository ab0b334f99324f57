"""nginx configurations: the tree against crossplane, the problems, log formats and timers."""

from __future__ import annotations

import os
from pathlib import Path

import crossplane
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.ingest.nginx.conf import (
    is_nginx_conf,
    log_formats,
    read_conf,
    seconds_of,
    timers,
)
from wslog.ingest.nginx.conf_tree import Directive

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")

CONF = r"""
worker_shutdown_timeout 5s;
error_log /var/log/nginx/error.log;  # no level
error_log /var/log/nginx/info.log info;
http {
  log_format timing escape=json
    '{"a":"$msec",'   # a comment between
    "\"b\":${status}}";
  access_log /var/log/nginx/access.log timing buffer=32k;
  access_log off;
  proxy_read_timeout "1m 30s";
  server {
    server_name RT.example.com push.example.com;
    location /ws/ { proxy_pass http://app; }
    location ~ "^/live/\d{2}" { if ($x) { proxy_pass http://app; } proxy_read_timeout 500ms; }
    location /static { root /srv; }
    location = /lua { content_by_lua_block { ngx.say("}") -- {
      local t = {} } proxy_pass http://app; send_timeout 10; }
  }
}
"""


def oracle(path: Path) -> list[tuple[str, tuple[str, ...], int]]:
    """All directives of one file as crossplane reads them."""

    def flatten(block: list[dict]) -> list[tuple[str, tuple[str, ...], int]]:
        found = []
        for item in block:
            found.append((item["directive"], tuple(item["args"]), item["line"]))
            found += flatten(item.get("block", []))
        return found

    read = crossplane.parse(str(path), single=True, check_ctx=False, check_args=False)
    return flatten(read["config"][0]["parsed"])


def flat(directives: tuple[Directive, ...]) -> list[tuple[str, tuple[str, ...], int]]:
    found = []
    for item in directives:
        found.append((item.name, item.args, item.line))
        found += flat(item.block or ())
    return found


@recorded
@pytest.mark.parametrize(
    "name",
    [
        "crossplane/simple.conf",
        "crossplane/with-comments.conf",
        "nginx-captured/run-b/nginx.conf.txt",
        "nginx-captured/run-c-ws/nginx.conf.txt",
    ],
)
def test_reads_what_crossplane_reads(name: str) -> None:
    """Names, arguments and lines of every directive are those of the oracle."""
    path = SHARED / "formats" / name
    tree = read_conf({"nginx.conf": path.read_text()})
    # crossplane undoes `\"` as nginx does in quotes; these files hold none, so arguments compare as they are.
    assert flat(tree.root.block or ()) == oracle(path)
    assert tree.problems == ()


def test_reads_a_wild_configuration_like_crossplane(tmp_path: Path) -> None:
    """Quotes, comments, `${var}`, maps and escaped spaces come out as from the oracle."""
    text = (
        "events{}\nhttp{map $http_up $c{default upgrade;'' close;}\n#x {\nlog_format a '$a \"b\" ' \"c 'd'\" ${e}f;"
        '\nserver{location ~* \\.(js|css)$ {expires 1d;} location @x{return 200 "a;b{c}";}}}'
    )
    path = tmp_path / "nginx.conf"
    path.write_text(text)
    assert flat(read_conf({"nginx.conf": text}).root.block or ()) == oracle(path)


def test_log_formats_keep_escape_and_join_their_pieces() -> None:
    """Pieces are joined without a space, backslashes undone, `escape=` kept in front."""
    assert log_formats(read_conf({"n": CONF})) == {"timing": 'escape=json {"a":"$msec","b":${status}}'}


def test_timers_are_inherited_and_the_innermost_wins() -> None:
    """Each proxied location has its effective value, each server name its row, an unset timer its default of 60 s."""
    found = timers(read_conf({"n.conf": CONF}))
    read = {(s.scope, s.host): (s.value_s, s.ref) for s in found if s.timeout_id == "nginx-proxy-read-timeout"}
    assert read == {
        ("/ws/", "rt.example.com"): (90.0, "n.conf:11"),
        ("/ws/", "push.example.com"): (90.0, "n.conf:11"),
        (r"~ ^/live/\d{2}", "rt.example.com"): (0.5, "n.conf:15"),
        (r"~ ^/live/\d{2}", "push.example.com"): (0.5, "n.conf:15"),
        ("= /lua", "rt.example.com"): (90.0, "n.conf:11"),
        ("= /lua", "push.example.com"): (90.0, "n.conf:11"),
    }
    sends = {(s.scope, s.value_s) for s in found if s.timeout_id == "nginx-send-timeout"}
    assert sends == {("/ws/", 60.0), (r"~ ^/live/\d{2}", 60.0), ("= /lua", 10.0)}
    assert [(s.value_s, s.ref) for s in found if s.timeout_id == "nginx-worker-shutdown-timeout"] == [(5.0, "n.conf:2")]


def test_timers_without_any_setting_are_the_defaults() -> None:
    """A bare proxied location has four timers of 60 s that point at the location itself."""
    found = timers(read_conf({"n": "http { server {\n location / { proxy_pass http://a; } } }"}))
    assert {(s.value_s, s.ref, s.host) for s in found} == {(60.0, "n:2", "")}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [("60", 60), ("75s", 75), ("1m 30s", 90), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1d", 86400), ("$x", None)],
)
def test_times(text: str, value: float | None) -> None:
    """A bare number is seconds; units add up; anything else is no time."""
    assert seconds_of(text) == (None if value is None else pytest.approx(value))


def test_a_missing_semicolon_is_reported_and_read_over() -> None:
    """Before a `}` and before a new line; what follows is still understood."""
    text = (
        "http { server {\n location /a { proxy_pass http://x\n }\n"
        " location /b {\n  proxy_read_timeout 75s\n  proxy_pass http://x;\n }\n} }"
    )
    tree = read_conf({"n": text})
    assert tree.problems == (
        "n:2: `proxy_pass` is not ended by a `;`",
        "n:5: `proxy_read_timeout` is not ended by a `;`",
    )
    read = {s.scope: s.value_s for s in timers(tree) if s.timeout_id == "nginx-proxy-read-timeout"}
    assert read == {"/a": 60.0, "/b": 75.0}


def test_unclosed_and_stray_braces_are_problems_not_errors() -> None:
    """Each is reported with its line, and what was read is kept."""
    assert read_conf({"n": "http {\n server {\n listen 80;\n}"}).problems == (
        "n:1: the block opened here is not closed",
    )
    assert read_conf({"n": "}\nuser a;"}).problems == ("n:1: a `}` closes nothing",)


def test_includes_are_read_in_place_and_cycles_end() -> None:
    """Globs find files copied from elsewhere too; a file that includes itself is reported; nothing is read twice."""
    texts = {
        "host/nginx.conf": "http { proxy_read_timeout 9s; include /etc/nginx/conf.d/*.conf; include gone.conf; }",
        "host/conf.d/a.conf": "server { location /a { proxy_pass http://x; } include conf.d/a.conf; }",
    }
    tree = read_conf(texts)
    read = [(s.scope, s.value_s, s.ref) for s in timers(tree) if s.timeout_id == "nginx-proxy-read-timeout"]
    assert read == [("/a", 9.0, "host/nginx.conf:1")]
    assert tree.problems == (
        "host/conf.d/a.conf:1: `conf.d/a.conf` includes itself",
        "host/nginx.conf:1: `gone.conf` is not among the files given",
    )


def test_a_dump_is_split_into_its_files() -> None:
    """`nginx -T` names its files; settings point into them."""
    dump = (
        "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n"
        "# configuration file /etc/nginx/nginx.conf:\nhttp {\n  include conf.d/*.conf;\n}\n\n"
        "# configuration file /etc/nginx/conf.d/ws.conf:\n"
        "server {\n location /ws { proxy_pass http://a; proxy_read_timeout 2h; }\n}"
    )
    assert is_nginx_conf(dump)
    tree = read_conf({"dump.txt": dump})
    read = [(s.value_s, s.ref) for s in timers(tree) if s.timeout_id == "nginx-proxy-read-timeout"]
    assert read == [(7200.0, "/etc/nginx/conf.d/ws.conf:2")]
    assert tree.problems == ()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (CONF, True),
        ("# only a part\nlog_format a '$status';\n", True),
        ("server {\n  listen 80;\n}\n", True),
        ('{"http": {"server": 1}}', False),
        ('203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0 (X11; Linux)"', False),
        ("2026/03/10 10:01:00 [emerg] 1#1: unknown directive {", False),
        ("int main() { return 0; }", False),
        ("", False),
    ],
)
def test_recognised_by_content(text: str, answer: bool) -> None:
    """Configurations and parts of them are known; logs, JSON and programs are not."""
    assert is_nginx_conf(text) is answer


@recorded
def test_no_recorded_log_is_taken_for_a_configuration() -> None:
    """Among all recorded files only the five configurations are recognised."""
    found = [
        name
        for folder, _, names in os.walk(SHARED)
        for name in names
        if is_nginx_conf((Path(folder) / name).read_bytes().decode("utf-8", errors="replace"))
    ]
    assert sorted(found) == [
        "includes-regular.conf",
        "nginx.conf.txt",
        "nginx.conf.txt",
        "simple.conf",
        "with-comments.conf",
    ]


@given(st.text(alphabet="abc {};'\"\\$#\n_/", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    """Whatever the text, a tree comes out, and its formats and timers can be asked for."""
    tree = read_conf({"n": text})
    assert isinstance(log_formats(tree), dict)
    assert isinstance(timers(tree), tuple)
    is_nginx_conf(text)


def test_includes_that_double_at_each_step_are_cut_off() -> None:
    """Eighteen small files cannot be made to mean a quarter of a million: the rest is left out, and that is said."""
    texts = {f"c{n:02}": f"include c{n + 1:02};include c{n + 1:02};" for n in range(18)} | {
        "c18": "worker_processes 1;"
    }
    tree = read_conf(texts)
    assert 0 < sum(1 for _ in tree.walk()) < 1_000
    assert [problem.partition(": ")[2] for problem in tree.problems] == [
        "more than 1000 files, or too much text, included: the rest is left out"
    ]
