"""When a script starts, as one sentence without a full stop, in each language that the page speaks.

For cron expressions cronsim has the English words; the Chinese ones are made here of the same parsed fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Literal, NamedTuple

from cronsim.explain import Expression, Field, Sequence

Language = Literal["en", "zh-Hant"]
"""IETF language tags (RFC 5646)."""

REBOOT: dict[Language, str] = {"en": "When the machine has started", "zh-Hant": "機器開機後"}
BY_HAND: dict[Language, str] = {"en": "Started by hand only", "zh-Hant": "僅手動啟動"}
_ONCE: dict[Language, str] = {"en": "Once at {}", "zh-Hant": "僅一次：{}"}
_IN_ZONE: dict[Language, str] = {"en": "{} ({})", "zh-Hant": "{}（{}）"}
_UNITS = (
    (86_400_000, "day", "天"),
    (3_600_000, "hour", "小時"),
    (60_000, "minute", "分鐘"),
    (1000, "second", "秒"),
    (1, "millisecond", "毫秒"),
)


def once(moment: str, language: Language) -> str:
    """`moment` as a clock shows it, with its offset."""
    return _ONCE[language].format(moment)


def every(milliseconds: int, language: Language) -> str:
    """`Every 1 hour 30 minutes`, `Every hour`."""
    rest, parts = milliseconds, list[str]()
    for size, english, chinese in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {english}{'s' * (count > 1)}" if language == "en" else f"{count} {chinese}")
    text = " ".join(parts)
    alone = text.removeprefix("1 ") if len(parts) == 1 else text
    if language == "en":
        return f"Every {alone}"
    return f"每{alone}" if alone != text else f"每 {text}"


def cron(parts: list[str], timezone: str, language: Language) -> str:
    """`parts` are the six fields of an expression, or five, as cronsim has them."""
    return _IN_ZONE[language].format(_CRON[language](parts), timezone)


def _even_steps(parts: list[str]) -> tuple[int, int] | None:
    """The step, and which of second, minute and hour it is a step of, where that goes on evenly all the time."""
    match = re.fullmatch(r"((?:0 ){0,2})\*/(\d+)(?: \*)+", " ".join(parts))
    if match is None:
        return None
    unit, step = match[1].count("0"), int(match[2])
    return (step, unit) if step > 1 and (60, 60, 24)[unit] % step == 0 else None


# --- English ---------------------------------------------------------------------------------------


def _english(parts: list[str]) -> str:
    """cronsim's sentence, with plainer words for even steps, and English ordinals."""
    if even := _even_steps(parts):
        return f"Every {even[0]} {('second', 'minute', 'hour')[even[1]]}s"
    endings = {"1": "st", "2": "nd", "3": "rd"}
    explained = Expression([*parts]).explain()
    return re.sub(r"(?<=\b[2-5])([123])th\b", lambda digit: digit[1] + endings[digit[1]], explained)


# --- Chinese ---------------------------------------------------------------------------------------


class _Words(NamedTuple):
    """How the values of a field are told."""

    values: str
    """One or several, with their numbers."""
    each: str
    steps: str
    """Every so many."""
    of: int
    """How many steps go round."""


_SECOND = _Words("第 {} 秒", "每秒", "每 {} 秒", 60)
_MINUTE = _Words("第 {} 分", "每分鐘", "每 {} 分鐘", 60)
_HOUR = _Words("{} 時", "每小時", "每 {} 小時", 24)
_DAY = _Words("{} 日", "每天", "每 {} 天", 1)
_MONTH = _Words("{} 月", "每月", "每 {} 個月", 1)
_WEEKDAY = _Words("{}", "每天", "每 {} 天", 1)
_MOST_TIMES = 4
"""More times of day are told field by field."""


def _chinese(parts: list[str]) -> str:
    if even := _even_steps(parts):
        return (_SECOND, _MINUTE, _HOUR)[even[1]].steps.format(even[0])
    fields = Expression([*parts])
    times = _times(fields)
    time = times or _stretch(fields) or _clock_fields(fields)
    return _joined(_date(fields, every_day=times is not None), time)


def _times(fields: Expression) -> str | None:
    """Where they are few: `09:00、17:00`."""
    second, minute, hour = fields.second, fields.minute, fields.hour
    if not (second.all_singles and minute.all_singles and hour.all_singles):
        return None
    times = sorted(product(hour.singles(), minute.singles(), second.singles()))
    return (
        "、".join(_clock(*(time[:2] if second.zero else time)) for time in times) if len(times) <= _MOST_TIMES else None
    )


def _stretch(fields: Expression) -> str | None:
    """Part of the day: `09:00 至 17:59 每 5 分鐘`."""
    hours, minutes = fields.hour.parsed, fields.minute.parsed
    first, last = hours[0].start, hours[0].stop
    if len(hours) > 1 or len(minutes) > 1 or hours[0].step > 1 or first is None or last is None:
        return None
    if not fields.second.zero:
        return None
    (term,) = minutes
    if term.start is None and 60 % term.step == 0:
        return f"{_clock(first, 0)} 至 {_clock(last, 59)} {_each(term.step, _MINUTE)}"
    if first == last and term.start is not None and term.stop is not None:
        return f"{_clock(first, term.start)} 至 {_clock(first, term.stop)} {_each(term.step, _MINUTE)}"
    if fields.minute.zero:
        return f"{_clock(first, 0)} 至 {_clock(last, 0)} {_HOUR.each}整點"
    return None


def _clock_fields(fields: Expression) -> str:
    second, minute, hour = fields.second, fields.minute, fields.hour
    if second.star and minute.star and hour.star:
        return _SECOND.each
    told = "" if minute.star and hour.star else _told(hour, _HOUR)
    if minute.zero and second.zero:
        return told + "整點"
    told = _of(told, _told(minute, _MINUTE))
    return told if second.zero else _of(told, _told(second, _SECOND))


def _date(fields: Expression, every_day: bool) -> str:
    """`every_day`: say so where it is every day."""
    day, month, weekday = fields.day, fields.month, fields.dow
    months = "" if month.star else _told(month, _MONTH)
    if day.star and weekday.star:
        return months + (_DAY.each if every_day or months else "")
    both = not day.star and not weekday.star
    bare = bool(months) or (both and fields.day_and)
    weekdays = "、".join(_weekdays(term, every=not bare) for term in weekday.parsed)
    if day.star:
        return _of(months, weekdays)
    whole = f"{months}的" if months and (both or month.parsed[0].step > 1) else months
    days = _joined(whole or _MONTH.each, _told(day, _DAY, _last_day))
    return days if weekday.star else f"{days}{'且逢' if fields.day_and else '以及'}{weekdays}"


def _weekdays(term: Sequence, *, every: bool) -> str:
    """`每週一至週五`; `every`: where nothing said of which month."""
    if term.start is None or term.stop is None:
        return f"自週日起{_WEEKDAY.steps.format(term.step)}"
    if term.nth is not None:
        which = "最後一個" if term.nth == -1 else f"第 {term.nth} 個"
        return ("每月" if every else "") + which + _weekday(term.start)
    days = _weekday(term.start) + ("" if term.is_single() else f"至{_weekday(term.stop)}")
    return ("每" if every else "") + days + ("" if term.step == 1 else _WEEKDAY.steps.format(term.step))


def _weekday(day: int) -> str:
    return "週" + "日一二三四五六日"[day]


def _told(field: Field, words: _Words, nth: Callable[[int], str] = str) -> str:
    """All that a field says; `nth` has words for days that have no number."""
    if all(term.is_single() and term.nth is None for term in field.parsed):
        return words.values.format("、".join(map(str, field.singles())))
    return "、".join(_term(term, field, words, nth) for term in field.parsed)


def _term(term: Sequence, field: Field, words: _Words, nth: Callable[[int], str]) -> str:
    if term.start is None or term.stop is None:
        if words.of % term.step == 0:
            return _each(term.step, words)
        return _joined("自", words.values.format(field.min_value)) + f"起{words.steps.format(term.step)}"
    if term.nth is not None:
        return nth(term.start)
    if term.is_single():
        return words.values.format(term.start)
    stretch = words.values.format(f"{term.start} 至 {term.stop}")
    return stretch if term.step == 1 and words.of == 1 else stretch + _each(term.step, words)


def _last_day(day: int) -> str:
    return "最後一天" if day == -1 else "最後一個工作日"


def _each(step: int, words: _Words) -> str:
    return words.each if step == 1 else words.steps.format(step)


def _clock(hour: int, minute: int, second: int | None = None) -> str:
    return f"{hour:02}:{minute:02}" + ("" if second is None else f":{second:02}")


def _of(whole: str, part: str) -> str:
    return _joined(whole, part) if not whole or part.startswith(("自", "每")) else _joined(f"{whole}的", part)


def _joined(one: str, other: str) -> str:
    return f"{one} {other}" if one and other[:1].isdigit() else one + other


_CRON: dict[Language, Callable[[list[str]], str]] = {"en": _english, "zh-Hant": _chinese}
