"""Users and tokens in the configuration: what may stand there, and that no hash is told where something is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.config import read
from exporter.events import Instant
from exporter.faults import ConfigError
from exporter.settings import Settings, Token, User
from relay.translation import in_language

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$C7sJ8XzjYxHLJ0NRJuS6mJ0jqPV2bcSEHnGSrRmbMPg"
SHA256 = "0123456789abcdef" * 4
ADMIN = f"users: [{{name: admin, password_hash: '{HASH}', role: edit}}]\n"


def settings(text: str, folder: Path = Path("/etc"), environ: Mapping[str, str] | None = None) -> Settings:
    return read(text, folder / "cronscope.yml", environ=environ or {}, flags={}).settings


def faults(text: str, folder: Path = Path("/etc"), environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        settings(text, folder, environ)
    return [str(fault).removeprefix(f"{folder}/cronscope.yml:") for fault in raised.value.faults]


def test_users_and_tokens_have_a_role_each() -> None:
    read = settings(
        ADMIN + f"tokens:\n  - {{name: prometheus, sha256: '{SHA256}', role: scrape, expires: 2027-01-01T00:00:00Z}}\n"
    )
    assert read.users == [User(name="admin", password_hash=HASH, role="edit")]
    expires = Instant.parse("2027-01-01T00:00:00Z")
    assert read.tokens == [Token(name="prometheus", sha256=SHA256, role="scrape", expires=expires)]


def test_a_hash_may_come_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "admin").write_text(HASH + "\n")
    (tmp_path / "token").write_text(SHA256)
    read = settings(
        "users: [{name: a, role: view, password_hash_file: admin}]\n"
        f"tokens: [{{name: a, role: edit, sha256_file: {tmp_path}/token}}]",
        tmp_path,
    )
    assert (read.users[0].password_hash, read.tokens[0].sha256) == (HASH, SHA256)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users: admin", "1: users: expected a list of users, each a mapping, not a value"),
        ("users: [admin]", "1: users[0]: expected a mapping with name, password_hash and role, not a value"),
        (f"users: [{{name: a, password_hash: '{HASH}'}}]", "1: users[0].role: missing; each of these needs a role"),
        (f"users: [{{name: a, password_hash: '{HASH}', role: root}}]",
         '1: users[0].role: expected one of edit, operate, scrape, view, not "root"'),
        (f"users: [{{name: a b, password_hash: '{HASH}', role: edit}}]",
         '1: users[0].name: expected a name or a mail address of at most 64 letters, digits, `_`, `.`, `-`, `+`'
         ' and `@`, the first a letter or digit, not "a b"'),
        (f"users: [{{name: '{HASH}', password_hash: '{HASH}', role: edit}}]",
         '1: users[0].name: expected a name or a mail address of at most 64 letters, digits, `_`, `.`, `-`, `+`'
         ' and `@`, the first a letter or digit, not another text'),
        ("users: [{name: a, password_hash: hunter2, role: edit}]",
         "1: users[0].password_hash: expected an argon2id hash as cronscope passwd writes it, not another text"),
        ("users: [{name: a, role: edit}]",
         "1: users[0].password_hash: expected one of password_hash and password_hash_file, not none"),
        (f"users: [{{name: a, password_hash: '{HASH}', password_hash_file: x, role: edit}}]",
         "1: users[0].password_hash: expected one of password_hash and password_hash_file, not both"),
        ("tokens: [{name: a, role: edit, sha256: hunter2}]",
         "1: tokens[0].sha256: expected 64 hexadecimal digits as cronscope token writes them, not another text"),
        (f"tokens: [{{name: a, role: edit, sha256: '{SHA256}', expires: soon}}]",
         '1: tokens[0].expires: expected a date and time with offset such as 2027-01-01T00:00:00+01:00, not "soon"'),
        (ADMIN + "tokens:" + 2 * f"\n- {{name: a, role: edit, sha256: '{SHA256}'}}",
         "4: tokens[1].name: the one in line 3 is named a too; every name must be unique"),
        (ADMIN + "anonymous: edit", '2: anonymous: expected one of none, scrape, view, not "edit"'),
        ("\nanonymous: view", "2: anonymous: Without any user or token whoever reaches the service may do everything;"
                              " to allow view alone, make the first user: cronscope passwd admin"),
    ],
)  # fmt: skip
def test_every_fault_is_told_where_it_is_and_no_secret_with_it(text: str, expected: str) -> None:
    assert faults(text) == [expected]


def test_a_hash_that_lacks_its_quotes_is_not_told_either() -> None:
    found = faults(f"users: [{{name: a, role: edit, password_hash: {HASH}}}]")
    assert "1: users[0]: unknown key, which may be a part of a hash; a hash needs quotes" in found
    assert not [fault for fault in found if "c29tZXNhbHR" in fault or "C7sJ8XzjYxHL" in fault]


def test_what_a_file_holds_in_place_of_a_hash_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("hunter2")
    text = "users:\n- {name: a, role: view, password_hash_file: wrong}\n- {name: b, role: view, password_hash_file: no}"
    text += "\n- {name: c, role: view, password_hash_file: /no/admin.hash}"
    text += "\n- {name: d, role: view, password_hash_file: pipe}"
    os.mkfifo(tmp_path / "pipe")
    assert faults(text, tmp_path) == [
        f"2: users[0].password_hash_file: {tmp_path}/wrong cannot be used: expected an argon2id hash as cronscope"
        " passwd writes it",
        "3: users[1].password_hash_file: expected the path of a file: No such file or directory",
        "4: users[2].password_hash_file: /no/admin.hash cannot be used: No such file or directory",
        f"5: users[3].password_hash_file: {tmp_path}/pipe cannot be used: not a regular file",
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("users: {}", "users"),
        ("tokens: {}", "tokens"),
        ("users: [{}]", "users[0]"),
        ("users: [[{}]]", "users[0]"),
        ("users: [{{name: a, role: view, password_hash_file: {}}}]", "users[0].password_hash_file"),
        ("tokens: [{{name: a, role: view, sha256_file: {}}}]", "tokens[0].sha256_file"),
        ("tokens: [{{name: a, role: view, sha256: {}}}]", "tokens[0].sha256"),
        (f"users: [{{{{name: a, role: {{}}, password_hash: '{HASH}'}}}}]", "users[0].role"),
        (f"tokens: [{{{{name: a, role: view, sha256: '{SHA256}', expires: {{}}}}}}]", "tokens[0].expires"),
        (f"tokens: [{{{{name: a, role: view, sha256: '{SHA256}', <<: [{{}}]}}}}]", "tokens[0].<<"),
    ],
)
@pytest.mark.parametrize("misplaced", [HASH, f"cst_{'Ab1-' * 11}.", HASH[:58] + "/" + HASH[58:]])
def test_a_hash_or_token_in_the_wrong_place_is_not_told(text: str, where: str, misplaced: str) -> None:
    [fault] = faults(text.format(f"'{misplaced}'"))
    assert fault.startswith(f"1: {where}: expected ")
    assert misplaced[:4] not in fault
    assert misplaced[-9:] not in fault


@pytest.mark.parametrize("misplaced", [f"cst_{'Ab1-' * 10}xyz", f"cst_{'A' * 16}", SHA256, SHA256.upper()])
@pytest.mark.parametrize(
    "text",
    [
        f"users: [{{{{name: '{{}}', password_hash: '{HASH}', role: edit}}}}]",
        f"tokens: [{{{{name: '{{}}', sha256: '{SHA256}', role: edit}}}}]",
        "scripts: [{{name: '{}', command: x}}]",
        "scripts: [{{name: a, timeout: '{}', command: x}}]",
    ],
)
def test_a_token_or_a_hash_is_no_name_and_told_nowhere(text: str, misplaced: str) -> None:
    [fault] = faults(text.format(misplaced))
    assert "expected " in fault
    assert misplaced[4:12] not in fault
    message = fault.partition(": ")[2]
    assert "scripts" not in text or in_language(message, "zh-Hant").language == "zh-Hant"


def test_a_name_may_begin_like_a_token_and_have_the_digits_of_one() -> None:
    assert settings(f"scripts: [{{name: cst_daily, command: x}}, {{name: '{SHA256[:32]}', command: x}}]").scripts


def test_a_file_that_is_there_but_cannot_be_used_is_told(tmp_path: Path) -> None:
    [fault] = faults("tokens: [{name: a, role: view, sha256_file: .}]", tmp_path)
    assert fault == f"1: tokens[0].sha256_file: {tmp_path} cannot be used: Is a directory"


def test_faulty_users_are_no_reason_to_tell_of_the_address_too() -> None:
    assert len(faults("listen: 0.0.0.0:80\nusers: [{name: a, role: edit}]")) == 1


def test_an_address_in_the_environment_needs_credentials_too() -> None:
    environ = {"CRONSCOPE_LISTEN": "0.0.0.0:80"}
    [fault] = faults("", environ=environ)
    assert fault.startswith("environment: CRONSCOPE_LISTEN: Without any user or token")
    assert settings(ADMIN, environ=environ).listen == "0.0.0.0:80"
