"""Hiding the values of secrets in a text that is no YAML, such as one that somebody is just writing by hand.

What such a text means nobody can tell.  So all that follows on what looks like the name of a secret is hidden, up to
where something else begins for certain.  Where that is just what stood there when the text was YAML, it is masked as
ever, and comes back; elsewhere there is a mark that nobody can save by mistake.  Lines stay where they are.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exporter.secrets import MASK, UNSEEN, hides
from exporter.settings import ScriptSettings, Settings, Tls, Token, User

_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""What else ends a line: YAML 1.1, 5.4."""
_WORD = r"""[^\s"'{}\[\],:=?&*!#|>@`%\\]+"""
_KEY = re.compile(
    rf"""(?P<lead>^[ \t]*(?:[-?:][ \t]+)*|[{{\[,][ \t]*(?:\?[ \t]+)?|:[ \t]+|(?<=["']))(?:[&!]\S*[ \t]+)*
    (?P<key>"(?:\\.|[^"\\])*"|'[^'\n]*'|{_WORD}(?:[ \t]+{_WORD})*(?=[ \t]*[:=])|{_WORD}|\*\S+|[|>])
    (?P<separator>[ \t]*[:=]|\s*\n[ \t]*:(?=\s))?""",
    re.MULTILINE | re.VERBOSE,
)
"""What may be a key, in whatever way it is written."""
_GIVEN = re.compile(r"""(?P<lead>)(?<![\w.-])(?P<key>\w[\w.-]*)(?P<separator>["'`)\]}>]*[ \t]*[:=])""")
"""A word that is given a value, wherever in a line, also where no key can be."""
_BEGINS = re.compile(r"""[ \t]*(?:[}\],]|(?:-[ \t]+)*(?:[\w.$/+-]+|"[\w.$/+ -]+"|'[\w.$/+ -]+')[ \t]*:(?:\s|$))""")
"""A line with which something else begins, unless it stands further in."""
_BEGUN = re.compile(r"[ \t]*[^\s|>&!\"'*\[{#]")
"""A value of which the line shows at least the beginning."""
_EMPTY = re.compile(r"[ \t]*(?:#.*)?\r?")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)
_PROPERTIES = re.compile(r"(?P<gap>\s*)(?:&(?P<anchor>\S+)\s+)?")
_QUOTED = re.compile(r"""\s*(?:[&!]\S*\s+)*(?:"(?:\\.|[^"\\])*(?:"|\Z)|'(?:''|[^'])*(?:'|\Z))""", re.DOTALL)
_OPEN = re.compile(r"\s*(?:[&!]\S*\s+)*[\[{]")
_BRACKETS = {"[": "]", "{": "}"}
_INDENT = re.compile(r"[ \t-]*")
_ANCHOR = re.compile(r"(?<!\S)&(\S+)(?=\s)")
_USED = re.compile(r"\*([^\s,}\]]+)")
_ALIAS = re.compile(r"[ \t]*\*([^\s,}\]]+)")
_BESIDE = re.compile(r"[ \t]*(?:(?<=\s)#.*)?\r?$|[ \t]*(?P<next>[,}\]])", re.MULTILINE)
"""What may stand behind a value that is whole."""
_IN_BRACES = re.compile(r"""[{,][ \t]*(?:[^\s,"']+|"[^"]*"|'[^']*')[ \t]*:[ \t]*(?:&\S+[ \t]+)?$""")
_SCRIPT = re.compile(r"""\bname["']?[ \t]*:[ \t]*["']?([\w.-]+)""")
_VALUE = "value"
"""No key of the configuration, but one that others have beside the name of a variable."""
_NOTHING = {'""', "''"}
_NEAR = 500
"""Characters before a key that are looked at."""
_OF_TLS = re.compile(
    rf"""\btls["']?[ \t]*:\s*(?:{{[^}}]*|(?:[ \t]*(?:{"|".join(Tls.__struct_fields__)})[ \t]*:.*\n)*[ \t]*)\Z"""
)
_OWN = {name for of in (Settings, ScriptSettings, User, Token) for name in of.__struct_fields__ if hides(name, ())}
"""Keys of the configuration that look like secrets."""


class _Hidden(NamedTuple):
    start: int
    end: int
    mask: str


class RoughMasking:
    """Of one text."""

    def __init__(self, text: str, known: Mapping[str, Mapping[str, str]], declared: set[str], open_: set[str]) -> None:
        """`known` has the values of secrets as they were written, by name and by script; `open_` lines without any."""
        self._written = text
        self._text = _BREAK.sub("\n", text)
        self._known = {
            name: {script: _BREAK.sub("\n", raw) for script, raw in of.items()} for name, of in known.items()
        }
        self._open = open_
        self._anchors: dict[str, list[int]] = {}
        """Behind each, by name."""
        for found in _ANCHOR.finditer(self._text):
            self._anchors.setdefault(found[1], []).append(found.end())
        self._aliases = {found[1] for found in _USED.finditer(self._text)}
        self._scripts = [(found.start(), found[1]) for found in _SCRIPT.finditer(self._text)]
        """Names, and where they stand."""
        self._declared = declared | ({*self._declared_here()} - {*ScriptSettings.__struct_fields__})

    def shown(self) -> str:
        pieces, at = [], 0
        for start, end, mask in sorted(self._hidden()):
            if start < at:  # within what is hidden already
                continue
            gap = "" if self._text[start - 1 : start].isspace() else " "
            lines = "".join(re.findall(r"\r?\n", self._text[start:end]))
            pieces += [self._written[at:start], f'{gap}"{mask}"{lines}']
            at = end
        return "".join([*pieces, self._written[at:]])

    def _declared_here(self) -> Iterator[str]:
        for found in re.finditer(r"""\bsecrets["']?[ \t]*:""", self._text):
            start = found.end()
            end = self._closed(start)
            if end in (start, len(self._text)):
                end = self._dedented(start, self._indent(start))
            yield from re.findall(r"\w+", self._text[start:end])

    def _hidden(self) -> Iterator[_Hidden]:
        """Where what is hidden stands, with what is shown there."""
        at = 0
        for start, column, name in self._places():
            alias = _ALIAS.match(self._text, start)
            anchors = self._anchors.get(alias[1], []) if alias else []
            for anchor in anchors:  # the value is written there
                yield from self._value(anchor, self._indent(anchor), name)
            if start >= at and not (alias and anchors and _BESIDE.match(self._text, alias.end())):
                for hidden in self._value(start, column, name):
                    at = hidden.end
                    yield hidden

    def _places(self) -> Iterator[tuple[int, int, str]]:
        """Where what belongs to a secret begins, the column of its key, and its name."""
        places: dict[int, tuple[int, str]] = {}
        for found in (*self._keys(), *_GIVEN.finditer(self._text)):
            if found.end() not in places and self._is_secret(found):
                places[found.end()] = self._column(found), found["key"].strip("\"'")
        return ((start, *places[start]) for start in sorted(places))

    def _keys(self) -> Iterator[re.Match[str]]:
        at = 0
        while found := _KEY.search(self._text, at):
            at = found.start("key") + 1  # quotes may be closed elsewhere than it seems
            yield found

    def _is_secret(self, found: re.Match[str]) -> bool:
        key, separator, explicit = found["key"], found["separator"], "?" in found["lead"]
        if separator is None and not explicit and (not self._begins_line(found) or key[0] in "\"'*|>"):
            return False
        if key[0] in "|>" or key[0] == "*":
            return explicit or key[0] == "*"
        if "\\" in key:
            return True
        name = key.strip("\"'")
        if not (hides(name, self._declared) or name == _VALUE) or name in _OWN:
            return False
        if name in Tls.__struct_fields__ and _OF_TLS.search(self._near(found.end("lead"))):
            return False
        return not self._is_open(found)

    def _is_open(self, found: re.Match[str]) -> bool:
        """Whether the value begins in a line that was shown while the text was YAML."""
        start, end = self._line_start(found.start("key")), self._line_end(found.end())
        return bool(_BEGUN.match(self._text, found.end(), end)) and self._text[start:end].rstrip("\r") in self._open

    def _value(self, start: int, column: int, name: str) -> Iterator[_Hidden]:
        """What stands there, if anything does."""
        end = self._dedented(self._closed(start), column)
        found = _PROPERTIES.match(self._text, start, end)
        assert found is not None
        anchor = found["anchor"]
        begin = found.end() if anchor in self._aliases else found.end("gap")
        for raw in self._before(name, start) | _NOTHING:
            if self._text.startswith(raw, begin) and self._is_whole(begin, begin + len(raw), column):
                if raw not in _NOTHING:
                    yield _Hidden(begin, begin + len(raw), MASK)
                return
        if _COMMENT.sub("", self._text[start:end]).strip():
            blank = len(self._text[start:end]) - len(self._text[start:end].lstrip(" \t"))
            yield _Hidden(start + blank, end, UNSEEN)

    def _before(self, name: str, at: int) -> set[str]:
        """What that is in every script, or else in the one that has its name above."""
        scripts = self._known.get(name, {})
        values = {*scripts.values()}
        if len(values) > 1:
            above = bisect_left(self._scripts, (at,))
            script = self._scripts[above - 1][1] if above else ""
            values = {scripts[script]} if script in scripts else set()
        return values

    def _is_whole(self, begin: int, behind: int, column: int) -> bool:
        """Whether a value of before is all that stands there."""
        if (found := _BESIDE.match(self._text, behind)) is None:
            return False
        if found["next"]:
            return self._text[begin] in "\"'" or bool(_IN_BRACES.search(self._near(begin)))
        return self._dedented(behind, column) == self._line_end(behind)

    def _dedented(self, start: int, column: int) -> int:
        """The end of the last line that may still belong to what stands there, below a key of that column."""
        end = at = self._line_end(start)
        while at < len(self._text):
            begin, at = at + 1, self._line_end(at + 1)
            line = self._text[begin:at]
            further = len(line) - len(line.lstrip(" \t")) > column
            if _EMPTY.fullmatch(line):
                end = at if further and line.strip() else end
            elif not further and _BEGINS.match(line):
                break
            else:
                end = at
        return end

    def _closed(self, start: int) -> int:
        """Where quotes or brackets that begin there are closed; the place itself where there are none."""
        if found := _QUOTED.match(self._text, start):
            return found.end()
        if (found := _OPEN.match(self._text, start)) is None:
            return start
        expected: list[str] = []
        for bracket in re.compile(r"[\[\]{}]").finditer(self._text, found.end() - 1):
            if bracket[0] in _BRACKETS:
                expected.append(_BRACKETS[bracket[0]])
            elif expected.pop() != bracket[0]:
                break
            if not expected:
                return bracket.end()
        return len(self._text)

    def _column(self, found: re.Match[str]) -> int:
        """Of a key: what belongs to it stands further in.  Of one in braces, that of the first thing in its line."""
        lead = found["lead"]
        at = found.start() + lead.index("?") if "?" in lead else found.end("lead")
        return at - self._line_start(at) if self._begins_line(found) else self._indent(at)

    def _begins_line(self, found: re.Match[str]) -> bool:
        return found.start() == self._line_start(found.start()) and not found["lead"].strip("-? \t")

    def _indent(self, at: int) -> int:
        found = _INDENT.match(self._text, self._line_start(at))
        return len(found[0]) if found else 0

    def _near(self, at: int) -> str:
        """What stands before."""
        return self._text[max(0, at - _NEAR) : at]

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        found = self._text.find("\n", at)
        return found if found >= 0 else len(self._text)
