"""Three Documents typed by hand: a full one with hostile log text in it, one with a single drop, and an empty one."""

from __future__ import annotations

import datetime as dt

from wslog.result import (
    SCHEMA_VERSION,
    Advice,
    Bin,
    Breakdown,
    Burst,
    CauseShare,
    ChartData,
    Clock,
    Cluster,
    Coverage,
    Document,
    FileCoverage,
    Finding,
    Group,
    Limit,
    OwnerShare,
    Point,
    Reconnects,
    Reject,
    Storm,
    TimelineBucket,
    TimerLine,
    Totals,
    Window,
)
from wslog.schema import Cause, Tier

HOSTILE = "<script>alert(1)</script> \x1b[2J | =cmd() `tick` **b** \u202egnp.exe $x$ [a](b)"


def at(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, 10, hour, minute, second, tzinfo=dt.UTC)


def full() -> Document:
    """About 1 000 drops: an idle timeout of nginx, a restart, a lifetime limit, a suspended client, unknowns."""
    return Document(
        schema_version=SCHEMA_VERSION,
        wslog_version="0.1.0",
        verdict="nginx closed 412 of 1 000 dropped connections (41 %) after 60 s of silence: "
        "proxy_read_timeout 60 s on /ws/chat. A restart of 10.0.0.7:9002 took another 250.",
        window=(
            Window(tier=Tier.CLIENT, start=at(8), end=at(16)),
            Window(tier=Tier.NGINX, start=at(8, 1), end=at(15, 59)),
            Window(tier=None, start=at(8, 1), end=at(15, 59)),
        ),
        coverage=_coverage(),
        clocks=(
            Clock(tier=Tier.NGINX, is_reference=True, skew_s=0.0, low_s=None, high_s=None, n=0),
            Clock(tier=Tier.ALB, is_reference=False, skew_s=0.004, low_s=-0.001, high_s=0.009, n=812),
            Clock(
                tier=Tier.CLIENT,
                is_reference=False,
                skew_s=-0.41,
                low_s=-94.2,
                high_s=31.0,
                n=640,
                note="12 clients run a whole hour ahead",
            ),
        ),
        totals=Totals(
            attempts=5_210,
            opened=5_012,
            closed=4_900,
            drops=1_000,
            connection_hours=1_204.5,
            drops_per_1000_connection_hours=830.2,
            offline_seconds=15_420.0,
            named_share=0.81,
            mean_confidence=0.9549,
        ),
        causes=_causes(),
        owners=_owners(),
        clusters=(
            _cluster(1, "idle_s", (60.02, 60.0), 412, ("nginx-proxy-read-timeout",)),
            _cluster(2, "lifetime_s", (900.4, 900.0), 90, ()),
        ),
        bursts=(
            Burst(
                at=at(11, 30, 2),
                until=at(11, 30, 4),
                n=250,
                scope="upstream 10.0.0.7:9002",
                killed_share=0.98,
                cause=Cause.SERVER_RESTART,
                tier=Tier.APP,
                evidence=("nginx/error.log:77: recv() failed (104: Connection reset by peer)",),
            ),
            Burst(
                at=at(14, 0, 0),
                until=at(14, 0, 0),
                n=31,
                scope="all",
                killed_share=None,
                cause=Cause.PROXY_RELOAD,
                tier=Tier.NGINX,
                evidence=("nginx/error.log:99: gracefully shutting down",),
            ),
        ),
        reconnects=Reconnects(
            n=930,
            p50_s=1.2,
            p95_s=31.0,
            gave_up=70,
            gaps=(
                Bin(low=0.0, high=0.5, n=120, by_cause={}),
                Bin(low=0.5, high=1.0, n=240, by_cause={}),
                Bin(low=1.0, high=2.0, n=310, by_cause={}),
                Bin(low=2.0, high=5.0, n=140, by_cause={}),
                Bin(low=5.0, high=30.0, n=80, by_cause={}),
                Bin(low=30.0, high=120.0, n=40, by_cause={}),
            ),
            storms=(Storm(at=at(11, 30, 5), n=240, per_second=48.0, usual_per_second=0.2),),
        ),
        findings=_findings(),
        advice=(
            Advice(
                text="Let the server ping every 25 s, or raise proxy_read_timeout in the location of /ws/chat.",
                config="location /ws/chat {\n    proxy_read_timeout 3600s;\n}",
                would_prevent_n=412,
                would_prevent_share=0.412,
            ),
            Advice(
                text="Close with 1012 and drain before a restart of 10.0.0.7:9002.",
                config="",
                would_prevent_n=250,
                would_prevent_share=0.25,
            ),
            Advice(
                text="Write nginx's error log at level info.",
                config="error_log /var/log/nginx/error.log info;",
                would_prevent_n=0,
                would_prevent_share=0.0,
                is_observability=True,
            ),
        ),
        limits=(
            Limit(
                text="No ALB log covers 15:40 to 16:00, so the last 20 minutes rest on nginx alone.",
                log_next="Fetch the ALB log files of the following hour: an entry is written up to 5 minutes late.",
            ),
            Limit(text="Protocol pings are invisible to the page.", log_next=""),
        ),
        timeline=_timeline(),
        by=_breakdown(),
        charts=_charts(),
    )


def _coverage() -> Coverage:
    return Coverage(
        files=(
            FileCoverage(
                path="client/closes.jsonl",
                format="client-close",
                why="JSON lines with code and closedAt",
                tier=Tier.CLIENT,
                compression="",
                lines=5_003,
                events=5_001,
                ignored=0,
                rejected=2,
                rejects=(
                    Reject(line=88, reason="not JSON", text=HOSTILE),
                    Reject(line=5_003, reason="cut off", text='{"event":"ws_cl'),
                ),
                first_at=at(8),
                last_at=at(16),
                clock="each client's own clock, ms",
                limits=("a page that was killed writes nothing",),
            ),
            FileCoverage(
                path="nginx/access.log.gz",
                format="nginx-access",
                why="matches the log_format wslog in nginx.conf",
                tier=Tier.NGINX,
                compression="gzip",
                lines=120_433,
                events=4_870,
                ignored=115_563,
                rejected=0,
                rejects=(),
                first_at=at(8, 1),
                last_at=at(15, 59),
                clock="nginx host, ms, +01:00",
                limits=(),
            ),
            FileCoverage(
                path="notes/=2+5|<b>.txt",
                format="unknown",
                why="no known format fits its first 200 lines",
                tier=None,
                compression="",
                lines=3,
                events=0,
                ignored=0,
                rejected=3,
                rejects=(Reject(line=1, reason="no known format", text="buy milk"),),
                first_at=None,
                last_at=None,
                clock="",
                limits=(),
            ),
        ),
        no_code=4,
    )


def _causes() -> tuple[CauseShare, ...]:
    rows = (
        (Cause.IDLE_TIMEOUT, Tier.NGINX, 60.0, 412, 0.382, 0.443),
        (Cause.SERVER_RESTART, Tier.APP, None, 250, 0.224, 0.278),
        (Cause.CLIENT_SUSPENDED, Tier.CLIENT, None, 117, 0.098, 0.138),
        (Cause.LIFETIME_LIMIT, Tier.UNKNOWN, 900.0, 90, 0.074, 0.109),
        (Cause.PROXY_RELOAD, Tier.NGINX, None, 31, 0.021, 0.044),
        (Cause.UNKNOWN, Tier.UNKNOWN, None, 100, 0.083, 0.12),
    )
    return tuple(
        CauseShare(
            cause=c,
            tier=t,
            timeout_s=s,
            n=n,
            share=n / 1_000,
            share_low=low,
            share_high=high,
            timeout_ids=("nginx-proxy-read-timeout",) if c is Cause.IDLE_TIMEOUT else (),
        )
        for c, t, s, n, low, high in rows
    )


def _owners() -> tuple[OwnerShare, ...]:
    known = {
        Cause.IDLE_TIMEOUT: (0.97, "nginx/error.log:42"),
        Cause.SERVER_RESTART: (0.93, "nginx/error.log:77"),
    }
    return tuple(
        OwnerShare(
            cause=share.cause,
            tier=share.tier,
            timeout_ids=share.timeout_ids,
            n=share.n,
            share=share.share,
            confidence=known.get(share.cause, (None, ""))[0],
            proof=known.get(share.cause, (None, ""))[1],
        )
        for share in _causes()
    )


def _cluster(cluster_id: int, axis: str, center_timeout: tuple[float, float], n: int, ids: tuple[str, ...]) -> Cluster:
    center, timeout = center_timeout
    return Cluster(
        id=cluster_id,
        axis=axis,
        center_s=center,
        width_s=0.3,
        timeout_s=timeout,
        n=n,
        share=n / 1_000,
        share_low=n / 1_000 - 0.03,
        share_high=n / 1_000 + 0.03,
        p_value=1e-12,
        timeout_ids=ids,
    )


def _findings() -> tuple[Finding, ...]:
    return (
        Finding(
            statement="nginx ended 412 connections (41 %) after 60 s of silence.",
            cause=Cause.IDLE_TIMEOUT,
            tier=Tier.NGINX,
            timeout_s=60.0,
            timeout_ids=("nginx-proxy-read-timeout",),
            n=412,
            share=0.412,
            confidence=0.97,
            evidence=(
                "nginx/error.log:42: upstream timed out (110) while proxying upgraded connection",
                f"client/closes.jsonl:9: reason {HOSTILE}",
                "nginx.conf:31: proxy_read_timeout 60s in location /ws/chat",
            ),
            advice=(0, 2),
            proof="nginx/error.log:42",
        ),
        Finding(
            statement="10.0.0.7:9002 restarted at 11:30:02 and took 250 connections with it.",
            cause=Cause.SERVER_RESTART,
            tier=Tier.APP,
            timeout_s=None,
            timeout_ids=(),
            n=250,
            share=0.25,
            confidence=0.93,
            evidence=("nginx/error.log:77: recv() failed (104: Connection reset by peer)",),
            advice=(1,),
            proof="nginx/error.log:77",
        ),
        Finding(
            statement="100 drops (10 %) stay unknown.",
            cause=Cause.UNKNOWN,
            tier=Tier.UNKNOWN,
            timeout_s=None,
            timeout_ids=(),
            n=100,
            share=0.1,
            confidence=0.6,
            evidence=(),
            advice=(),
        ),
    )


def _timeline() -> tuple[TimelineBucket, ...]:
    return tuple(
        TimelineBucket(
            at=at(hour, minute),
            width_s=1_800.0,
            by_cause={
                "idle_timeout": 20 + (7 * hour + minute) % 13,
                "client_suspended": 3 + hour % 4,
                **({"server_restart": 250} if (hour, minute) == (11, 30) else {}),
                **({"proxy_reload": 31} if (hour, minute) == (14, 0) else {}),
                "unknown": 4 + (hour + minute) % 5,
                "lifetime_limit": 6,
            },
            open_connections=180 + 12 * ((hour - 8) % 5),
        )
        for hour in range(8, 16)
        for minute in (0, 30)
    )


def _breakdown() -> Breakdown:
    return Breakdown(
        path=(
            Group(
                value="/ws/chat",
                attempts=3_000,
                opened=2_950,
                drops=700,
                connection_hours=700.25,
                top_cause=Cause.IDLE_TIMEOUT,
            ),
            Group(value=HOSTILE, attempts=10, opened=9, drops=1, connection_hours=0.5, top_cause=None),
        ),
        host=(),
        upstream=(
            Group(
                value="10.0.0.7:9002",
                attempts=2_000,
                opened=1_990,
                drops=480,
                connection_hours=520.0,
                top_cause=Cause.SERVER_RESTART,
            ),
        ),
        user_agent=(),
        network=(),
    )


def _charts() -> ChartData:
    idle = [
        Bin(low=float(k), high=float(k + 1), n=4 + k % 7, by_cause={"client_suspended": 2, "unknown": 2 + k % 7})
        for k in range(1, 60)
    ]
    idle.append(Bin(low=60.0, high=61.0, n=418, by_cause={"idle_timeout": 412, "unknown": 6}))
    idle += [Bin(low=float(k), high=float(k + 20), n=3, by_cause={"client_suspended": 3}) for k in range(61, 900, 20)]
    points = (
        *(
            Point(lifetime_s=61.0 + 17.3 * k, idle_s=60.0 + (k % 5) * 0.02, cause=Cause.IDLE_TIMEOUT)
            for k in range(120)
        ),
        *(Point(lifetime_s=900.2, idle_s=0.4 + 3.1 * k, cause=Cause.LIFETIME_LIMIT) for k in range(30)),
        *(Point(lifetime_s=40.0 * (k + 1), idle_s=1.0 + (k * 37) % 23, cause=Cause.SERVER_RESTART) for k in range(60)),
        *(Point(lifetime_s=90.0 * (k + 1), idle_s=70.0 * (k + 1), cause=Cause.CLIENT_SUSPENDED) for k in range(25)),
        *(Point(lifetime_s=12.0 * (k + 1), idle_s=5.0 + (k * 53) % 11, cause=Cause.UNKNOWN) for k in range(40)),
    )
    return ChartData(
        idle=tuple(idle),
        lifetime=(Bin(low=900.0, high=901.0, n=90, by_cause={"lifetime_limit": 90}),),
        points=points,
        timers=(
            TimerLine(value_s=60.0, label="nginx proxy_read_timeout"),
            TimerLine(value_s=60.0, label="AWS ALB idle_timeout"),
            TimerLine(value_s=75.0, label="nginx keepalive_timeout"),
            TimerLine(value_s=350.0, label="AWS NLB idle $x$"),
        ),
    )


def one_row() -> Document:
    """One drop, seen by one file; no server log, no cluster, no verdict."""
    base = empty()
    return Document(
        schema_version=SCHEMA_VERSION,
        wslog_version="0.1.0",
        verdict="One connection dropped; these logs do not show who closed it.",
        window=(Window(tier=Tier.CLIENT, start=at(9), end=at(9)),),
        coverage=Coverage(
            files=(
                FileCoverage(
                    path="closes.jsonl",
                    format="client-close",
                    why="JSON lines with code and closedAt",
                    tier=Tier.CLIENT,
                    compression="",
                    lines=1,
                    events=1,
                    ignored=0,
                    rejected=0,
                    rejects=(),
                    first_at=at(9),
                    last_at=at(9),
                    clock="each client's own clock, ms",
                    limits=(),
                ),
            ),
        ),
        clocks=(Clock(tier=Tier.CLIENT, is_reference=True, skew_s=0.0, low_s=None, high_s=None, n=0),),
        totals=Totals(
            attempts=1,
            opened=1,
            closed=1,
            drops=1,
            connection_hours=0.02,
            drops_per_1000_connection_hours=None,
            offline_seconds=None,
            named_share=0.0,
        ),
        causes=(
            CauseShare(
                cause=Cause.UNKNOWN,
                tier=Tier.UNKNOWN,
                timeout_s=None,
                n=1,
                share=1.0,
                share_low=0.2,
                share_high=1.0,
                timeout_ids=(),
            ),
        ),
        owners=(
            OwnerShare(
                cause=Cause.UNKNOWN,
                tier=Tier.UNKNOWN,
                timeout_ids=(),
                n=1,
                share=1.0,
                confidence=None,
                proof="closes.jsonl:1",
            ),
        ),
        clusters=(),
        bursts=(),
        reconnects=base.reconnects,
        findings=(
            Finding(
                statement="1 drop (100 %) stays unknown.",
                cause=Cause.UNKNOWN,
                tier=Tier.UNKNOWN,
                timeout_s=None,
                timeout_ids=(),
                n=1,
                share=1.0,
                confidence=0.5,
                evidence=("closes.jsonl:1: idle 60.0 s, no server log",),
                advice=(),
                proof="closes.jsonl:1",
            ),
        ),
        advice=(),
        limits=(Limit(text="No server log among the inputs.", log_next="Add the nginx access and error logs."),),
        timeline=(TimelineBucket(at=at(9), width_s=60.0, by_cause={"unknown": 1}, open_connections=None),),
        by=base.by,
        charts=ChartData(
            idle=(Bin(low=60.0, high=61.0, n=1, by_cause={"unknown": 1}),),
            lifetime=(),
            points=(Point(lifetime_s=72.0, idle_s=60.0, cause=Cause.UNKNOWN),),
            timers=(),
        ),
    )


def empty() -> Document:
    """Nothing was read that says anything about WebSockets."""
    return Document(
        schema_version=SCHEMA_VERSION,
        wslog_version="0.1.0",
        verdict="No dropped connection in these logs.",
        window=(Window(tier=None, start=None, end=None),),
        coverage=Coverage(files=()),
        clocks=(),
        totals=Totals(
            attempts=0,
            opened=0,
            closed=0,
            drops=0,
            connection_hours=0.0,
            drops_per_1000_connection_hours=None,
            offline_seconds=None,
        ),
        causes=(),
        owners=(),
        clusters=(),
        bursts=(),
        reconnects=Reconnects(n=0, p50_s=None, p95_s=None, gave_up=0, gaps=(), storms=()),
        findings=(),
        advice=(),
        limits=(),
        timeline=(),
        by=Breakdown(path=(), host=(), upstream=(), user_agent=(), network=()),
        charts=ChartData(idle=(), lifetime=(), points=(), timers=()),
    )
