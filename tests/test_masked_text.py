"""The configuration's text as it is shown, and what becomes of it when it comes back."""

from __future__ import annotations

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
    "text", ["scripts: [", "scripts: 5", "", "a: b: c", "scripts: [5, {env: [1]}, {env: {1: 2}}]", "- x"]
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
    broken = BLOCK + "  - name: [\n    env: {NEW_TOKEN: fresh-one, password_hash: x}\n"
    shown = masked_text(broken, BLOCK)
    for value in ("'hunter22", "line one", "a,b", "plain-value", "fresh-one", "LOGIN: me"):
        assert value not in shown
    assert "password_hash: x" in shown
    assert "echo hunter22" in shown
    mended = shown[: shown.index("  - name: [")]
    assert envs(whole(mended)) == envs(BLOCK)
