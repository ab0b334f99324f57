"""What several commands share: the options that say how to read logs, `--config`, `--format`, `--fail-if`, exit code 3.

No room is imported until it is asked: `--jobs` must be known before polars is loaded, and `--help` loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from wslog.forms import Form

Command = TypeVar("Command", bound=Callable[..., None])

DEFAULTS: Final = Path("wslog.toml")
EXIT_THRESHOLD: Final = 3
_CONFIG_FILE: Final = "wslog.config_file"
CONFIG_NOTE: Final = "wslog.config_note"
"""Where a context's `meta` says which options a file set: for an error about one that nobody typed."""


def _load_defaults(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Put the options of wslog.toml under those of the command line."""
    file = value or (DEFAULTS if DEFAULTS.is_file() else None)
    if file is not None:
        from wslog.commands.defaults import read_defaults

        found = read_defaults(file, ctx.command)
        ctx.default_map = {**(ctx.default_map or {}), **found}
        ctx.meta[_CONFIG_FILE] = file
        if found:
            names = sorted(max(param.opts, key=len)[2:] for param in ctx.command.params if param.name in found)
            ctx.meta[CONFIG_NOTE] = f"Options set by {file}: {', '.join(names)}."
    return value


def config_file() -> Path | None:
    """Return the file of defaults that the running command took, if any."""
    return click.get_current_context().meta.get(_CONFIG_FILE)


_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
config_option: Final = click.option(
    "--config", type=_FILE, metavar="FILE", is_eager=True,
    expose_value=False, callback=_load_defaults, help="Options from a TOML file.  [default: wslog.toml, if there]",
)  # fmt: skip
"""The callback does all: commands don't get the file."""

timeouts_option: Final = click.option(
    "--timeouts", type=_FILE, metavar="FILE", help="Own timers (TOML, like the built-in ones).",
)  # fmt: skip
_HOW_TO_READ: Final = (
    click.option("--tz", multiple=True, metavar="[FORMAT=]ZONE", help="Zone of clocks that name none; repeatable."),
    click.option("--log-format", metavar="STRING", help="The text of an nginx log_format."),
    click.option("--nginx-conf", type=_FILE, metavar="FILE",
                 help="nginx.conf or `nginx -T` output."),
    click.option("--client-field", "client_fields", multiple=True, metavar="OURS=THEIRS",
                 help="Maps a client log field; repeatable."),
)  # fmt: skip


def reading_options(command: Command) -> Command:
    """Add what says how to read logs: `tz`, `log_format`, `nginx_conf`, `client_fields` (as typed, OURS=THEIRS)."""
    for option in reversed(_HOW_TO_READ):
        command = option(command)
    return command


def format_option(*forms: Form) -> Callable[[Command], Command]:
    """Return `--format`, handed over as `form`; without *forms* every form is offered."""
    choice = click.Choice(forms or tuple(Form), case_sensitive=False)
    return click.option("--format", "form", type=choice, default=Form.TEXT.value, show_default=True,
                        help="What goes to stdout.")  # fmt: skip


class _MetricsOption(click.Option):
    """An option whose help ends with the names of metrics, asked for only when the help is shown."""

    def __init__(self, *args: Any, metrics: Callable[[], Iterable[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._metrics = metrics

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help, completed."""
        record = super().get_help_record(ctx)
        return record and (record[0], f"{record[1]} Metrics: {', '.join(_by_pattern(self._metrics()))}.")


def fail_if_option(about: str, *, metrics: Callable[[], Iterable[str]]) -> Callable[[Command], Command]:
    """Return `--fail-if`.

    Args:
        about: Its help.
        metrics: Gives the names that it can ask for.
    """
    return click.option("--fail-if", cls=_MetricsOption, metrics=metrics, multiple=True, metavar="EXPR", help=about)


def _by_pattern(names: Iterable[str]) -> Iterable[str]:
    """Name the shares of the causes once."""
    return dict.fromkeys("cause:NAME_share" if name.startswith("cause:") else name for name in names)
