"""Add up the evidence of each connection and turn it into a verdict with its probability, or into `unknown`."""

from __future__ import annotations

import math
import operator
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog.classify.evidence import ITEMS
from wslog.schema import Cause, Tier

WEIGHTS: Final = Path(__file__).with_name("weights.toml")
UNKNOWN: Final = "unknown"
GAVE_UP: Final = ("close_wait", "heartbeat", "network")  # why a page calls close() on a path that does not answer
LEAST_TOLD: Final = 0.5  # decibans; what moved a verdict less is not worth a line
DECIBAN: Final = math.log(10.0) / 10.0  # as a natural logarithm
CHUNK: Final = 4096  # rows that are numbers at a time, to bound memory
PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
IDLE: Final = ("idle_nginx", "idle_alb", "idle_other")


class Item(Struct, frozen=True, kw_only=True):
    """One item of evidence.

    Attributes:
        weights: Decibans, one per label.
        says: Its text.
        ref: The column of its reference; empty: it has none.
        is_strength: It brings decibans of its own, which the weights multiply.
    """

    name: str
    weights: tuple[float, ...]
    says: str
    ref: str
    is_strength: bool

    @property
    def brings(self) -> pl.Expr:
        """What it brings: decibans, or whether it holds; a bit, because numbers of all would be most of the memory."""
        brought = ITEMS[self.name]
        return brought.cast(pl.Float64).fill_null(0.0) if self.is_strength else brought.fill_null(value=False)


class Scorecard(Struct, frozen=True, kw_only=True):
    """The weights file, checked against the items it names.

    Attributes:
        labels: Verdicts in the order of the weights, with their cause and tier.
        prior: Decibans to start from, per label.
        items: The evidence.
        threshold: How likely a verdict must be; above a half, so that one label is at most.
    """

    labels: tuple[tuple[str, Cause, Tier], ...]
    prior: tuple[float, ...]
    items: tuple[Item, ...]
    threshold: float

    @property
    def heard(self) -> tuple[str, ...]:
        """Columns that the items read or quote."""
        read = {name for item in ITEMS.values() for name in item.meta.root_names()}
        quoted = {name for item in self.items for name in PLACEHOLDER.findall(item.says)}
        return tuple(sorted((read | quoted | {item.ref for item in self.items}) - {""}))


def load_scorecard() -> Scorecard:
    """Load the weights that ship with wslog.

    Raises:
        ValueError: If the file names an item or label that does not exist, or leaves one out.
    """
    raw: dict[str, Any] = tomllib.loads(WEIGHTS.read_text("utf-8"))
    labels = tuple((name, Cause(cause), Tier(tier)) for name, (cause, tier) in raw["labels"].items())
    names = [name for name, _, _ in labels]
    items = raw["item"]
    strange = {key for item in items for key in item} - {*names, "name", "says", "ref", "strength"}
    if strange or {item["name"] for item in items} != set(ITEMS):
        raise ValueError(f"weights.toml and evidence.py disagree: {strange or set(ITEMS) ^ {i['name'] for i in items}}")
    return Scorecard(
        labels=labels,
        prior=tuple(float(raw["prior"].get(name, 0.0)) for name in names),
        items=tuple(
            Item(
                name=item["name"],
                weights=tuple(float(item.get(name, 0.0)) for name in names),
                says=item["says"],
                ref=item.get("ref", ""),
                is_strength=bool(item.get("strength")),
            )
            for item in items
        ),
        threshold=float(raw["threshold"]),
    )


def judge(facts: pl.DataFrame, card: Scorecard) -> pl.DataFrame:
    """Judge each row by its evidence.

    Args:
        facts: Rows with the columns that *card* hears.
        card: From `load_scorecard`.

    Returns:
        `cause`, `tier`, `confidence`, `label` (may be `idle`: an idle timeout whose tier the evidence leaves open), and
        `evidence` (list of texts, the strongest first), one row per row of *facts*.
    """
    spoken = facts.select(item.brings.alias(item.name) for item in card.items)
    speaks = spoken.select(pl.all().cast(pl.Boolean).any()).row(0, named=True)
    card = replace(card, items=tuple(item for item in card.items if speaks[item.name]))  # of few rows, few do
    starts = range(0, max(spoken.height, 1), CHUNK)
    decided = pl.concat(_decided(spoken.slice(start, CHUNK), card) for start in starts)
    labels = [*card.labels, ("idle", Cause.IDLE_TIMEOUT, Tier.UNKNOWN)]
    texts = {"label": 0, "cause": 1, "tier": 2}
    number = decided["number"]
    return pl.DataFrame(
        [
            *(pl.Series(name, [str(label[of]) for label in labels]).gather(number) for name, of in texts.items()),
            decided["confidence"],
            _texts(facts, spoken, card, number),
        ]
    )


def _decided(spoken: pl.DataFrame, card: Scorecard) -> pl.DataFrame:
    """Return the `number` of the label of each row, `idle` being one past the last, and its `confidence`."""
    decibans = spoken.with_columns(_decibans(card)).select(name for name, _, _ in card.labels)
    together = {"idle": _sum(map(pl.col, IDLE)), "gave_up": _sum(map(pl.col, GAVE_UP))}
    choices = _choices(card)
    return (
        _probabilities(decibans)
        .with_columns(spoken["close_called"], **together)
        .select(
            number=pl.coalesce(pl.when(holds).then(pl.lit(n, pl.UInt32)) for n, holds, _ in choices),
            confidence=pl.coalesce(pl.when(holds).then(sure) for _, holds, sure in choices),
        )
    )


def _decibans(card: Scorecard) -> Iterator[pl.Expr]:
    """Add up, for each label, what the items bring that speak for or against it."""
    for n, ((label, _, _), prior) in enumerate(zip(card.labels, card.prior, strict=True)):
        brought = (pl.col(item.name) * item.weights[n] for item in card.items if item.weights[n])
        yield _sum((pl.lit(prior), *brought)).alias(label)


def _sum(parts: Iterable[pl.Expr]) -> pl.Expr:
    """Add up one after the other: polars' own horizontal sum adds in any order, and the last bits are another's."""
    return reduce(operator.add, parts)


def _probabilities(decibans: pl.DataFrame) -> pl.DataFrame:
    """Softmax in decibans."""
    from_top = decibans.with_columns(top=pl.max_horizontal(pl.all())).select(pl.exclude("top") - pl.col("top"))
    odds = from_top.select((pl.all() * DECIBAN).exp())
    return odds.with_columns(whole=_sum(map(pl.col, odds.columns))).select(pl.exclude("whole") / pl.col("whole"))


def _choices(card: Scorecard) -> list[tuple[int, pl.Expr, pl.Expr]]:
    """Which label to take, when, and how sure it is then; the first that holds: the label that is likely enough.

    Else an idle timeout of an open tier if those together are. Where the page called close() in vain, the roots of that
    together: then the mechanism at least is known. The confidence is that of the cause, whoever holds its timer: all
    labels of that cause together.
    """
    names = [name for name, _, _ in card.labels]
    alike = {one: [name for name, cause, _ in card.labels if cause is one] for _, one, _ in card.labels}
    alone = [
        (n, pl.col(name) >= card.threshold, _sum(map(pl.col, alike[cause])))
        for n, (name, cause, _) in enumerate(card.labels)
        if name != UNKNOWN
    ]
    has_given_up = pl.col("close_called") & (pl.col("gave_up") >= card.threshold)
    return [
        *alone,
        (len(names), pl.col("idle") >= card.threshold, pl.col("idle")),
        (names.index("close_wait"), has_given_up, pl.col("gave_up")),
        (names.index(UNKNOWN), pl.lit(value=True), pl.col(UNKNOWN)),
    ]


def _texts(facts: pl.DataFrame, spoken: pl.DataFrame, card: Scorecard, number: pl.Series) -> pl.Series:
    """Write down the items that spoke, those that moved the verdict most first, each with its decibans and line."""
    names = [name for name, _, _ in card.labels]
    towards = [*range(len(names)), names.index("idle_nginx")]
    parts = []
    judged = spoken.with_columns(number).with_row_index("row")
    for item in card.items:
        brought = pl.col(item.name).cast(pl.Float64)
        weight = [item.weights[n] for n in towards]
        size = [abs(one) for one in weight]
        size[names.index(UNKNOWN)] = max(size)  # what would have moved a verdict, had there been one
        told = judged.select("row", size=_of_label(size) * brought.abs(), decibans=_of_label(weight) * brought)
        told = told.filter(pl.col("size") >= LEAST_TOLD)
        if not told.is_empty():
            parts.append(told.with_columns(_item_text(facts, told["row"], item)))
    if not parts:
        return pl.Series("evidence", [[]] * facts.height, dtype=pl.List(pl.String))
    return _in_lists(pl.concat(parts), facts.height)


def _of_label(values: Sequence[float]) -> pl.Expr:
    """Return the value of each row's label."""
    return pl.lit(pl.Series(values)).gather(pl.col("number"))


def _in_lists(said: pl.DataFrame, n_rows: int) -> pl.Series:
    """Return the texts of each of *n_rows* rows, the strongest first, those that moved it with their weight."""
    weight = pl.col("decibans").round(0).cast(pl.Int32).cast(pl.String).str.replace(r"^(\d)", "+$1")
    named = pl.when(pl.col("decibans").abs() >= LEAST_TOLD).then(pl.format("{} ({} dB)", "text", weight))
    lists = (
        said.select("row", "size", named.otherwise(pl.col("text")).alias("text"))
        .sort(["row", "size", "text"], descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(pl.col("text"))
    )
    if lists.height == n_rows:
        return lists["text"].alias("evidence")
    every = pl.select(row=pl.int_range(n_rows, dtype=pl.UInt32))
    texts = every.join(lists, on="row", how="left", maintain_order="left")["text"]
    return texts.fill_null(pl.Series([[]], dtype=pl.List(pl.String))).alias("evidence")


def _item_text(facts: pl.DataFrame, rows: pl.Series, item: Item) -> pl.Series:
    """Return the item's text for some rows, placeholders filled, the reference in front."""
    *parts, rest = PLACEHOLDER.split(item.says)
    parts, columns = parts[::2], parts[1::2]
    values = [
        pl.col(c).round(2).abs().cast(pl.String).str.replace(r"\.0$", "").fill_null("?")
        if facts.schema[c].is_float()
        else pl.col(c).fill_null("?")
        for c in columns
    ]
    pieces = [piece for text, value in zip(parts, values, strict=True) for piece in (pl.lit(text), value)]
    text = pl.concat_str([*pieces, pl.lit(rest)])
    if item.ref:
        text = pl.concat_str([pl.col(item.ref).fill_null("?"), pl.lit(": "), text])
        columns.append(item.ref)
    if not columns:
        return pl.Series("text", [rest]).new_from_index(0, len(rows))
    return pl.DataFrame([facts[c].gather(rows) for c in dict.fromkeys(columns)]).select(text.alias("text")).to_series()
