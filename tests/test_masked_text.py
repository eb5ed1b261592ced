"""The configuration's text as it is shown, and what becomes of it when it comes back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import read
from exporter.faults import ConfigError
from exporter.masked_text import masked_text, whole_text
from exporter.yaml_text import block_item, inline

BLOCK = """\
# kept
listen: 127.0.0.1:8917
scripts:
  - name: one  # first
    command: echo hunter22
    secrets: [LOGIN]
    env:
      LANG: C
      DB_PASSWORD: 'hunter22'   # mine
      LOGIN: me
      KEY: |
        line one
        line two

      PIN: 1234
  - {name: two, command: "true", env: {API_TOKEN: "a,b", EMPTY_TOKEN: ""}}
  - name: three
    command: 'true'
    env: &shared {API_TOKEN: &pw plain-value, OTHER_TOKEN: *pw}
  - name: four
    command: 'true'
    env: {<<: *shared, CLIENT_SECRET: "x\\ny"}
"""
SHOWN = """\
# kept
listen: 127.0.0.1:8917
scripts:
  - name: one  # first
    command: echo hunter22
    secrets: [LOGIN]
    env:
      LANG: C
      DB_PASSWORD: "***"   # mine
      LOGIN: "***"
      KEY: "***"

      PIN: 1234
  - {name: two, command: "true", env: {API_TOKEN: "***", EMPTY_TOKEN: ""}}
  - name: three
    command: 'true'
    env: &shared {API_TOKEN: &pw "***", OTHER_TOKEN: *pw}
  - name: four
    command: 'true'
    env: {<<: *shared, CLIENT_SECRET: "***"}
"""


def whole(text: str, known: str = BLOCK) -> str:
    return whole_text(text, ["no: [yaml", known], Path("c.yml"))


def envs(text: str) -> dict[str, dict[str, str]]:
    return {each.name: each.env for each in read(text, Path("c.yml"), environ={}, flags={}).settings.scripts}


def test_only_values_of_secrets_are_masked_and_all_else_stays_as_it_is() -> None:
    assert masked_text(BLOCK, "") == SHOWN
    assert masked_text("\ufeff" + BLOCK.replace("\n", "\r\n"), "") == "\ufeff" + SHOWN.replace("\n", "\r\n")


def test_what_was_shown_comes_back_byte_for_byte() -> None:
    assert whole(SHOWN) == BLOCK
    assert whole(BLOCK) == BLOCK


def test_values_come_back_wherever_the_script_has_gone_in_whatever_form() -> None:
    moved = (
        'scripts: [{name: two, command: x, env: {"API_TOKEN": "***"}},'
        ' {name: one, command: x, env: {KEY: "***", DB_PASSWORD: \'***\', LOGIN: "***", LANG: "***"}}]\n'
    )
    assert envs(whole(moved)) == {
        "two": {"API_TOKEN": "a,b"},
        "one": {"KEY": "line one\nline two\n", "DB_PASSWORD": "hunter22", "LOGIN": "me", "LANG": "***"},
    }
    changed = envs(whole(SHOWN.replace('DB_PASSWORD: "***"', "DB_PASSWORD: new")))
    assert changed == {**envs(BLOCK), "one": {**envs(BLOCK)["one"], "DB_PASSWORD": "new"}}
    renamed = whole(SHOWN.replace("name: one ", "name: uno "))
    assert envs(renamed)["uno"] == envs(BLOCK)["one"]


def test_a_mask_without_a_value_behind_it_is_told_where_it_stands() -> None:
    with pytest.raises(ConfigError) as raised:
        whole(
            SHOWN.replace('EMPTY_TOKEN: ""', "NEW_TOKEN: '***'") + "  - {name: five, command: x, env: {KEY: '***'}}\n"
        )
    assert [(fault.line, fault.key) for fault in raised.value.faults] == [
        (14, "scripts[1].env.NEW_TOKEN"), (21, "scripts[4].env.KEY"),
    ]  # fmt: skip
    assert "*** stands for a value that is not shown" in raised.value.faults[0].message


@pytest.mark.parametrize(
    "text", ["scripts: [", "scripts: 5", "", "a: b: c", "scripts: [5, {env: []}, {env: ~}, {env: {1: 2}}]", "- x"]
)
def test_a_text_without_secrets_is_shown_and_comes_back_as_it_is(text: str) -> None:
    assert masked_text(text, BLOCK) == text
    assert whole(text) == text


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
variables = st.dictionaries(st.sampled_from(["A_TOKEN", "B_TOKEN", "LANG"]), texts)


@given(st.lists(variables, min_size=1, max_size=3), st.booleans())
def test_whatever_the_values_are_the_text_comes_back_as_it_was(envs: list[dict[str, str]], in_lines: bool) -> None:
    entries = [{"name": f"job{number}", "command": "true", "env": env} for number, env in enumerate(envs)]
    written = (block_item(entry, 2, 2) if in_lines else f"  - {inline(entry)}\n" for entry in entries)
    text = "scripts:\n" + "".join(written)
    shown = masked_text(text, "")
    for line in shown.split("\n"):
        if line.strip().startswith(("A_TOKEN", "B_TOKEN")):
            assert line.endswith(('"***"', '""'))
    assert whole(shown, text) == text


@pytest.mark.parametrize("value", ["*hunter22", "!hunter22 x", "&hunter22", "[hunter22", "@hunter22", "%hunter22"])
def test_a_secret_for_lack_of_whose_quotes_the_text_is_no_yaml_is_masked(value: str) -> None:
    for end in ("", "}}]"):
        assert "hunter22" not in masked_text(f"scripts: [{{name: a, env: {{DB_PASSWORD: {value}, LANG: C{end}", "")


def test_of_a_text_that_is_no_yaml_what_looks_like_a_secret_is_masked_and_comes_back_once_it_is() -> None:
    broken = BLOCK + "  - name: [\n    password_hash: x\n    env: {NEW_TOKEN: fresh-one}\n"
    shown = masked_text(broken, BLOCK)
    for value in ("'hunter22", "line one", "a,b", "plain-value", "fresh-one", "LOGIN: me"):
        assert value not in shown
    assert "password_hash: x" in shown
    assert "echo hunter22" in shown
    mended = shown[: shown.index("  - name: [")]
    assert envs(whole(mended)) == envs(BLOCK)


@pytest.mark.parametrize("env", ["12345678", "A_TOKEN=12345678", "[A_TOKEN=12345678]", "{A_TOKEN: [12345678]}"])
def test_what_stands_in_place_of_variables_is_hidden_too_and_nobody_saves_what_stands_for_it(env: str) -> None:
    shown = masked_text(f"scripts:\n  - name: one\n    command: x\n    env: {env}\n", "")
    assert "12345678" not in shown
    with pytest.raises(ConfigError) as raised:
        whole(shown)
    (fault,) = raised.value.faults
    assert (fault.line, "stands for a part that was not shown" in fault.message) == (4, True)


@pytest.mark.parametrize(
    "text",
    ["scripts: [{name: a, env: {API_TOKEN: 12345678, API_TOKEN: new}}]", "scripts: [{environment: {KEY: 12345678}}]",
     "scripts: {a: {env: {API_TOKEN: 12345678}}}", "scripts: {a: {env: {LOGIN: 12345678}, secrets: [LOGIN]}}",
     "scripts: [[{env: {API_TOKEN: 12345678}}]]", "scripts: [{env: {API_TOKEN: 12345678}, env: {}}]",
     "scripts: [{command: {API_TOKEN: [12345678]}}]", "env: {API_TOKEN: {12345678}}", "API_TOKEN: 12345678",
     "scripts: [{labels: {a: {API_TOKEN: 12345678}}}]", "tokens: {key: 12345678}", "key: 12345678",
     "scripts: [{environment: [API_TOKEN=12345678]}]", "scripts: [{environment: [{name: API_TOKEN, value: 12345678}]}]",
     "scripts: [{env: {x12345678}}]", "scripts: [{env: {API_TOKEN=12345678: }}]", "x: {? {API_TOKEN: 12345678} : y}"],
)  # fmt: skip
def test_a_secret_is_hidden_wherever_it_stands_in_a_faulty_configuration(text: str) -> None:
    shown = masked_text(text, "")
    assert "12345678" not in shown
    with pytest.raises(ConfigError, match="stands for a part that was not shown"):
        whole(shown)


def test_what_is_the_configurations_own_is_shown_whatever_it_is_called() -> None:
    text = """\
tls: {cert: a.pem, key: b.pem}
users: [{name: a, role: view, password_hash_file: c}]
tokens: [{name: KEY, role: view, sha256: d}]
scripts:
  - &base {name: a, command: API_TOKEN=x ./job, secrets: [LOGIN, runs], retention: {runs: 5}, labels: {key: e}}
  - {<<: *base, name: b, env: {PATH: /bin, OTHER: LOGIN=f, value: KEY}}
"""
    assert masked_text(text, "") == text


# --- a text that is no YAML ---


@pytest.mark.parametrize("line", ["# API_TOKEN: hunter22", "LANG: C  # API_TOKEN=hunter22"])
def test_a_comment_that_gives_a_secret_a_value_is_hidden_while_nobody_can_tell_that_it_is_one(line: str) -> None:
    assert "hunter22" not in masked_text(f"listen: [\nscripts:\n  - env:\n      {line}\n", "")


SPELLINGS = [
    "{K}: {a}", "{K}: {a} {b}  # mine", "{K} : {a}", '"{K}": "{a}"', "'{K}': {a}", "? {K}\n      : {a}",
    "{K}:\n        {a}",
    "{K}: >-\n        {a}\n        {b}", "{K}: |\n        {a}\n\n        # {b}",
    "{K}: |2+\n         {a}\n        {b}\n",
    '{K}: "{a}\n\n {b}"', "{K}: '{a}: ''\n  {b}'", "{K}: {a}\n       {b}", "{K}: &it {a}", "{K}: !!str {a}",
    "!!str {K}: &it\n        {a}",
    "{K}: {a}, {b}", "{K}: {a}}}, {b}", '"A_TO\\u004bEN": {a}', "? |-\n        {K}\n      : {a}",
    "OTHER: &it {a}\n      {K}: *it",
    "{K}:  # mine\n        # and yours\n        {a}", '{K}: "{a} # {b}"', '{K}: "{a}\\" , x: {b}"', "{K}: [{a}, {b}]",
    "{K}: {{x: {a},\n y: {b}}}",
]  # fmt: skip
NO_VARIABLES = [
    " [{K}={a}]", " ['LANG=C', \"{K}={a} {b}\"]", "\n      - LANG=C\n      - {K}={a}", "\n      - '{K}={a}\n {b}'",
    " {K}={a}", " '{K}={a}'", "\n      MY SECRET {K}: {a}", "\r      {K}: {a}\r", "\n      {K}:{a}", "\n      {K} {a}",
    " [{{name: {K}, value: {a}}}]", "\n      - value: {a}\n        name: {K}", " {{X: 1; {K}: {a}}}",
    "\n      LANG: C {K}: {a}",
    "\n      @{K}: {a}", "\n      %{K}: {a}", "\n      [{K}]: {a}", "\n      `{K}`: {a}", "\n      ${{{K}}}: {a}",
]  # fmt: skip
IN_BRACES = [
    "{K}: {a}", "'{K}': '{a}, {b}'", '"{K}":"{a}"', "{K} : {a}\n  {b}", "{K}:\n  {a}", '{K}: "{a}\n{b}"', "? {K} : {a}",
    "{K}: &it {a}", "{K}: {a}, OTHER: *it, THIRD: &it x",
]  # fmt: skip
ERRORS = [
    "listen: [", "retention: {{", 'timezone: "Europe', "timezone: 'Europe", "a: b: c", "]", "}}", "\tlisten: x",
    "users: *nobody", "@", "listen: 'a' b", "- x", "x", '"', "listen: !what x",
]  # fmt: skip
BEFORE = "scripts:\n  - name: one\n    command: 'true'\n    secrets: [LOGIN]\n    env:"
AFTER = "  - name: two\n    command: 'true'\n    env: {LANG: C}\n"


@given(
    st.sampled_from(["API_TOKEN", "LOGIN", "db_password", "KEY"]),
    st.sampled_from(
        [f"\n      LANG: C\n      {spelling}\n      TZ: UTC" for spelling in SPELLINGS]
        + [f" {{{{LANG: C, {spelling}, TZ: UTC}}}}" for spelling in IN_BRACES]
        + NO_VARIABLES
    ),
    st.sampled_from(ERRORS), st.integers(0, 3), st.text("abcxyz0123456789", min_size=8, max_size=12), st.booleans(),
)  # fmt: skip
def test_whatever_the_spelling_no_secret_is_shown_and_none_is_lost_while_the_text_is_no_yaml(
    name: str, spelling: str, error: str, place: int, secret: str, is_new: bool
) -> None:
    env = spelling.format(K=name, a=f"s{secret}", b=f"t{secret}") + "\n"
    sound = BEFORE + env + AFTER
    lines = [f"{error.format()}\n", BEFORE + env, AFTER]
    order = ([0, 1, 2], [1, 0, 2], [1, 2, 0], [1, 2, 0])[place]
    broken = "".join(lines[number] for number in order)
    shown = masked_text(broken, "" if is_new else sound)
    assert secret not in shown
    assert len(shown.splitlines()) == len(broken.splitlines())
    assert secret not in masked_text(sound, "")
    mended = "".join(line for line in shown.splitlines(keepends=True) if line != lines[0])
    try:
        before = envs(sound)
    except ConfigError:
        return
    with suppress(ConfigError):
        assert envs(whole(mended, sound)) == before
