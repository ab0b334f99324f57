"""The tree of an nginx configuration, each directive with its file and line, and what is wrong with the text.

Source: ngx_conf_file.c (ngx_conf_read_token), https://nginx.org/en/docs/beginners_guide.html#conf_structure
Nothing is raised: a broken configuration is read as far as it goes and its problems are kept.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from wslog.ingest.nginx.log_format_text import unquote

_DUMPED: Final = re.compile(r"^# configuration file (\S+?):[ \t]*\r?$", re.M)
_SAID_BY_NGINX: Final = re.compile(r"^nginx: .*$", re.M)  # `nginx -T 2>&1` mixes its own words in
_TOKEN: Final = re.compile(
    r"(?P<space>\s+)|(?P<comment>\#[^\n]*)|(?P<mark>[;{}])"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"|\'(?P<single>(?:[^\'\\]|\\.)*)\''
    r"|(?P<word>(?:\$\{[^}\s]*\}|\\.|[^\s;{}\\])(?:\$\{[^}\s]*\}|\\.|[^\s;{\\}])*)|(?P<odd>.)",
    re.S,
)
ONE_ARGUMENT: Final = re.compile(
    "proxy_(?:pass|(?:read|send|connect)_timeout|http_version|buffering)|send_timeout|worker_shutdown_timeout"
)
MAX_DEPTH: Final = 40  # of blocks and includes: more is a cycle or an attack
MAX_INCLUDES: Final = 1_000  # files taken in, again or not: each may include two others, and so on
MAX_INCLUDED: Final = 16 << 20  # characters of them


class Directive(Struct, frozen=True):
    """One directive. `block` is None for a simple one, empty for a block of Lua."""

    name: str
    args: tuple[str, ...]
    file: str
    line: int
    block: tuple[Directive, ...] | None = None

    @property
    def ref(self) -> str:
        """Where it stands, `file:line`."""
        return f"{self.file}:{self.line}"

    def walk(self, *, skip: frozenset[str] = frozenset()) -> Iterator[Directive]:
        """Yield all directives inside, depth first, without entering blocks named in *skip*."""
        for inner in self.block or ():
            yield inner
            if inner.name not in skip:
                yield from inner.walk(skip=skip)


class ConfTree(Struct, frozen=True):
    """A whole configuration. `problems` are sentences that begin with `file:line`."""

    root: Directive
    problems: tuple[str, ...] = ()

    def walk(self) -> Iterator[Directive]:
        """Yield every directive, depth first."""
        return self.root.walk()


class _Reader(Struct):
    """Reads files of one configuration; `texts` may be included by the one being read."""

    texts: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    n_included: int = 0
    chars_included: int = 0

    def read(self, path: str, opened: tuple[str, ...] = ()) -> tuple[Directive, ...]:
        self.used.add(path)
        tokens = _tokens(self.texts[path])
        return self._block(tokens, path, (*opened, path), start=0, depth=len(opened))

    def _block(
        self, tokens: Iterator[tuple[str, str, int]], path: str, opened: tuple[str, ...], *, start: int, depth: int
    ) -> tuple[Directive, ...]:
        """Read directives up to the `}` that closes the block opened in line *start* (0: the file itself)."""
        found: list[Directive] = []
        words: list[tuple[str, int]] = []
        for kind, text, line in tokens:
            if kind == "word":
                words.append((text, line))
                continue
            if text == "}":
                self._unended(words, path, found)
                if start:
                    return tuple(found)
                self.problems.append(f"{path}:{line}: a `}}` closes nothing")
            elif text == ";":
                found += self._simple(words, path, opened, depth) if words else ()
            else:
                is_read = text == "{" and depth < MAX_DEPTH
                block = self._block(tokens, path, opened, start=line, depth=depth + 1) if is_read else ()
                found.append(_directive(words or [("", line)], path, block))
            words = []
        self._unended(words, path, found)
        if start:
            self.problems.append(f"{path}:{start}: the block opened here is not closed")
        return tuple(found)

    def _unended(self, words: list[tuple[str, int]], path: str, found: list[Directive]) -> None:
        """Keep a directive that lacks its `;` before a `}` or the end, and say so."""
        if words:
            self._say_unended(words, path)
            found.append(_directive(words, path))

    def _say_unended(self, words: list[tuple[str, int]], path: str) -> None:
        name, line = words[0]
        self.problems.append(f"{path}:{line}: `{name[:60]}` is not ended by a `;`")

    def _simple(self, words: list[tuple[str, int]], path: str, opened: tuple[str, ...], depth: int) -> list[Directive]:
        """Return the directive of *words*, or what it includes."""
        (name, line), *args = words
        if (
            ONE_ARGUMENT.fullmatch(name) and len(args) > 1 and args[1][1] > args[0][1]
        ):  # the `;` before a new line is missing
            self._say_unended(words, path)
            return [_directive(words[:2], path), *self._simple(words[2:], path, opened, depth)]
        if name != "include" or len(args) != 1:
            return [_directive(words, path)]
        return self._include(args[0][0], f"{path}:{line}", opened, depth)

    def _include(self, pattern: str, ref: str, opened: tuple[str, ...], depth: int) -> list[Directive]:
        found: list[Directive] = []
        matches = [other for other in sorted(self.texts) if _includes(pattern, other, opened[0])]
        if not matches and "*" not in pattern and posixpath.basename(pattern) != "mime.types":
            self.problems.append(f"{ref}: `{pattern}` is not among the files given")
        for other in matches:
            if other in opened or depth + len(opened) > MAX_DEPTH:
                self.problems.append(f"{ref}: `{pattern}` includes itself")
            elif self._has_room(other, ref):
                found += self.read(other, opened)
        return found

    def _has_room(self, path: str, ref: str) -> bool:
        """Tell whether one more file may be taken in; the first that may not is a problem."""
        if self.n_included > MAX_INCLUDES:
            return False
        self.n_included += 1
        self.chars_included += len(self.texts[path])
        if self.n_included > MAX_INCLUDES or self.chars_included > MAX_INCLUDED:
            self.n_included = MAX_INCLUDES + 1
            self.problems.append(
                f"{ref}: more than {MAX_INCLUDES} files, or too much text, included: the rest is left out"
            )
            return False
        return True


def _directive(words: list[tuple[str, int]], path: str, block: tuple[Directive, ...] | None = None) -> Directive:
    (name, line), *args = words
    return Directive(name, tuple(text for text, _ in args), path, line, block)


def _includes(pattern: str, path: str, main: str) -> bool:
    """Tell whether `include pattern` of a configuration whose main file is *main* takes in *path*."""
    if path == main:
        return False
    folder = posixpath.dirname(main)
    wanted = [posixpath.join(folder, pattern)]
    # Copied from another machine, `/etc/nginx/conf.d/*.conf` lies in `conf.d` beside its main file.
    parts = pattern.strip("/").split("/")
    wanted += [posixpath.join(folder, *parts[start:]) for start in range(1, len(parts) - 1)]
    return any(fnmatch.fnmatchcase(posixpath.normpath(path), posixpath.normpath(name)) for name in wanted)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield `(kind, text, line)`: a `word`, or a `mark`: `;`, `{`, `}` or `lua` (a whole block that is not nginx's)."""
    position, line = 0, 1
    last = ""
    while hit := _TOKEN.match(text, position):
        kind = hit.lastgroup or "odd"
        position = hit.end()
        if kind == "mark" and hit[0] == "{" and last.endswith("_by_lua_block"):
            position = _lua_end(text, position)
            yield "mark", "lua", line
            last = ""
        elif kind == "mark":
            yield "mark", hit[0], line
            last = ""
        elif kind in ("double", "single", "word", "odd"):
            raw = hit[0] if kind in ("word", "odd") else hit[kind]
            # The first word decides: `set_by_lua_block $var {` has an argument before its block.
            last = last if last.endswith("_by_lua_block") else raw
            yield "word", raw if kind == "word" else unquote(raw), line
        line += text.count("\n", hit.start(), position)


def _lua_end(text: str, position: int) -> int:
    """Return where a Lua block that begins at *position* ends: braces counted, strings and comments passed over."""
    depth = 1
    for hit in re.compile(r"--[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[{}]", re.S).finditer(text, position):
        depth += {"{": 1, "}": -1}.get(hit[0], 0)
        if depth == 0:
            return hit.end()
    return len(text)


def read_conf(texts: Mapping[str, str]) -> ConfTree:
    """Read the configuration files among the inputs as one configuration.

    Args:
        texts: Path → text. A text may be the output of `nginx -T`, which holds many files. Files that no other includes
            are each read on their own: a folder of logs may have the configurations of several hosts.
    """
    files: dict[str, str] = {}
    mains: list[str] = []
    for path, text in texts.items():
        dumped = _split_dump(text.removeprefix("\ufeff"))
        mains.append(next(iter(dumped), path))
        files.update(dumped or {path: text.removeprefix("\ufeff")})
    reader = _Reader(files)
    # A main file has `http` or `events`; read those first, so that what they include is not read twice.
    mains.sort(key=lambda path: not re.search(r"^\s*(?:http|events|stream)\s*\{", files[path], re.M))
    found: list[Directive] = []
    for path in mains:
        if path not in reader.used:
            found += reader.read(path)
    return ConfTree(Directive("", (), mains[0] if mains else "", 0, tuple(found)), tuple(reader.problems))


def _split_dump(text: str) -> dict[str, str]:
    """Return the files of an `nginx -T` dump by path, empty if it is none."""
    starts = list(_DUMPED.finditer(text))
    ends = [*(hit.start() for hit in starts[1:]), len(text)][: len(starts)]
    return {hit[1]: _SAID_BY_NGINX.sub("", text[hit.end() + 1 : end]) for hit, end in zip(starts, ends, strict=True)}
