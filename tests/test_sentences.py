"""When a script starts, in a sentence: in English and in Traditional Chinese, side by side."""

from __future__ import annotations

import pytest

from exporter.events import Instant
from exporter.settings import Duration, ScriptSettings
from exporter.triggers import timing


def told(**schedule: object) -> tuple[str, str]:
    when = timing(ScriptSettings(name="job", command="true", **schedule), "Asia/Taipei")  # type: ignore[arg-type]
    return when.describe(), when.describe("zh-Hant")


CRON = """\
15 3 * * *
  At 03:15 every day
  每天 03:15
0 * * * *
  At the start of every hour
  每小時整點
* * * * *
  Every minute
  每分鐘
* * * * * *
  Every second
  每秒
30 * * * * *
  At second 30 of every minute
  每分鐘的第 30 秒
*/15 * * * *
  Every 15 minutes
  每 15 分鐘
*/10 * * * * *
  Every 10 seconds
  每 10 秒
0 */6 * * *
  Every 6 hours
  每 6 小時
*/7 * * * *
  Every seventh minute of every hour
  每小時自第 0 分起每 7 分鐘
5 * * * *
  At minute 5 of every hour
  每小時的第 5 分
5,20 * * * *
  At minutes 5 and 20 of every hour
  每小時的第 5、20 分
10-30 * * * *
  Every minute from 10 through 30 of every hour
  每小時的第 10 至 30 分每分鐘
10-30/5 * * * *
  Every fifth minute from 10 through 30 of every hour
  每小時的第 10 至 30 分每 5 分鐘
1,10-20 * * * *
  At minute 1 and every minute from 10 through 20 of every hour
  每小時的第 1 分、第 10 至 20 分每分鐘
*/5 9-17 * * MON-FRI
  Every fifth minute from 09:00 through 17:59 on Monday through Friday
  每週一至週五 09:00 至 17:59 每 5 分鐘
* 9-17 * * *
  Every minute from 09:00 through 17:59
  09:00 至 17:59 每分鐘
0 9-17 * * *
  At minute 0 past every hour from 9 through 17
  09:00 至 17:00 每小時整點
0-10 11 * * *
  Every minute from 11:00 through 11:10
  11:00 至 11:10 每分鐘
0 9,17 * * *
  At 09:00 and 17:00 every day
  每天 09:00、17:00
0,30 9,17 * * *
  At 09:00, 09:30, 17:00, and 17:30 every day
  每天 09:00、09:30、17:00、17:30
0,15,30 9,17 * * *
  At minutes 0, 15, and 30 past hours 9 and 17
  9、17 時的第 0、15、30 分
0 */5 * * *
  At minute 0 past every fifth hour
  自 0 時起每 5 小時整點
0 8-18/2 * * *
  At minute 0 past every second hour from 8 through 18
  8 至 18 時每 2 小時整點
30 15 3 * * *
  At 03:15:30 every day
  每天 03:15:30
*/20 15 3 * * *
  Every 20th second at minute 15 past hour 3
  3 時的第 15 分每 20 秒
*/10 * 9-17 * * *
  Every 10th second every minute past every hour from 9 through 17
  9 至 17 時每小時每分鐘每 10 秒
30 5 * * * *
  At second 30 at minute 5 past every hour
  每小時的第 5 分的第 30 秒
0 0 22 * *
  At 00:00 on the 22nd day of every month
  每月 22 日 00:00
0 0 1,15 * *
  At 00:00 on the first and the 15th day of month
  每月 1、15 日 00:00
0 0 1-7 * *
  At 00:00 on every day of month from 1 through 7
  每月 1 至 7 日 00:00
0 0 */2 * *
  At 00:00 on every second day of month
  每月自 1 日起每 2 天 00:00
0 0 L * *
  At 00:00 on the last day of every month
  每月最後一天 00:00
0 0 LW * *
  At 00:00 on the last weekday of every month
  每月最後一個工作日 00:00
0 0 1 1 *
  At 00:00 on January 1
  1 月 1 日 00:00
0 0 1 1,7 *
  At 00:00 on the first day of January and July
  1、7 月 1 日 00:00
0 0 L 1-3 *
  At 00:00 on the last day of every month from January through March
  1 至 3 月最後一天 00:00
0 0 * 1 *
  At 00:00 every day in January
  1 月每天 00:00
0 0 1 */2 *
  At 00:00 on the first day of every second month
  自 1 月起每 2 個月的 1 日 00:00
0 0 1 2-8/2 *
  At 00:00 on the first day of every second month from February through August
  2 至 8 月每 2 個月的 1 日 00:00
30 6 * * MON-FRI
  At 06:30 on Monday through Friday
  每週一至週五 06:30
0 0 * * fri-sun
  At 00:00 on Friday through Sunday
  每週五至週日 00:00
0 9 * * MON,WED
  At 09:00 on Monday and Wednesday
  每週一、每週三 09:00
0 0 * * 5L
  At 00:00 on the last Friday of the month
  每月最後一個週五 00:00
0 0 * * 1#2
  At 00:00 on the second Monday of the month
  每月第 2 個週一 00:00
0 0 * * 1,5L
  At 00:00 on Monday and the last Friday of the month
  每週一、每月最後一個週五 00:00
0 0 * 1 MON
  At 00:00 on Monday in January
  1 月的週一 00:00
0 0 * 1,2 1#1
  At 00:00 on the first Monday of the month in January and February
  1、2 月的第 1 個週一 00:00
0 0 13 * 5
  At 00:00 on the 13th day of month and on Friday
  每月 13 日以及每週五 00:00
0 0 */2 * 5
  At 00:00 on every second day of month if it's on Friday
  每月自 1 日起每 2 天且逢週五 00:00
* * * 1 *
  Every minute in January
  1 月每天每分鐘
* * * * MON
  Every minute on Monday
  每週一每分鐘
0 * * * MON
  At the start of every hour on Monday
  每週一每小時整點
*/15 * 1 * *
  Every 15th minute of every hour on the first day of every month
  每月 1 日每小時每 15 分鐘
0 0 * * */2
  At 00:00 on every second day of week
  自週日起每 2 天 00:00
0 0 * * 1-5/2
  At 00:00 on every second day of week from Monday through Friday
  每週一至週五每 2 天 00:00
0 9 15 6 MON
  At 09:00 on the 15th day of month and on Monday in June
  6 月的 15 日以及週一 09:00
*/5 0 * * *
  Every fifth minute from 00:00 through 00:59
  00:00 至 00:59 每 5 分鐘
0-10 0 * * *
  Every minute from 0 through 10 past hour 0
  00:00 至 00:10 每分鐘
1-30/3 1-5 * * *
  Every third minute from 1 through 30 past every hour from 1 through 5
  1 至 5 時每小時的第 1 至 30 分每 3 分鐘
* 1,5 * * *
  Every minute past hours 1 and 5
  1、5 時每分鐘
0 0 1,L * *
  At 00:00 on the first and the last day of month
  每月 1 日、最後一天 00:00
0 0 * 6-8 MON-FRI
  At 00:00 on Monday through Friday in every month from June through August
  6 至 8 月的週一至週五 00:00
"""
_LINES = [line.strip() for line in CRON.splitlines()]


@pytest.mark.parametrize(
    ("expression", "english", "chinese"), zip(_LINES[::3], _LINES[1::3], _LINES[2::3], strict=True)
)
def test_a_cron_expression_is_told_in_both_languages(expression: str, english: str, chinese: str) -> None:
    assert told(cron=expression) == (f"{english} (Asia/Taipei)", f"{chinese}（Asia/Taipei）")


@pytest.mark.parametrize(
    ("every", "english", "chinese"),
    [
        ("30s", "Every 30 seconds", "每 30 秒"),
        ("1m", "Every minute", "每分鐘"),
        ("3600", "Every hour", "每小時"),
        ("1h30m", "Every 1 hour 30 minutes", "每 1 小時 30 分鐘"),
        ("2d500ms", "Every 2 days 500 milliseconds", "每 2 天 500 毫秒"),
    ],
)
def test_an_interval_is_told_in_both_languages(every: str, english: str, chinese: str) -> None:
    assert told(every=Duration.parse(every)) == (english, chinese)


def test_other_starts_are_told_in_both_languages() -> None:
    at = Instant.parse("2026-12-31T23:00:00Z")
    assert told(at=at) == ("Once at 2027-01-01 07:00:00+08:00", "僅一次：2027-01-01 07:00:00+08:00")
    assert told(cron="@reboot") == ("When the machine has started", "機器開機後")
    assert told() == ("Started by hand only", "僅手動啟動")
