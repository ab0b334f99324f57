"""Add up the evidence of each connection and turn it into a verdict with its probability, or into `unknown`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.classify.evidence import ITEMS
from wslog.schema import Cause, Tier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEIGHTS: Final = Path(__file__).with_name("weights.toml")
UNKNOWN: Final = "unknown"
GAVE_UP: Final = ("close_wait", "heartbeat", "network")  # why a page calls close() on a path that does not answer
LEAST_TOLD: Final = 0.5  # decibans; what moved a verdict less is not worth a line
CHUNK: Final = 4096  # rows that are numbers at a time, to bound memory
PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
IDLE: Final = ("idle_nginx", "idle_alb", "idle_other")


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The weights file, checked against the items it names.

    Attributes:
        labels: Verdicts in the order of the weight columns, with their cause and tier.
        prior: Decibans to start from, per label.
        items: Names in the order of the weight rows.
        weights: Decibans, items by labels.
        says, refs: Text and reference column of each item.
    """

    labels: tuple[tuple[str, Cause, Tier], ...]
    prior: Floats
    items: tuple[str, ...]
    weights: Floats
    says: tuple[str, ...]
    refs: tuple[str, ...]
    strengths: tuple[bool, ...]
    threshold: float

    @property
    def heard(self) -> tuple[str, ...]:
        """Columns that the items read or quote."""
        read = {name for item in ITEMS.values() for name in item.meta.root_names()}
        quoted = {name for says in self.says for name in PLACEHOLDER.findall(says)}
        return tuple(sorted((read | quoted | set(self.refs)) - {""}))


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
        prior=np.array([float(raw["prior"].get(name, 0.0)) for name in names]),
        items=tuple(item["name"] for item in items),
        weights=np.array([[float(item.get(name, 0.0)) for name in names] for item in items]),
        says=tuple(item["says"] for item in items),
        refs=tuple(item.get("ref", "") for item in items),
        strengths=tuple(bool(item.get("strength")) for item in items),
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
    # Yes-or-no items stay bits: as numbers, all of them at once would be most of the memory of an analysis.
    spoken = facts.select(
        (ITEMS[name].cast(pl.Float64).fill_null(0.0) if strong else ITEMS[name].fill_null(value=False)).alias(name)
        for name, strong in zip(card.items, card.strengths, strict=True)
    )
    parts = [_decided(spoken.slice(start, CHUNK), card) for start in range(0, max(spoken.height, 1), CHUNK)]
    winner = np.concatenate([numbers for numbers, _ in parts])
    labels = [*card.labels, ("idle", Cause.IDLE_TIMEOUT, Tier.UNKNOWN)]
    texts = {"label": 0, "cause": 1, "tier": 2}
    number = pl.Series(winner, dtype=pl.UInt32)
    return pl.DataFrame(
        [
            *(pl.Series(name, [str(label[of]) for label in labels]).gather(number) for name, of in texts.items()),
            pl.Series("confidence", np.concatenate([confidence for _, confidence in parts]), dtype=pl.Float64),
            _texts(facts, spoken, card, winner),
        ]
    )


def _decided(spoken: pl.DataFrame, card: Scorecard) -> tuple[Ints, Floats]:
    """Return the numbers of the labels of some rows, `idle` being one past the last, and how sure they are."""
    matrix = spoken.cast(pl.Float64).to_numpy()
    called = matrix[:, card.items.index("close_called")] > 0
    return _decide(_probabilities(card.prior + matrix @ card.weights), card, called)


def _probabilities(decibans: Floats) -> Floats:
    """Softmax in decibans."""
    odds = np.power(10.0, (decibans - decibans.max(axis=1, keepdims=True)) / 10.0)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _decide(probability: Floats, card: Scorecard, called: NDArray[np.bool_]) -> tuple[Ints, Floats]:
    """Pick the likeliest label if it is likely enough; an idle timeout of an open tier if those together are.

    Where the page *called* close() in vain, the roots of that together: then the mechanism at least is known.
    The confidence is that of the cause, whoever holds its timer: all labels of that cause together.
    """
    names = [name for name, _, _ in card.labels]
    causes = np.array([cause.value for _, cause, _ in card.labels])
    threshold, nobody = card.threshold, names.index(UNKNOWN)
    best = probability.argmax(axis=1)
    top = probability.max(axis=1)
    of_cause = (probability @ (causes[:, None] == causes[None, :]))[np.arange(len(best)), best]
    idle = probability[:, [i for i, name in enumerate(names) if name in IDLE]].sum(axis=1)
    unknown = probability[:, nobody]
    gave_up = np.where(called, probability[:, [i for i, name in enumerate(names) if name in GAVE_UP]].sum(axis=1), 0.0)
    rules = ((top >= threshold) & (best != nobody), idle >= threshold, gave_up >= threshold)
    winner = np.select(
        rules, (best, np.full_like(best, len(names)), np.full_like(best, names.index("close_wait"))), nobody
    )
    confidence = np.select(rules, (of_cause, idle, gave_up), unknown)
    return np.asarray(winner), np.asarray(confidence)


def _texts(facts: pl.DataFrame, spoken: pl.DataFrame, card: Scorecard, winner: Ints) -> pl.Series:
    """Write down the items that spoke, those that moved the verdict most first, each with its decibans and line."""
    names = [name for name, _, _ in card.labels]
    towards = np.array([*range(len(names)), names.index("idle_nginx")], dtype=np.int64)[winner]
    is_unknown = winner == names.index(UNKNOWN)
    parts = []
    for k, name in enumerate(card.items):
        value = spoken[name].cast(pl.Float64).to_numpy()
        rows = np.flatnonzero(value)
        value = value[rows]
        weight = card.weights[k, towards[rows]] * value
        size = np.where(is_unknown[rows], np.abs(card.weights[k]).max() * np.abs(value), np.abs(weight))
        told = size >= LEAST_TOLD
        if told.any():
            text = _item_text(facts, pl.Series(rows[told], dtype=pl.UInt32), card, k)
            parts.append((rows[told], size[told], weight[told], text))
    if not parts:
        return pl.Series("evidence", [[]] * facts.height, dtype=pl.List(pl.String))
    row, size, decibans = (np.concatenate([part[of] for part in parts]) for of in range(3))
    said = pl.DataFrame({"row": row, "size": size, "decibans": decibans, "text": pl.concat(part[3] for part in parts)})
    return _in_lists(said, facts.height)


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
    every = pl.DataFrame({"row": np.arange(n_rows)})
    texts = every.join(lists, on="row", how="left", maintain_order="left")["text"]
    return texts.fill_null(pl.Series([[]], dtype=pl.List(pl.String))).alias("evidence")


def _item_text(facts: pl.DataFrame, rows: pl.Series, card: Scorecard, k: int) -> pl.Series:
    """Return the item's text for some rows, placeholders filled, the reference in front."""
    *parts, rest = PLACEHOLDER.split(card.says[k])
    parts, columns = parts[::2], parts[1::2]
    values = [
        pl.col(c).round(2).abs().cast(pl.String).str.replace(r"\.0$", "").fill_null("?")
        if facts.schema[c].is_float()
        else pl.col(c).fill_null("?")
        for c in columns
    ]
    pieces = [piece for text, value in zip(parts, values, strict=True) for piece in (pl.lit(text), value)]
    text = pl.concat_str([*pieces, pl.lit(rest)])
    if card.refs[k]:
        text = pl.concat_str([pl.col(card.refs[k]).fill_null("?"), pl.lit(": "), text])
        columns.append(card.refs[k])
    if not columns:
        return pl.Series([rest]).new_from_index(0, len(rows))
    return pl.DataFrame([facts[c].gather(rows) for c in dict.fromkeys(columns)]).select(text.alias("text")).to_series()
