"""`wslog timeouts`: the knowledge base of known timers, filtered."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from wslog.commands.options import format_option, timeouts_option
from wslog.forms import Form
from wslog.knowledge import Timeout, TimerKind, load_timeouts
from wslog.knowledge import near as near_to
from wslog.render.timeout_table import render_timeout_details, render_timeout_table, render_timeouts_json
from wslog.schema import Tier

ANY_IDLE: Final = "idle"  # all three idle kinds at once
KINDS: Final = (ANY_IDLE, *(kind.value for kind in TimerKind))
TIERS: Final = tuple(tier.value for tier in Tier)
UNITS: Final = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"\s*([0-9.eE+]+)\s*(ms|s|min|m|h|)\s*")


class Duration(click.ParamType[float]):
    """Seconds, as a number or with a unit: `60`, `60s`, `1m`, `350 s`."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds, finite and above 0; anything else is wrong usage."""
        found = _DURATION.fullmatch(str(value))
        try:
            seconds = float(found[1]) * UNITS[found[2]] if found else math.nan
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds > 0):
            self.fail(f"{value!r} is not a duration above 0. Write it as 60, 60s or 1m.", param, ctx)
        return seconds


@click.command("timeouts")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option(
    "--near",
    type=Duration(),
    metavar="SECONDS",
    help="Only timers whose default is within 0.35 s or 1 % of this.",
)
@click.option("--kind", type=click.Choice(KINDS), help="What resets the timer.")
@click.option("--product", metavar="TEXT", help="Only products with this text in their name.")
@click.option("--tier", type=click.Choice(TIERS), help="Where the timer acts.")
@timeouts_option
@format_option(Form.TEXT, Form.JSON)
def timeouts(
    *,
    words: tuple[str, ...],
    near: float | None,
    kind: str | None,
    product: str | None,
    tier: str | None,
    timeouts: Path | None,
    form: Form,
) -> None:
    """List the known timers that end WebSockets, or that are wrongly blamed for it.

    Each WORD must occur in a timer's id, product or setting; a whole id means that timer alone. With --near, or when
    one timer is left, its trace, mend and source are shown too.

    \b
    Examples:
      wslog timeouts nginx
      wslog timeouts --near 60 --kind idle
      wslog timeouts --timeouts ours.toml --format json
    """  # noqa: D301  (click wants a real backspace there)
    known = load_timeouts(timeouts)
    if near is not None:
        known = near_to(known, near)
    found = [t for t in known if _fits(t, words=words, kind=kind, product=product, tier=tier)]
    found = [t for t in found if t.id in words] or found
    if form is Form.JSON:
        click.echo(render_timeouts_json(found), nl=False)
        if not found:
            click.echo(render_timeout_table(found), nl=False, err=True)
        return
    click.echo(render_timeout_table(found), nl=False, err=not found)
    if found and (near is not None or len(found) == 1):
        click.echo("\n" + render_timeout_details(found), nl=False)


def _fits(timeout: Timeout, *, words: Sequence[str], kind: str | None, product: str | None, tier: str | None) -> bool:
    where = f"{timeout.id} {timeout.product} {timeout.setting}".lower()
    is_kind = kind is None or timeout.kind == kind or (kind == ANY_IDLE and timeout.kind.startswith("idle-"))
    return (
        is_kind
        and all(word.lower() in where for word in words)
        and (product is None or product.lower() in timeout.product.lower())
        and (tier is None or timeout.tier == tier)
    )
