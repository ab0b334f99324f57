"""The one error family: what went wrong, where, and how to mend it."""

from __future__ import annotations


class WslogError(Exception):
    """Something the reader can mend; the command line turns it into a message and exit code 1, `OptionError` into 2.

    Args:
        what: What is wrong, without a full stop.
        where: The file, `file:line`, option or timer id it is about, if known.
        mend: What to do about it, as an instruction.
    """

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(self._message())

    def _message(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n{self.mend}" if self.mend else head

    def at(self, where: str) -> WslogError:
        """Return the same error with *where* added, if deeper code did not know it."""
        return type(self)(self.what, where=self.where or where, mend=self.mend)


class InputError(WslogError):
    """An input cannot be read or holds nothing that wslog can use."""


class OptionError(WslogError):
    """An option's value cannot be understood."""


class OutputError(WslogError):
    """What was made cannot be written to its place."""


class KnowledgeError(WslogError):
    """A file of timeouts breaks its own form."""


class SavedAnalysisError(WslogError):
    """An `analysis.json` cannot be read back."""


class StoreError(WslogError):
    """The history store cannot be used as it is."""
