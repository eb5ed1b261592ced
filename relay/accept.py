"""What a request's `Accept`, `Accept-Encoding` and `Accept-Language` ask for (RFC 9110, 12.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.sentences import Language

_WEIGHT = re.compile(r"[01](\.[0-9]*)?")
_LANGUAGES: dict[str, Language] = {"en": "en", "zh": "zh-Hant"}
"""By primary subtag: readers of any Chinese are served better by Chinese."""
_FORMATS = ("application/openmetrics-text", "text/plain", "text/*", "*/*")


def accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110, 12.5.3; `*` is not taken for gzip, so that only who names it gets it."""
    codings = (weight for _, coding, weight in _weighed(accept_encoding) if coding in ("gzip", "x-gzip"))
    return next((weight != 0 for weight in codings), False)


def preferred_format(accept: str) -> str:
    """The item that weighs most among those that can be served, the first of equals (RFC 9110, 12.5.1)."""
    served = [(weight, item) for item, kind, weight in _weighed(accept) if kind in _FORMATS and weight]
    return max(served, key=lambda each: each[0], default=(0.0, ""))[1]


def preferred_language(accept_language: str) -> Language:
    """The language that weighs most among those that are spoken, the first of equals; English where none is named."""
    spoken = [
        (weight, _LANGUAGES[primary])
        for _, tag, weight in _weighed(accept_language)
        if weight and (primary := tag.partition("-")[0]) in _LANGUAGES
    ]
    return max(spoken, key=lambda each: each[0], default=(0.0, _LANGUAGES["en"]))[1]


def _weighed(header: str) -> Iterator[tuple[str, str, float | None]]:
    """The items of a list as written, what each is about, and its weight (RFC 9110, 12.4.2); None: malformed."""
    for item in header.split(","):
        about, *parameters = (part.strip() for part in item.lower().split(";"))
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        yield item, about, float(weight) if _WEIGHT.fullmatch(weight) else None
