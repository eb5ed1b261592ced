"""Whose rights a script's command has: accounts of the system, and what cron would set for them."""

from __future__ import annotations

import grp
import os
import pwd
from typing import NamedTuple

from exporter.settings import Account

PATH = "/usr/bin:/bin"
SHELL = "/bin/sh"
"""Of every user, as in Debian's cron."""
ROOT_ONLY = "only a service that runs as root can give scripts another user or group; this one runs as {name}"


class UnknownAccount(LookupError):
    """The system has no such user or group; the message says so."""


class Identity(NamedTuple):
    uid: int
    gid: int
    groups: list[int]
    """The supplementary ones: initgroups(3)."""
    name: str
    home: str

    def variables(self) -> dict[str, str]:
        """What cron sets for the user: crontab(5)."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "SHELL": SHELL, "PATH": PATH}


def identity(user: Account | None, group: Account | None) -> Identity:
    """Of a user, or the service's own where only a group is given.  Raises UnknownAccount.

    A number that no user has is taken with nothing but a group, which must be given then.
    """
    entry = find_user(Account(os.geteuid()) if user is None else user)
    if entry is None:
        if group is None:
            raise UnknownAccount(f"no user has the number {user}, so a group must be given too")
        gid = find_group(group)
        return Identity(int(user or 0), gid, [gid], str(user), "/")
    gid = entry.pw_gid if group is None else find_group(group)
    return Identity(entry.pw_uid, gid, os.getgrouplist(entry.pw_name, gid), entry.pw_name, entry.pw_dir)


def find_user(user: Account) -> pwd.struct_passwd | None:
    """None for a number that no user has.  Raises UnknownAccount for a name that none has."""
    try:
        return pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        if user.isdecimal():
            return None
        raise UnknownAccount(f"no user of this machine is named {user}") from None


def find_group(group: Account) -> int:
    """Its number, whether any group has that or not.  Raises UnknownAccount for a name that none has."""
    try:
        return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise UnknownAccount(f"no group of this machine is named {group}") from None


def refusal() -> str | None:
    """Why this process cannot give scripts another user or group; None where it can."""
    if os.geteuid() == 0:
        return None
    return ROOT_ONLY.format(name=name_of(os.geteuid()))


def name_of(uid: int) -> str:
    """Of a user; the number where it has none."""
    entry = find_user(Account(uid))
    return str(uid) if entry is None else entry.pw_name
