"""Page templates ready to be filled, and the figures in them; what is printed is escaped, hidden characters shown."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from wslog.render.escape import plain, plain_block
from wslog.render.lines import UNIT

if TYPE_CHECKING:
    from jinja2 import Template


class Figure(NamedTuple):
    """One chart as a page shows it: its picture as a data URI (empty: it was not drawn), and the numbers behind it."""

    name: str
    heading: str
    alt: str
    source: str
    table: Any

    @classmethod
    def of(cls, name: str, svg: bytes | None, *, heading: str, alt: str, table: Any) -> Self:
        """Return the figure of an SVG picture."""
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}" if svg is not None else ""
        return cls(name, heading, alt, source, table)


def load_template(name: str, *, filters: Mapping[str, Callable[..., Any]], known: Mapping[str, Any]) -> Template:
    """Return a compiled template of `templates/`.

    Args:
        name: Its file.
        filters: What it can pass values through, besides `block` and `prose`.
        known: What it knows besides what it is rendered with.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # select_autoescape would go by the file's name; every template here is HTML.
    environment = Environment(
        loader=PackageLoader("wslog.render"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters, block=_block, prose=_prose)
    environment.globals.update(known)
    return environment.get_template(name)


def _finalize(value: Any) -> Any:
    from markupsafe import Markup

    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _prose(text: str) -> Any:
    """Return a sentence, escaped: what stands between backticks as code, and numbers not parted from their units."""
    from markupsafe import Markup, escape

    parts = UNIT.sub("\u00a0", plain(text)).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is no mark
        return escape("`".join(parts))
    return Markup().join(
        Markup("<code>{}</code>").format(part) if nth % 2 else escape(part) for nth, part in enumerate(parts)
    )


def _block(text: str) -> Any:
    """Return configuration with its line breaks, escaped."""
    from markupsafe import escape

    return escape(plain_block(text))
