"""Logs that are not ours: recognised and named, never parsed; `wslog inspect` says why they were skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

_LATER: Final = "vendor client exports come in a later version; until then export close events as JSON lines"
_NO_CLOSES: Final = "it holds no WebSocket close events; log {code, reason, wasClean} of each in onclose"
_NO_RECORDS: Final = "it holds no lines of nginx, of an ALB or of clients"
_MIN_SHARE: Final = 0.5
_HEAD_LENGTH: Final = 4_000


class Foreign(Struct, frozen=True, kw_only=True):
    """A kind of file that wslog knows and does not read.

    Attributes:
        name: Short and stable.
        about: What it is, for people.
        claims: Whether a file's sample lines are of this kind.
        why: Why it is skipped, and what helps instead.
        holds_records: It may hold records of ours; it is skipped only where it holds none.
    """

    name: str
    about: str
    claims: Callable[[Sequence[str]], bool]
    why: str
    holds_records: bool = False


def _lines(pattern: str) -> Callable[[Sequence[str]], bool]:
    """Claim files of which at least half of the lines match *pattern* from their beginning."""
    matches = re.compile(pattern).match

    def claims(sample: Sequence[str]) -> bool:
        lines = [text for text in sample if text.strip()]
        return bool(lines) and sum(1 for text in lines if matches(text)) >= _MIN_SHARE * len(lines)

    return claims


def _head(*patterns: str) -> Callable[[Sequence[str]], bool]:
    """Claim files in whose beginning every pattern is found: documents, and logs with a header."""
    searches = [re.compile(pattern).search for pattern in patterns]

    def claims(sample: Sequence[str]) -> bool:
        head = ""
        for text in sample:
            head += text[:_HEAD_LENGTH] + "\n"
            if len(head) > _HEAD_LENGTH:
                break
        return all(search(head[:_HEAD_LENGTH]) for search in searches)

    return claims


def _keys(*groups: str) -> Callable[[Sequence[str]], bool]:
    """Claim JSON lines of which at least half hold a key of every group: `a|b`, or `a|b [` where an array follows."""
    parts = [group.partition(" ") for group in groups]
    searches = [re.compile(rf'"(?:{names})"\s*:\s*{re.escape(opener)}').search for names, _, opener in parts]

    def claims(sample: Sequence[str]) -> bool:
        lines = [text for text in sample if text.lstrip().startswith("{")]
        found = sum(1 for text in lines if all(search(text) for search in searches))
        return bool(lines) and found >= _MIN_SHARE * sum(1 for text in sample if text.strip())

    return claims


def _either(*claims: Callable[[Sequence[str]], bool]) -> Callable[[Sequence[str]], bool]:
    return lambda sample: any(claim(sample) for claim in claims)


_ISO: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_PEER: Final = r"\S+:\d+"

FOREIGN: Final[tuple[Foreign, ...]] = (
    Foreign(
        name="elb-classic",
        about="AWS Classic Load Balancer access log",
        claims=_lines(rf"{_ISO} \S+ {_PEER} (?:{_PEER}|-)(?: -?\d+(?:\.\d+)?){{3}} (?:\d+|-) (?:\d+|-) \d+ \d+ \""),
        why="a Classic Load Balancer has no WebSocket entries: it passes them on as TCP",
    ),
    Foreign(
        name="nlb-tls",
        about="AWS Network Load Balancer TLS log",
        claims=_lines(rf"tls \d+\.\d+ {_ISO.removesuffix('Z')}Z? \S+ "),
        why="it logs TLS connections, not WebSockets; use the logs of the proxy behind it",
    ),
    Foreign(
        name="elb-test-file",
        about="ELBAccessLogTestFile",
        claims=_lines(r"Enable AccessLog for ELB"),
        why="AWS writes it once to test the bucket; it holds no entries",
    ),
    Foreign(
        name="cloudfront",
        about="CloudFront standard log",
        claims=_either(
            _head(r"(?m)^#Fields: .*\bx-edge-location\b"),
            _lines(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[A-Z]{3}\d*-?\S*\t(?:\d+|-)\t"),
        ),
        why="CloudFront logs are not read in this version",
    ),
    Foreign(
        name="haproxy",
        about="HAProxy HTTP log",
        claims=_lines(
            r"(?:.* )?\S+:\d+ \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] \S+ \S+/\S+ -?\d+(?:/-?\+?\d+){2,4} "
        ),
        why="HAProxy logs are not read in this version",
    ),
    Foreign(
        name="apache-error",
        about="Apache httpd error log",
        claims=_lines(r"\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4}\] \["),
        why="Apache's error log is not read; wslog knows nginx and the ALB",
    ),
    Foreign(
        name="envoy-access",
        about="Envoy access log",
        claims=_lines(rf'\[{_ISO}\] "[^"]*" \d{{1,3}} \S+ '),
        why="Envoy logs are not read in this version",
    ),
    Foreign(
        name="har",
        about="HAR file of a browser or proxy",
        claims=_head(r'^\s*\{\s*"log"\s*:\s*\{', r'"(?:creator|entries)"\s*:'),
        why=f"a HAR file does not hold close codes; {_LATER}",
    ),
    Foreign(
        name="chrome-netlog",
        about="Chrome NetLog export",
        claims=_head(
            r'^\s*\{\s*"constants"\s*:', r'"(?:activeFieldTrialGroups|clientInfo|logEventTypes|logEventPhase)"'
        ),
        why=f"a NetLog is not read in this version; {_LATER}",
    ),
    Foreign(
        name="otlp",
        about="OpenTelemetry export (OTLP JSON)",
        claims=_head(r'^\s*[\[{][\s\[{]*"(?:resource_?(?:Logs|Spans|Metrics)|resource_(?:logs|spans|metrics))"\s*:'),
        why=_NO_CLOSES,
        holds_records=True,
    ),
    Foreign(
        name="sentry-envelope",
        about="Sentry envelope or event",
        claims=_either(
            # An envelope's header, which has no type, then its first item's header, which has one of Sentry's own.
            _head(
                r'^\s*\{(?![^\n]*"type"\s*:)[^\n]*"(?:event_id|sent_at|dsn)"[^\n]*\}\s*\n\s*\{[^\n]*"type"\s*:\s*'
                r'"(?:event|transaction|sessions?|log|span|profile|attachment|replay_\w+|client_report|user_report|feedback)"'
            ),
            _keys("event_id", "platform", "breadcrumbs|exception|contexts|sdk"),
        ),
        why=_NO_CLOSES,
        holds_records=True,
    ),
    Foreign(
        name="datadog",
        about="Datadog browser logs or RUM events",
        claims=_either(
            _keys("_dd"), _keys("ddsource|ddtags"), _keys("date", "view {", "service|session_id|application_id")
        ),
        why=_NO_CLOSES,
        holds_records=True,
    ),
    Foreign(
        name="faro",
        about="Grafana Faro payload",
        claims=_keys("meta {", "logs|events|exceptions|measurements [", "sdk|app|page|browser"),
        why=_NO_CLOSES,
        holds_records=True,
    ),
    Foreign(
        name="cloudwatch-rum",
        about="CloudWatch RUM events",
        claims=_either(_keys("RumEvents|AppMonitorDetails"), _keys("event_timestamp", "event_details")),
        why=_NO_CLOSES,
        holds_records=True,
    ),
    Foreign(
        name="elasticsearch",
        about="Elasticsearch hits",
        claims=_keys("_source {", "_index|_id"),
        why=_NO_RECORDS,
        holds_records=True,
    ),
    Foreign(
        name="google-analytics",
        about="Google Analytics export",
        claims=_keys("event_name", "event_params ["),
        why=_NO_CLOSES,
        holds_records=True,
    ),
    Foreign(
        name="journal-export",
        about="journal export format",
        claims=_head(r"(?m)^__REALTIME_TIMESTAMP=\d+$"),
        why="an entry has many lines; export it with `journalctl -o json`",
    ),
    Foreign(
        name="traefik-access",
        about="Traefik access log (JSON)",
        claims=_keys("DownstreamStatus|OriginStatus", "ClientAddr|ClientHost|RouterName|ServiceName"),
        why="Traefik logs are not read in this version",
    ),
    Foreign(
        name="caddy-access",
        about="Caddy access log",
        claims=_lines(r'\{.*"logger"\s*:\s*"http\.log\.access'),
        why="Caddy logs are not read in this version",
    ),
    Foreign(
        name="cloudtrail",
        about="AWS CloudTrail log",
        claims=_head(r'^\s*\{\s*"Records"\s*:\s*\[', r'"eventVersion"\s*:'),
        why="it records AWS API calls, not connections",
    ),
    Foreign(
        name="vpc-flow",
        about="AWS VPC flow log",
        claims=_either(
            _head(r"^version account-id interface-id "),
            _lines(r"\d \d{12} eni-[0-9a-f]+ \S+ \S+ \S+ \S+ \S+ \S+ \S+ \d+ \d+ \w+ \w+"),
        ),
        why="it records packets in intervals, too coarse to tell who closed a connection",
    ),
    Foreign(
        name="prometheus",
        about="Prometheus text metrics",
        claims=_lines(
            r"# (?:HELP|TYPE|UNIT|EOF)\b|[A-Za-z_:][\w:]*(?:\{[^}]*\})? [-+]?(?:\d[\d.eE+-]*|Inf|NaN)(?: \d+)?\s*$"
        ),
        why="metrics count connections but do not say which one ended when",
    ),
)


def name_foreign(sample: Sequence[str]) -> Foreign | None:
    """Return the kind of file that *sample*'s lines are of, or None."""
    return next((foreign for foreign in FOREIGN if foreign.claims(sample)), None)
