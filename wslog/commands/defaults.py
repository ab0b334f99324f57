"""`wslog.toml`: a command's options, for those who do not want to type them each time."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click

from wslog.errors import OptionError


def read_defaults(file: Path, command: click.Command) -> dict[str, Any]:
    """Read the table of *command* from a TOML file; keys are the long options, with - or _.

    Raises:
        OptionError: If the file is not TOML or names an option that does not exist.
    """
    try:
        table = tomllib.loads(file.read_text("utf-8")).get(command.name or "", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(
            f"this is not TOML: {error}", where=str(file), mend="Write for example:\n[analyze]\ntz = ['UTC']"
        ) from None
    if not isinstance(table, dict):
        raise OptionError(
            f"`{command.name}` must be a table", where=str(file), mend=f"Write [{command.name}] on a line of its own."
        )
    names = {name.lstrip("-"): param.name for param in command.params for name in param.opts if name.startswith("--")}
    strange = sorted(key for key in table if key.replace("_", "-") not in names)
    if strange:
        raise OptionError(
            f"there is no option {strange[0]!r}", where=str(file), mend=f"Options: {', '.join(sorted(names))}."
        )
    return {names[key.replace("_", "-")] or key: value for key, value in table.items()}
