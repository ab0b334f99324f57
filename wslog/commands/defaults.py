"""`wslog.toml`: a command's options, for those who do not want to type them each time."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import click

from wslog.errors import OptionError

TABLES: Final = ("analyze", "report")
"""The commands that take their options from the file."""
NOT_HERE: Final = frozenset({"config", "help", "force"})
"""`force` is typed by whoever wants it: a wslog.toml that came with the logs has no folder of its reader replaced."""


def read_defaults(file: Path, command: click.Command) -> dict[str, Any]:
    """Read the table of *command* from a TOML file; keys are the long options, with - or _.

    Raises:
        OptionError: If the file is not TOML, names an option that does not exist, or gives one a value of another kind.
    """
    where = str(file)
    try:
        content = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OptionError(
            f"this is not TOML: {error}", where=where, mend="Write for example:\n[analyze]\ntz = ['UTC']"
        ) from None
    unknown = sorted(content.keys() - {*TABLES, command.name})
    if unknown:
        raise OptionError(
            f"there is no command {unknown[0]!r} that takes options from here", where=where,
            mend=f"Put options under one of: {', '.join(f'[{name}]' for name in TABLES)}.",
        )  # fmt: skip
    table = content.get(command.name or "", {})
    if not isinstance(table, dict):
        raise OptionError(
            f"`{command.name}` must be a table", where=where, mend=f"Write [{command.name}] on a line of its own."
        )
    options = _options(command)
    strange = sorted(key for key in table if key.replace("_", "-") not in options)
    if strange:
        raise OptionError(
            f"there is no option {strange[0]!r}", where=where, mend=f"Options: {', '.join(sorted(options))}."
        )
    named = [(key, options[key.replace("_", "-")], value) for key, value in table.items()]
    return {option.name or key: _checked(key, option, value, where) for key, option, value in named}


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return the options that may stand in the file, by their long name without dashes."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    named = {name.lstrip("-"): option for option in options for name in option.opts if name.startswith("--")}
    return {name: option for name, option in named.items() if name not in NOT_HERE}


def _checked(key: str, option: click.Option, value: Any, where: str) -> Any:
    """Return *value* if it is of the option's kind; one value stands for a list of one. Click checks the rest."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise OptionError(f"`{key}` must be true or false", where=where, mend=f"Write {key} = true.")
        return value
    values = value if option.multiple and isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in values):
        kind = "text or a list of texts" if option.multiple else "text"
        raise OptionError(f"`{key}` must be {kind}", where=where, mend=f"Write {key} = '…'.")
    return [str(item) for item in values] if option.multiple else str(value)
