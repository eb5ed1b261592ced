"""What is wrong with what was asked for, in the reader's language.

Faults are found in many places, and told in English there, as the command line and the log want them.  Those that a
user of the page meets in a form are known here by their English words, with the Chinese ones beside them; any other
stays in English, and is marked as such.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from exporter.sentences import Language

_MESSAGES = """
The configuration has faults; nothing was changed.
設定有錯誤，未做任何變更。
The schedule has faults.
排程有錯誤。
The body has faults.
送出的內容有錯誤。
The query has faults.
查詢條件有錯誤。
This takes the role {need}: sign in.
這需要 {need} 權限：請先登入。
This takes the role {need}, and {name} has none.
這需要 {need} 權限，而 {name} 沒有任何權限。
This takes the role {need}, and {name} has {role}.
這需要 {need} 權限，而 {name} 只有 {role}。
Nobody may do this.
沒有人可以這麼做。
The proxy tells a name that no user can have.
代理伺服器提供的名稱不可能是任何使用者的名稱。
With a session this takes the X-XSRF-Token that GET /api/v1/session tells.
以登入狀態變更時，需要 GET /api/v1/session 提供的 X-XSRF-Token。
This token is none of this service.
這不是本服務的權杖。
This token has expired.
這個權杖已過期。
Name or password is wrong.
名稱或密碼不正確。
Too many attempts to sign in: try again in {count} s.
登入嘗試次數過多：請於 {count} 秒後再試。
{path} can be read by every user of this machine, and may hold secrets: {command}
這台機器的每個使用者都能讀取 {path}，其中可能有機密值：請執行 {command}
{path} can be read by its group, and may hold secrets: {command}
其群組能讀取 {path}，其中可能有機密值：請執行 {command}
{path} can be read by every user of this machine, and holds a secret: {command}
這台機器的每個使用者都能讀取 {path}，其中有機密值：請執行 {command}
{path} can be read by every user of this machine, and holds a hash: {command}
這台機器的每個使用者都能讀取 {path}，其中有雜湊值：請執行 {command}
there is a script named {name} already
已有名為 {name} 的指令稿
no script is named {name}
沒有名為 {name} 的指令稿
there is no file {name}
檔案 {name} 不存在
{name} has been changed since: nothing was done
{name} 已被其他人變更：未做任何動作
The configuration of {name} has changed meanwhile; nothing was written.
{name} 的設定已被其他人變更，未寫入任何內容。
The configuration file has changed meanwhile; nothing was written.
設定檔已被其他人變更，未寫入任何內容。
{name} is running: stop it, or wait for its end, before you rename it.
{name} 正在執行：請先停止或等它結束，再改名。
{name} is running already, and its overlap rule is skip
{name} 已在執行，且設定為略過重疊的開始
the script in line {line} is named {name} too; every name must be unique
第 {line} 行的指令稿也叫 {name}；名稱不可重複
no `#!` line, which says what is to run the script: begin with {line}
缺少 `#!` 行，無法得知要用什麼執行此指令稿：請以 {line} 開頭
`#!` without a program: write #!/bin/sh, or whatever is to run the script
`#!` 之後沒有程式：請寫 #!/bin/sh，或要用來執行此指令稿的程式
`#!` takes the whole path of a program: write #!/usr/bin/env {name}
`#!` 需要程式的完整路徑：請寫 #!/usr/bin/env {name}
there is no program {program}: here {name} is {elsewhere}
沒有程式 {program}：這台機器上的 {name} 在 {elsewhere}
there is no program {program}: install it, or name another one
沒有程式 {program}：請安裝它，或改用其他程式
env takes all of `{words}` for a program's name: write #!/usr/bin/env -S …
env 會把整個 `{words}` 當成程式名稱：請寫 #!/usr/bin/env -S …
env is given no program: write #!/usr/bin/env python3, for example
env 之後沒有程式：請寫例如 #!/usr/bin/env python3
{name} is not installed, or not in the service's PATH ({path})
{name} 尚未安裝，或不在服務的 PATH 中（{path}）
the file is not executable: `chmod +x {name}` on the server, or a command that names the interpreter, helps
這個檔案無法直接執行：請在伺服器上執行 `chmod +x {name}`，或在命令中指定直譯器
a byte order mark comes before the script, which hides its first line: save as UTF-8 without it
指令稿之前有位元組順序記號（BOM），會使第一行失效：請存成不含 BOM 的 UTF-8
a NUL byte, which no script may hold: save as plain text in UTF-8
含有 NUL 位元組，指令稿中不可出現：請存成 UTF-8 純文字
lines that end as on Windows, in CRLF ({count} of them): save with LF alone at the end of lines
有 {count} 行使用 Windows 換行字元（CRLF）：請改為只用 LF 換行
the last line has no end, so that some tools pass over it: add a line break
最後一行沒有換行字元，有些工具會略過它：請加上換行
not valid YAML: {why}
不是有效的 YAML：{why}
missing; every script needs a name
缺少：每個指令稿都需要名稱
missing; every script needs a command
缺少：每個指令稿都需要命令
expected a command; this one is empty
命令不可為空
expected {least} or longer, not {value}
須為 {least} 或更長，而不是 {value}
*** (not shown) stands for a part that was not shown: write what is to stand there, or mend the file itself where it is
*** (not shown) 代表未顯示的部分：請寫出該處應有的內容，或直接在原處修正檔案
*** stands for a value that is not shown, and there is none: write the value itself
*** 代表未顯示的值，但這裡沒有既有的值：請直接輸入
expected {least} or more, not {value}
須為 {least} 或更多，而不是 {value}
no user of this machine is named {name}
這台機器上沒有名為 {name} 的使用者
no group of this machine is named {name}
這台機器上沒有名為 {name} 的群組
no user has the number {number}, so a group must be given too
沒有編號為 {number} 的使用者，因此也須指定群組
only a service that runs as root can give scripts another user or group; this one runs as {name}
只有以 root 執行的服務才能讓指令稿使用其他使用者或群組；此服務以 {name} 執行
expected one of cron, every and at, or none of them; here is {key} too
cron、every、at 最多只能有一個；這裡還有 {key}
expected one of cron, every and at
須有 cron、every、at 其中之一
expected one of cron, every and at; here is {key} too
cron、every、at 只能有一個；這裡還有 {key}
expected {form}, not {value}; put it in quotes
須為{form}，而不是 {value}；請加上引號
expected {form}, not nothing; empty text is written ""
須為{form}，不可留白；空白文字請寫 ""
expected {form}, not what looks like a token or a hash
須為{form}，而不是看似權杖或雜湊的內容
expected {form}, not an empty list
須為{form}，不可為空
expected {form}, not {value}
須為{form}，而不是 {value}
expected {form}
須為{form}
unknown key; did you mean {key}?
不認得的鍵；您是指 {key} 嗎？
unknown key; known here: {keys}
不認得的鍵；可用的有：{keys}
"{value}" is not a known time zone: write an IANA name such as Europe/Berlin, or local
沒有「{value}」這個時區：請使用 IANA 名稱，例如 Asia/Taipei，或 local
"{value}" never comes: no date fits all of its fields
「{value}」永遠不會到來：沒有任何日期符合所有欄位
"{value}" is not one of {choices}
「{value}」不在可用的名稱中：{choices}
{count} fields: write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, or one of {choices}
有 {count} 個欄位：請寫 5 個（分、時、日、月、星期）、6 個（最前面加秒），或下列之一：{choices}
{field}: "{value}" is not in {range}
{field}：「{value}」不在 {range} 之內
{field}: "{value}" has a step of 0: write 1 or more
{field}：「{value}」的間隔為 0：請寫 1 或更大
{field}: "{value}" runs backwards: write {right} to go round
{field}：「{value}」前後顛倒：若要跨越週期，請寫 {right}
{field}: "{value}" is not understood: accepted are {range}, lists (1,3), ranges (1-3), steps (*/2) and *
{field}：無法理解「{value}」：可用 {range}、列舉（1,3）、範圍（1-3）、間隔（*/2）與 *
"""
_FORMS = """
a name of at most 64 letters, digits, `_`, `.` and `-`, the first a letter or digit
名稱：最多 64 個英文字母、數字、_、. 與 -，開頭為字母或數字
a duration such as 500ms, 30s, 5m, 1h30m, 2d, or a number of seconds, at most 36525d
時間長度，例如 500ms、30s、5m、1h30m、2d 或秒數，最長 36525d
a size such as 64KiB, 10MiB, 1GiB, or a number of bytes
大小，例如 64KiB、10MiB、1GiB 或位元組數
the name or the number of an account such as backup or 1000
帳號的名稱或編號，例如 backup 或 1000
three octal digits in quotes such as "027", or four such as "0027"
加上引號的三位八進位數字，例如 "027"，或四位，例如 "0027"
a mapping with any of {names}
可含 {names} 的結構
a date and time with offset such as 2027-01-01T00:00:00+01:00
含時差的日期與時間，例如 2027-01-01T00:00:00+01:00
a whole number from {least} to {most}
 {least} 到 {most} 的整數
a whole number of {least} or more
 {least} 以上的整數
a number above {least}
大於 {least} 的數字
one of {choices}
下列之一：{choices}
a list, each item {form}
清單，每一項為{form}
a variable name: letters, digits and `_`, no digit first
變數名稱：英文字母、數字與 _，開頭不可為數字
a label name: letters, digits and `_`, no digit first
標籤名稱：英文字母、數字與 _，開頭不可為數字
text, or a list, each item text
文字，或每一項皆為文字的清單
text
文字
a mapping from names to text
名稱對應文字的結構
a mapping of runs, days and bytes
含 runs、days、bytes 的結構
a mapping with at least name and command
至少有 name 與 command 的結構
a mapping of keys such as listen and scripts
含 listen、scripts 等鍵的結構
a list of scripts, each a mapping
指令稿的清單
HOST:PORT such as 127.0.0.1:8917 or [::1]:8917
 HOST:PORT，例如 127.0.0.1:8917 或 [::1]:8917
a path
路徑
true or false
 true 或 false
"""
_FIELDS = """
second
秒
minute
分
hour
時
day of month
日
month
月
day of week
星期
"""


def _pairs(table: str) -> list[tuple[re.Pattern[str], str]]:
    lines = table.strip("\n").split("\n")
    return [(_pattern(english), chinese) for english, chinese in zip(lines[::2], lines[1::2], strict=True)]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*)", re.escape(template)), re.DOTALL)


_KNOWN = _pairs(_MESSAGES)
_WITHIN = {"form": _pairs(_FORMS), "field": _pairs(_FIELDS)}
"""Parts of messages that are to be translated by themselves."""


LONGEST = 2_000
"""Characters of a message that is looked up: whoever sends what it quotes could have them compared for seconds."""


class Told(NamedTuple):
    text: str
    language: Language


def in_language(message: str, language: Language) -> Told:
    """A message in this language, or as it is where that is not known.  `KEY: ` before it stays."""
    if language == "zh-Hant" and len(message) <= LONGEST:
        key, colon, rest = message.partition(": ")
        for before, text in ((key + colon, rest), ("", message)):
            if (told := _translated(text, _KNOWN)) is not None:
                return Told(before + told, language)
    return Told(message, "en")


def _translated(text: str, pairs: list[tuple[re.Pattern[str], str]]) -> str | None:
    for pattern, chinese in pairs:
        if (found := pattern.fullmatch(text)) is None:
            continue
        parts = {name: _part(name, value) for name, value in found.groupdict().items()}
        if None not in parts.values():
            return chinese.format(**parts)
    return None


def _part(name: str, text: str) -> str | None:
    return _translated(text, _WITHIN[name]) if name in _WITHIN else text
