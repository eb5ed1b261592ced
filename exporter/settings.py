"""The configuration as typed values: every key of `cronscope.yml`, its form and its default.

Reading and checking the file is the work of `exporter.config`; this module only says what may stand in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from exporter.events import Instant
from exporter.secrets import TOKEN_PREFIX

_SECONDS = r"[0-9]+(\.[0-9]+)?"
_DURATION_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_LONGEST = 36_525 * _DURATION_UNITS["d"]
_SIZE_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *(|B|KiB|MiB|GiB|TiB)")
_LARGEST = (1 << 63) - 1


class Duration(int):
    """A length of time in whole milliseconds, written `500ms`, `30s`, `1h30m`, `2d`, or as bare seconds."""

    __slots__ = ()
    pattern = f"^({_DURATION.pattern}|{_SECONDS})$"
    """Of texts that may be durations."""
    longest = _LONGEST // _DURATION_UNITS["s"]
    """In seconds."""
    form = "a duration such as 500ms, 30s, 5m, 1h30m, 2d, or a number of seconds, at most 36525d"

    @classmethod
    def parse(cls, value: object) -> Duration:
        """Raises ValueError where `value` has none of the accepted forms, or is longer than a hundred years."""
        if isinstance(value, str) and re.fullmatch(_SECONDS, value):
            value = float(value)
        milliseconds = -1.0
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            milliseconds = value * 1000
        elif isinstance(value, str) and _DURATION.fullmatch(value):
            parts = _DURATION_PART.findall(value)
            milliseconds = sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts)
        if 0 <= milliseconds <= _LONGEST:
            return cls(round(milliseconds))
        raise ValueError(f"expected {cls.form}")

    def seconds(self) -> float:
        return int(self) / 1000

    def __str__(self) -> str:
        """The shortest exact form, such as `1h30m`."""
        rest, text = int(self), ""
        for unit in ("d", "h", "m", "s", "ms"):
            count, rest = divmod(rest, _DURATION_UNITS[unit])
            text += f"{count}{unit}" if count else ""
        return text or "0s"


class Size(int):
    """A number of bytes, written `64KiB`, `10MiB`, or as bare bytes."""

    __slots__ = ()
    pattern = f"^({_SIZE.pattern})$"
    """Of texts that may be sizes."""
    form = "a size such as 64KiB, 10MiB, 1GiB, or a number of bytes"

    @classmethod
    def parse(cls, value: object) -> Size:
        """Raises ValueError where `value` has none of the accepted forms."""
        size = -1.0
        if isinstance(value, int) and not isinstance(value, bool):
            size = value
        elif isinstance(value, str) and (match := _SIZE.fullmatch(value)):
            size = float(match[1]) * _SIZE_UNITS[match[2]]
        if 0 <= size < _LARGEST:
            return cls(round(size))
        raise ValueError(f"expected {cls.form}")

    def __str__(self) -> str:
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if self and self % _SIZE_UNITS[unit] == 0:
                return f"{int(self) // _SIZE_UNITS[unit]}{unit}"
        return str(int(self))


class Account(str):
    """A user or a group, by name or by number."""

    __slots__ = ()
    pattern = r"^([A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]{1,9})$"
    form = "the name or the number of an account such as backup or 1000"

    @classmethod
    def parse(cls, value: object) -> Account:
        """Raises ValueError where `value` has none of the accepted forms."""
        if isinstance(value, (str, int)) and not isinstance(value, bool) and re.fullmatch(cls.pattern, str(value)):
            return cls(value)
        raise ValueError(f"expected {cls.form}")


# A description is what an error message calls the accepted form.
_NO_CREDENTIAL = rf"(?!{TOKEN_PREFIX}[A-Za-z0-9_-]{{16}}|[0-9A-Fa-f]{{64}}$)"
"""Names are shown and logged, and somebody may take one of these for the name of what it belongs to."""
FORMER_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""Of names in the history, where there may be some that are no longer taken."""
NAME_PATTERN = rf"^{_NO_CREDENTIAL}{FORMER_NAME_PATTERN}$"
Name = Annotated[
    str,
    Meta(pattern=NAME_PATTERN, description="a name of at most 64 letters, digits, `_`, `.` and `-`, the first a letter"
         " or digit"),
]  # fmt: skip
USER_NAME_PATTERN = rf"^{_NO_CREDENTIAL}[A-Za-z0-9][A-Za-z0-9_.@+-]{{0,63}}$"
UserName = Annotated[
    str,
    Meta(pattern=USER_NAME_PATTERN, description="a name or a mail address of at most 64 letters, digits, `_`, `.`, `-`,"
         " `+` and `@`, the first a letter or digit"),
]  # fmt: skip
LabelName = Annotated[
    str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", description="a label name: letters, digits and `_`, no digit first")
]
EnvName = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="a variable name: letters, digits and `_`, no digit first"),
]
Variables = Annotated[dict[EnvName, str], Meta(description="a mapping from names to text", extra={"secret": True})]
VariableNames = Annotated[
    list[EnvName],
    Meta(description="a list, each item a variable name: letters, digits and `_`, no digit first",
         extra={"secret": True}),
]  # fmt: skip
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)(:[0-9]{1,5})?"
AllowedHost = Annotated[
    str,
    Meta(pattern=rf"^({_HOST}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)$",
         description="a host name or address such as cron.example.org, without scheme or path"),
]  # fmt: skip
Listen = Annotated[
    str,
    Meta(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}$",
         description="HOST:PORT such as 127.0.0.1:8917 or [::1]:8917"),
]  # fmt: skip
AllowedOrigin = Annotated[
    str,
    Meta(pattern=rf"^[A-Za-z][A-Za-z0-9+.-]*://{_HOST}/?$",
         description="an origin such as https://grafana.example.org, without a path"),
]  # fmt: skip
Proxy = Annotated[
    str,
    Meta(pattern=r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
         description="an address or a network such as 127.0.0.1 or 10.0.0.0/8"),
]  # fmt: skip
HeaderName = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$", description="the name of a header such as Remote-User"),
]
UrlPrefix = Annotated[
    str,
    Meta(pattern=r"^((/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+/?|/?)$",
         description="a path such as /cronscope: letters, digits and . _ ~ - between slashes"),
]  # fmt: skip
WebAddress = Annotated[
    str,
    Meta(pattern=rf"^https?://{_HOST}(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$",
         description="an http or https address such as https://grafana.example.org, without a query"),
]  # fmt: skip
Umask = Annotated[
    str, Meta(pattern=r"^0?[0-7]{3}$", description='three octal digits in quotes such as "027", or four such as "0027"')
]
PasswordHash = Annotated[
    str,
    Meta(pattern=r"^\$argon2id\$v=19\$m=[0-9]{1,6},t=[0-9]{1,2},p=[0-9]{1,2}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$",
         description="an argon2id hash as cronscope passwd writes it", extra={"secret": True}),
]  # fmt: skip
Sha256 = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{64}$", description="64 hexadecimal digits as cronscope token writes them",
         extra={"secret": True}),
]  # fmt: skip
Role = Literal["scrape", "view", "operate", "edit"]
"""What somebody may do; each contains the one before."""
Anonymous = Literal["none", "scrape", "view"]
Overlap = Literal["skip", "queue", "replace", "allow"]
Missed = Literal["skip", "once", "all"]
SCHEDULES = ("cron", "every", "at")
"""Of these keys a script has one at most."""
OnShutdown = Literal["leave", "wait", "stop"]
LogOutput = Literal["none", "json", "json+output"]


class Retention(Struct, frozen=True, kw_only=True):
    """How much of a script's history is kept; unset: no limit of this kind.

    What a script's own `retention` does not name is as in that of the service.
    """

    runs: Annotated[int, Meta(ge=1)] | None = None
    days: Annotated[float, Meta(gt=0)] | None = None
    bytes: Size | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """What a script's processes may take, each of them by itself: setrlimit(2); unset: as much as the service.

    In a control group with controllers, memory and processes are those of a run together (`exporter.cgroups`).
    """

    memory: Size | None = None
    """Of address space."""
    cpu_time: Duration | None = None
    """In whole seconds, rounded up: SIGXCPU then, and SIGKILL 5 seconds later."""
    open_files: Annotated[int, Meta(ge=4, le=1 << 30)] | None = None
    processes: Annotated[int, Meta(ge=1, le=1 << 22)] | None = None
    """Of the script's user, all of them together; root has no such limit."""
    file_size: Size | None = None
    """Of each file that is written, the output too."""


class User(Struct, frozen=True, kw_only=True):
    """Somebody who signs in with a password.  One of `password_hash` and `password_hash_file` is set; with `auth_proxy`
    perhaps neither."""

    name: UserName
    password_hash: PasswordHash | None = None
    """Once read, also that of the file."""
    password_hash_file: Path | None = None
    """Of which the content is the hash: a secret of a container."""
    role: Role


class Token(Struct, frozen=True, kw_only=True):
    """What a program shows.  One of `sha256` and `sha256_file` is set."""

    name: Name
    sha256: Sha256 | None = None
    """Of the token, which stands nowhere.  Once read, also that of the file."""
    sha256_file: Path | None = None
    """Of which the content is the hash: a secret of a container."""
    role: Role
    expires: Instant | None = None
    """Unset: never."""


class ScriptSettings(Struct, frozen=True, kw_only=True):
    """One entry of `scripts`.  At most one of `cron`, `every` and `at` is set; none: started by hand only."""

    name: Name
    command: str | list[str]
    """Text is run by `/bin/sh -c`; a list is run as it is."""
    description: str = ""
    cron: str | None = None
    every: Duration | None = None
    at: Instant | None = None
    timezone: str | None = None
    """IANA name or `local`; unset: that of the service."""
    jitter: Duration = Duration(0)
    enabled: bool = True
    timeout: Duration = Duration(0)
    """0: none."""
    kill_after: Duration = Duration(10_000)
    overlap: Overlap = "skip"
    missed: Missed = "skip"
    retries: Annotated[int, Meta(ge=0, le=100)] = 0
    retry_delay: Duration = Duration(10_000)
    success_codes: Annotated[list[Annotated[int, Meta(ge=0, le=255)]], Meta(min_length=1)] = field(
        default_factory=lambda: [0]
    )
    max_output: Size = Size(10 << 20)
    workdir: Path = Path()
    """Absolute once read; the folder of the configuration file unless set."""
    env: Variables = {}
    env_file: Path | None = None
    secrets: VariableNames = []
    """Variables whose values are not shown, nor told where the command prints them, beside those whose names say so
    (`exporter.secrets`)."""
    user: Account | None = None
    """Who the command runs as; unset: as the service.  Only a service that runs as root may choose."""
    group: Account | None = None
    """Unset: that of the user, who has his other groups in any case."""
    umask: Umask | None = None
    nice: Annotated[int, Meta(ge=-20, le=19)] = 0
    """Added to that of the service: nice(1)."""
    limits: Limits = Limits()
    labels: dict[LabelName, str] = {}
    success_age_limit: Duration | None = None
    """Unset: derived from the schedule and the timeout."""
    retention: Retention = Retention()


class Tls(Struct, frozen=True, kw_only=True):
    """With what the service shows who it is: two files in PEM."""

    cert: Path
    """The certificate, and after it those that lead to its authority."""
    key: Path
    """The private key of the certificate, without a passphrase."""


class AuthProxy(Struct, frozen=True, kw_only=True):
    """Users sign in at a proxy of `trusted_proxies`, which tells their names; their roles are those in `users`."""

    header: HeaderName = "Remote-User"
    """Has the name in every request.  The proxy must not pass on one that came from elsewhere."""
    role: Role | None = None
    """Of whom `users` does not have; unset: they may do nothing."""


class Settings(Struct, frozen=True, kw_only=True):
    """The whole file.  Paths are absolute once read."""

    listen: Listen = "127.0.0.1:8917"
    """HOST:PORT; an IPv6 address in brackets; port 0 takes any free one."""
    metrics_listen: Listen | None = None
    """HOST:PORT of another address, for scraping alone; unset: none."""
    tls: Tls | None = None
    """Unset: by plain HTTP."""
    data_dir: Path = Path("data")
    scripts_dir: Path = Path("scripts")
    timezone: str = "local"
    sample_interval: Duration = Duration(2000)
    disk_path: Path = Path("/")
    max_concurrent_runs: Annotated[int, Meta(ge=1, le=10_000)] = 16
    allowed_hosts: list[AllowedHost] = []
    allowed_origins: list[AllowedOrigin] = []
    trusted_proxies: list[Proxy] = []
    """Addresses whose word on who asks, by `X-Forwarded-For`, `-Proto` and `-Host`, is believed."""
    auth_proxy: AuthProxy | None = None
    """Unset: no header says who asks."""
    users: list[User] = []
    tokens: list[Token] = []
    anonymous: Anonymous = "none"
    """What whoever comes without credentials may do where there are users or tokens; without any of these whoever
    reaches the service may do everything."""
    url_prefix: UrlPrefix = ""
    """Path under which everything is served; empty or `/`: at the root."""
    grafana_url: WebAddress | None = None
    """Address of a Grafana that has the dashboards that come along; the page links to it."""
    on_shutdown: OnShutdown = "leave"
    log_output: LogOutput = "none"
    """What is written to standard output: every run that has ended, and every line that runs print."""
    retention: Retention = Retention(runs=200, days=30, bytes=Size(256 << 20))
    scripts: list[ScriptSettings] = []

    @property
    def has_credentials(self) -> bool:
        """Whether there is anybody who could show who he is; else whoever reaches the service may do everything."""
        return bool(self.users or self.tokens or self.auth_proxy)

    @property
    def env_files(self) -> frozenset[Path]:
        """Those of all scripts."""
        return frozenset(script.env_file for script in self.scripts if script.env_file is not None)

    @property
    def prefix(self) -> str:
        """`url_prefix` as it stands before an address that begins with a slash."""
        return self.url_prefix.rstrip("/")
