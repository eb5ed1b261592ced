"""Making users and tokens, and asking a service that has some."""

from __future__ import annotations

import base64
import http.client
import json
import os
import pty
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher

from exporter.config import load
from exporter.settings import Settings
from relay import roles
from relay.access import sha256_of
from relay.login import FORM
from tests.command_line import PROGRAM, cronscope, invoke
from tests.service import Service, until

TEXT = """\
# Ours.
listen: 127.0.0.1:0   # by chance
scripts:
  - name: hello       # greets
    command: echo hello
"""
PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "cronscope.yml"
    file.write_text(TEXT)
    file.chmod(0o600)
    return file


def settings(file: Path) -> Settings:
    return load(file, environ={}, flags={}).settings


def passwd(file: Path, *arguments: str, password: str = PASSWORD) -> tuple[int, str]:
    result = cronscope("passwd", "-c", file, *arguments, "--stdin", stdin=f"{password}\n")
    return result.returncode, result.stdout + result.stderr


def test_what_is_said_in_comments_below_the_last_script_stays_with_it(file: Path) -> None:
    below = "  # Below: every key.\n  - name: a\n    command: b\n    # jitter: 0s\n    # env_file: c\n"
    file.write_text(f"scripts:\n{below}")
    assert passwd(file, "admin")[0] == 0
    assert file.read_text().startswith(f"scripts:\n{below}users:\n")


def test_passwd_makes_the_first_user_an_administrator_and_others_viewers(file: Path) -> None:
    assert passwd(file, "admin") == (0, "admin may sign in now, with the role edit\n")
    assert passwd(file, "bob") == (0, "bob may sign in now, with the role view\n")
    assert passwd(file, "carol", "--role", "operate")[0] == 0
    assert file.read_text().startswith(TEXT)
    users = settings(file).users
    assert [(user.name, user.role) for user in users] == [("admin", "edit"), ("bob", "view"), ("carol", "operate")]
    assert PasswordHasher().verify(users[0].password_hash or "", PASSWORD)


def test_passwd_changes_the_password_and_keeps_role_and_comments(file: Path) -> None:
    passwd(file, "bob", "--role", "operate")
    file.write_text(file.read_text().replace("- name: bob", "- name: bob  # of the night shift"))
    before = settings(file).users[0].password_hash
    assert passwd(file, "bob", password=f"another {PASSWORD}") == (0, "bob may sign in now, with the role operate\n")
    [user] = settings(file).users
    assert user.password_hash != before
    assert PasswordHasher().verify(user.password_hash or "", f"another {PASSWORD}")
    assert "# of the night shift" in file.read_text()


def typed(arguments: Sequence[str | Path], *answers: tuple[str, str]) -> tuple[int, str]:
    """Exit code and standard error of a command at a terminal, where each prompt gets its answer."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, *map(str, arguments)]
    told = ""
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        for prompt, answer in answers:
            while not told.endswith(prompt):
                character = process.stderr.read(1)
                assert character, told
                told += character
            os.write(ours, f"{answer}\n".encode())
        told += process.stderr.read()
    os.set_blocking(ours, False)
    with suppress(BlockingIOError):
        told += os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    return process.returncode, told


def test_a_terminal_is_asked_twice_without_an_echo(file: Path) -> None:
    asked = [
        ("Password: ", PASSWORD),
        ("Once more: ", "wrong horse"),
        ("Password: ", PASSWORD),
        ("Once more: ", PASSWORD),
    ]
    code, told = typed(["passwd", "-c", file, "admin"], *asked)
    assert code == 0
    assert [user.name for user in settings(file).users] == ["admin"]
    assert ("do not match" in told, "horse" in told) == (True, False)


def test_what_is_no_password_changes_nothing(file: Path) -> None:
    assert passwd(file, "admin", password=PASSWORD[:7]) == (
        1, "Error: a password has 8 to 1024 characters; nothing was changed\n",
    )  # fmt: skip
    command = [*PROGRAM, "passwd", "-c", str(file), "admin", "--stdin"]
    told = subprocess.run(command, input=b"\xff\xfe, and so on\n", capture_output=True, check=False)
    assert (told.returncode, told.stderr) == (1, b"Error: a password is text in UTF-8; nothing was changed\n")
    assert passwd(file, "a b")[0] == 2
    assert passwd(file, "admin", "--role", "root")[0] == 2
    assert cronscope("passwd", "-c", file, "admin", stdin=PASSWORD).returncode == 2
    assert file.read_text() == TEXT


def test_who_signed_in_at_a_proxy_alone_so_far_gets_a_password_and_keeps_the_role(file: Path) -> None:
    proxied = "auth_proxy: {}\ntrusted_proxies: [127.0.0.1]\nusers: [{name: ann@example.org, role: operate}]\n"
    file.write_text(TEXT + proxied)
    assert passwd(file, "ann@example.org") == (0, "ann@example.org may sign in now, with the role operate\n")
    [user] = settings(file).users
    assert PasswordHasher().verify(user.password_hash or "", PASSWORD)


def test_a_hash_for_a_secret_of_a_container_is_printed(file: Path, tmp_path: Path) -> None:
    code, hashed = passwd(file, "admin", "--print")
    assert (code, file.read_text()) == (0, TEXT)
    (tmp_path / "secret").write_text(hashed)
    file.write_text(TEXT + "users: [{name: admin, role: edit, password_hash_file: secret}]\n")
    assert settings(file).users[0].password_hash == hashed.strip()
    assert passwd(file, "admin") == (
        1, "Error: the hash of admin is in secret; cronscope passwd admin --print prints a new one\n",
    )  # fmt: skip


@pytest.mark.parametrize("line", ["listen: 0.0.0.0:8917", "anonymous: view"])
def test_a_file_that_lacks_nothing_but_its_first_user_gets_one(tmp_path: Path, line: str) -> None:
    file = tmp_path / "cronscope.yml"
    file.write_text(f"{line}\n")
    assert invoke("check", "-c", file).exit_code == 1
    assert passwd(file, "admin")[0] == 0
    assert invoke("check", "-c", file).exit_code == 0
    file.write_text(f"{line}\n")
    assert cronscope("token", "-c", file, "a", "--role", "view", CRONSCOPE_LISTEN="0.0.0.0:80").returncode == 0


def init(folder: Path, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    result = cronscope("init", folder, *arguments, stdin=stdin)
    return result.returncode, result.stdout + result.stderr


def test_init_can_make_the_first_administrator_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    code, told = init(tmp_path / "new", "--admin", "ann@example.org", "--stdin", stdin=f"{PASSWORD}\n")
    file = tmp_path / "new/cronscope.yml"
    assert (code, file.stat().st_mode & 0o777) == (0, 0o600)
    assert "ann@example.org may sign in, with the role edit" in told
    [user] = settings(file).users
    assert (user.name, user.role) == ("ann@example.org", "edit")
    assert PasswordHasher().verify(user.password_hash or "", PASSWORD)
    assert "# Lines such as" in file.read_text()
    assert passwd(file, "bob") == (0, "bob may sign in now, with the role view\n")


def test_who_writes_a_hash_or_a_secret_into_a_file_for_everybody_is_told_how_to_close_it(file: Path) -> None:
    file.chmod(0o644)
    advice = f"chmod o-r {file}\n"
    assert advice in passwd(file, "bob")[1]
    commands: tuple[list[str | Path], ...] = (
        ["token", "-c", file, "ci", "--role", "view"],
        ["add", "-c", file, "sync", "--env", "A_TOKEN=hunter22", "--command", "true"],
    )
    for command in commands:
        result = invoke(*command)
        assert (result.exit_code, result.stderr.endswith(advice)) == (0, True)
    assert file.stat().st_mode & 0o777 == 0o644  # which is for its owner to choose
    assert invoke("remove", "-c", file, "hello").stderr == ""
    file.chmod(0o640)
    assert passwd(file, "eve") == (0, "eve may sign in now, with the role view\n")


def test_init_writes_nothing_without_a_password_to_use(tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert init(new, "--admin", "ann", "--stdin", stdin="short\n") == (
        1, "Error: a password has 8 to 1024 characters; nothing was changed\n",
    )  # fmt: skip
    assert init(new, "--admin", "a b", "--stdin", stdin=PASSWORD)[0] == 2
    assert init(new, "--stdin", stdin=PASSWORD)[0] == 2
    assert init(new, "--admin", "ann", stdin=PASSWORD)[0] == 2  # as nobody said that this is meant
    assert not new.exists()
    assert init(new)[0] == 0
    assert init(new, "--admin", "ann", "--stdin", stdin=PASSWORD)[0] == 1  # before anything is asked
    assert settings(new / "cronscope.yml").users == []


def test_init_asks_at_a_terminal(tmp_path: Path) -> None:
    asked = [("Password: ", PASSWORD), ("Once more: ", PASSWORD)]
    code, told = typed(["init", tmp_path / "new", "--admin", "ann"], *asked)
    assert (code, "horse" in told) == (0, False)
    assert [user.name for user in settings(tmp_path / "new/cronscope.yml").users] == ["ann"]


def test_a_token_is_printed_once_and_only_its_hash_is_kept(file: Path) -> None:
    result = invoke("token", "-c", file, "prometheus", "--role", "scrape")
    made = result.stdout.strip()
    assert re.fullmatch(r"cst_[A-Za-z0-9_-]{43}", made)
    assert made not in file.read_text()
    assert invoke("token", "-c", file, "ci", "--role", "operate", "--expires", "90d").exit_code == 0
    first, second = settings(file).tokens
    assert (first.name, first.sha256, first.role, first.expires) == ("prometheus", sha256_of(made), "scrape", None)
    assert second.expires is not None
    again = invoke("token", "-c", file, "ci", "--role", "edit")
    assert (again.exit_code, "there is a token named ci already" in again.stderr) == (1, True)
    for wrong in (["x"], ["x", "--role", "view", "--expires", "soon"], ["x", "--role", "view", "--expires", "0s"]):
        assert invoke("token", "-c", file, *wrong).exit_code == 2
    for misplaced in (made, sha256_of(made)):
        for command in (["token", "--role", "view"], ["passwd", "--stdin"]):
            result = invoke(*command, "-c", file, misplaced)
            assert (result.exit_code, misplaced in result.output) == (2, False)


def test_a_service_applies_them_at_once_and_commands_of_its_user_go_on(start_service: Callable[..., Service]) -> None:
    service = start_service(TEXT)
    config = service.folder / "cronscope.yml"
    assert service.fetch("/api/v1/status")[0] == 200
    made = invoke("token", "-c", config, "viewer", "--role", "view").stdout.strip()
    until(lambda: service.fetch("/api/v1/status")[0], lambda status: status == 401)
    ran = cronscope("run", "hello", "-c", config)
    assert (ran.returncode, ran.stdout) == (0, "hello\n")
    refused = cronscope("run", "hello", "-c", config, CRONSCOPE_TOKEN=made)
    assert (refused.returncode, refused.stderr) == (1, "Error: This takes the role operate, and viewer has view.\n")
    service.token = made
    assert service.fetch("/api/v1/status")[0] == 200
    assert passwd(config, "admin")[0] == 0
    told = "".join(service.errors) + (service.folder / "data").joinpath("cronscope.lock").read_text()
    assert "argon2id" not in told
    assert sha256_of(made) not in told


def test_no_answer_and_no_log_line_has_a_hash(start_service: Callable[..., Service]) -> None:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    known = {"edit": "cst_edit", "view": "cst_view"}
    tokens = [{"name": role, "role": role, "sha256": sha256_of(token)} for role, token in known.items()]
    users = [{"name": "ann", "role": "edit", "password_hash": hashed}]
    service = start_service(f"{TEXT}users: {json.dumps(users)}\ntokens: {json.dumps(tokens)}\n", "--log-level", "debug")
    told = []
    for role, token in known.items():
        service.token = token
        for path, needs in roles.ROUTES.items():
            if "GET" in needs and "{" not in path and path not in ("/ws", "/api/v1/backup"):
                status, _, answer = service.fetch(path)
                told += [answer.decode()] if path != "/api/v1/config" or role == "view" else []
                assert status in (200, 403, 404, 405), path
    with service.socket("?v=1") as frames:
        told += [json.dumps([frames.next(), frames.next()])]
    service.token = known["edit"]
    entries = [
        f"{{name: a, role: none, password_hash: '{hashed}'}}",
        f"{{name: b, role: edit, password_hash: {hashed}}}",
    ]
    faulty = "users:" + "".join(f"\n- {entry}" for entry in entries)
    for path, method in (("/api/v1/config/check", "POST"), ("/api/v1/config", "PUT")):
        told.append(service.fetch(path, method=method, body=faulty.encode())[2].decode())
    service.config.write_text(faulty)
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 422
    service.fetch("/metrics", headers={"Authorization": "Basic " + base64.b64encode(b"ann:hunter22").decode()})
    everything = "".join([*told, *service.errors])
    assert "users[0].role" in everything
    secrets = [hashed[-20:], hashed.split("$")[-2], *(each["sha256"] for each in tokens), *known.values(), "hunter22"]
    assert [secret for secret in secrets if secret in everything] == []


def test_a_service_listens_elsewhere_only_with_credentials(start_service: Callable[..., Service]) -> None:
    with pytest.raises(AssertionError, match="make the first user: cronscope passwd admin"):
        start_service(TEXT, "--listen", "0.0.0.0:0")
    service = start_service(
        TEXT + f"tokens: [{{name: a, role: view, sha256: '{64 * 'a'}'}}]\n", "--listen", "0.0.0.0:0"
    )
    service.url = f"http://127.0.0.1:{service.port}"
    assert service.fetch("/api/v1/status")[0] == 401
    assert service.fetch("/api/v1/status", headers={"Host": "cron.example.org"})[0] == 401
    ran = cronscope("list", "-c", service.folder / "cronscope.yml")
    assert ran.returncode == 0


def test_a_service_for_others_comes_of_the_commands_that_the_readme_shows(
    file: Path, start_service: Callable[..., Service]
) -> None:
    everywhere = "0.0.0.0:0"
    refused = cronscope("serve", "-c", file, CRONSCOPE_LISTEN=everywhere)
    assert refused.returncode == 1
    assert refused.stderr.startswith("environment: CRONSCOPE_LISTEN: Without any user or token")
    assert refused.stderr.endswith("make the first user: cronscope passwd admin\n")
    assert (
        cronscope(
            "passwd", "-c", file, "admin", "--stdin", stdin=f"{PASSWORD}\n", CRONSCOPE_LISTEN=everywhere
        ).returncode
        == 0
    )
    token = cronscope("token", "-c", file, "prometheus", "--role", "scrape", CRONSCOPE_LISTEN=everywhere).stdout.strip()

    service = start_service(file.read_text(), "--listen", everywhere)
    form = urlencode({"name": "admin", "password": PASSWORD}).encode()
    asked = http.client.HTTPConnection("127.0.0.1", service.port)
    asked.request("POST", "/login", form, {"Host": "cron.example.org", "Content-Type": FORM})
    answer = asked.getresponse()
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    service.url = f"http://127.0.0.1:{service.port}"
    cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    assert json.loads(service.fetch("/api/v1/session", headers=cookie)[2])["role"] == "edit"
    assert [service.fetch(path)[0] for path in ("/metrics", "/api/v1/scripts")] == [401, 401]
    service.token = token
    assert [service.fetch(path)[0] for path in ("/metrics", "/api/v1/scripts")] == [200, 403]
