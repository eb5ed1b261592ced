"""Users of a service, and how they sign in."""

from __future__ import annotations

import json

from argon2 import PasswordHasher
from playwright.sync_api import Page, expect

PASSWORD = "correct horse"  # noqa: S105
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def users(*more: str) -> str:
    """The configuration's `users`: one of each role, who is called like it, and `more` who may edit."""
    roles = {**{role: role for role in ("scrape", "view", "operate", "edit")}, **dict.fromkeys(more, "edit")}
    return json.dumps([{"name": name, "role": role, "password_hash": _HASH} for name, role in roles.items()])


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """By the form, to which the page may still be on its way."""
    expect(page).to_have_title("Sign in – Cronscope")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
