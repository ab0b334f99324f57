"""The command-line door: which commands there are, and how an error becomes a message and an exit code.

A command's module is imported only when that command runs, so that `wslog --help` needs neither polars nor matplotlib.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import click

from wslog import __version__
from wslog.errors import OptionError, WslogError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
SIGNALLED: Final = 128
"""A shell's exit code for what a signal ended: this, and the signal's number."""
MENDABLE: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES})
"""What a file system refuses and the user can mend, even where the system does not say which file it was."""
FEW_CYCLES: Final = 150_000
"""Objects made between two looks for garbage in cycles: imports make a hundred thousand, hardly any of it garbage."""
_MEND_MEMORY: Final = "Give the process more, or analyze fewer files at a time."
_MEND_FILE: Final = "Check that the path exists, that you may read or write it, and that the disk has room."


class Entry(NamedTuple):
    """Where a command lives, and the line about it in `wslog --help`."""

    target: str
    short_help: str


COMMANDS: Final[Mapping[str, Entry]] = {
    "analyze": Entry("wslog.commands.analyze:analyze", "Explain the 1006 closes in logs and write the report folder."),
    "report": Entry("wslog.commands.report:report", "Write the weekly reliability report from the history store."),
    "inspect": Entry("wslog.commands.inspect:inspect", "Show what each file is, and what it can and cannot prove."),
    "timeouts": Entry("wslog.commands.timeouts:timeouts", "List the known timers that end WebSockets."),
    "render": Entry("wslog.commands.render:render", "Show a saved analysis again, without its logs."),
}


def _config_note(ctx: click.Context) -> str | None:
    """Return which options a file set for the command that ran; None: none."""
    from wslog.commands.options import CONFIG_NOTE  # the command has it imported already

    note: str | None = ctx.meta.get(CONFIG_NOTE)
    return note


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports them when asked."""

    # The context is click's to hand over; the list of commands does not depend on it.
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order of `COMMANDS`: the main job first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].target.partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), attribute))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; of an error about an option say which ones a file set: nobody may have typed it."""
        try:
            return super().invoke(ctx)
        except WslogError as error:
            if "--" in str(error):
                error.mend = "\n".join(filter(None, (error.mend, _config_note(ctx))))
            raise
        except click.BadParameter as error:
            note = _config_note(ctx)
            if note is None or isinstance(error, click.MissingParameter):
                raise
            said = f"{error.message}\n{note}"
            raise click.BadParameter(said, ctx=error.ctx, param=error.param, param_hint=error.param_hint) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands from `COMMANDS` alone, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 could not be done, 2 wrong usage, 3 a --fail-if holds, 130 interrupted.",
)
@click.version_option(__version__, prog_name="wslog")
def cli() -> None:
    """Who closed these WebSockets with 1006, how do we know, and what do we change?

    \b
    Examples:
      wslog analyze logs/
      wslog analyze logs/ --since 24h --tz nginx-error=Europe/Berlin
      wslog analyze logs/ --store history/ && wslog report --store history/
      wslog inspect logs/nginx/
      wslog timeouts nginx
      wslog render wslog-report/analysis.json --format markdown
    """  # noqa: D301  (click wants a real backspace there)


def main() -> None:
    """Run `wslog` as a process."""
    gc.set_threshold(FEW_CYCLES)
    _unwind_when_told_to_stop()
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "█" gets "?", not a traceback
    code = run()
    gc.freeze()  # else the interpreter looks through all that was imported once more before it ends
    sys.exit(code)


def _unwind_when_told_to_stop() -> None:
    """Have SIGTERM, and SIGHUP of a terminal that closes, unwind like an error: half-written folders are removed."""
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
            signal.signal(number, lambda told, _: sys.exit(SIGNALLED + told))


def _open_closed_streams() -> None:
    """Give a process that was started without one of its streams (`wslog … >&-`) a null device there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  (open until the process ends)


def run(args: list[str] | None = None) -> int:
    """Run one command line and return its exit code: the only place where an error becomes one.

    A bug keeps its traceback; what the reader can mend (`WslogError`, a file system that says no) becomes a message.

    Args:
        args: The words after `wslog`; None: those of the process.
    """
    code: object = 0
    try:
        code = cli.main(args=args, prog_name="wslog", standalone_mode=False)
        sys.stdout.flush()
    except WslogError as error:
        code = _say(_error_text(error), code=EXIT_USAGE if isinstance(error, OptionError) else EXIT_FAILED)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = _say("Interrupted.", code=EXIT_INTERRUPTED)
    except BrokenPipeError:
        code = _close_quietly()
    except OSError as error:
        where = error.filename if error.filename is not None else _unnamed_place(error)
        if where is None:
            raise
        code = _say(f"Error: {where}: {error.strerror}\n{_MEND_FILE}", code=EXIT_FAILED)
    except MemoryError:
        code = _say(f"Error: there is not enough memory\n{_MEND_MEMORY}", code=EXIT_FAILED)
    return code if isinstance(code, int) else 0


def _error_text(error: WslogError) -> str:
    where = f"{error.where}: " if error.where else ""
    mend = f"\n{error.mend}" if error.mend else ""
    return f"Error: {where}{error.what}{mend}"


def _say(text: str, *, code: int) -> int:
    # The message may quote a log: line breaks are ours to keep, terminal commands are not.
    from wslog.render.escape import plain_block

    click.echo(plain_block(text), err=True)
    return code


def _unnamed_place(error: OSError) -> str | None:
    """Name what could not be used when the error does not: what was printing, or else a spool; None: not known."""
    if error.errno == errno.ENOENT and _is_homeless():
        return "the working folder"
    if error.errno not in MENDABLE:
        return None
    *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
    if innermost.f_code in (click.echo.__code__, run.__code__):
        _give_up_stdout()
        return "standard output"
    import tempfile

    return f"a temporary file in {tempfile.gettempdir()}"


def _is_homeless() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _close_quietly() -> int:
    """End without a word when the reader of stdout has gone (`wslog … | head`)."""
    _give_up_stdout()
    return 0


def _give_up_stdout() -> None:
    # Python flushes stdout once more at exit and would complain then; the documented way out is a null device
    # (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
