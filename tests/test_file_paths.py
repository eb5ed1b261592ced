from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.file_paths import BadPath, Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "scripts"
    (root / "sub").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "sub" / "job.sh").touch()
    (root / ".secret").touch()
    (tmp_path / "outside").touch()
    return Tree(root, root / "data")


@pytest.mark.parametrize(
    "path", ["job.sh", "sub/job.sh", "a/b/c", "Größe 世界 🎉.sh", "-rf", "~", "a..b", "x" * 255, "100%", "%41"]
)
def test_a_path_leads_below_the_folder(tree: Tree, path: str) -> None:
    place = tree.place(path)
    assert (place.link, place.target, place.key) == (tree.root / path, tree.root / path, path)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "..", "../outside", "sub/../../outside", "sub/..", ".", "./job.sh", "sub//job.sh",
        "sub/", "sub\\..\\outside", "..\\outside", "a\0b", "a\nb", "a\x7fb", "a\x9bb", "a\u202eb", "a\u2028b", "\ud800",
        ".secret", "sub/.git/config", "x" * 256, "é" * 128, "/".join(["x" * 200] * 6),
        "data", "data/history.db", "data/new/file", "%2e%2e", "a/x%2Fb", "a%5cb", "a%00",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(tree: Tree, path: str) -> None:
    with pytest.raises(BadPath):
        tree.place(path)


_PARTS = st.sampled_from(["..", ".", "/", "\\", "sub", "out", "\0", "%2e"]) | st.characters()


@pytest.mark.fuzz
@given(st.lists(_PARTS, max_size=8).map("".join))
def test_no_path_leads_out(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    root = tmp_path_factory.getbasetemp() / "root"
    root.mkdir(exist_ok=True)
    if not (root / "out").is_symlink():
        (root / "out").symlink_to("..")
    try:
        place = Tree(root, root / "data").place(path)
    except BadPath:
        return
    assert place.target.is_relative_to(os.path.realpath(root))


def test_links_are_followed_inside_and_refused_where_they_lead_out(tree: Tree) -> None:
    (tree.root / "alias").symlink_to("sub/job.sh")
    (tree.root / "folder").symlink_to(tree.root / "sub")
    (tree.root / "coming").symlink_to("sub/new.sh")
    assert tree.place("alias").key == tree.place("folder/job.sh").key == "sub/job.sh"
    assert tree.place("coming").key == "sub/new.sh"
    for name, target in [
        ("out", "../outside"), ("etc", "/etc"), ("hidden", ".secret"), ("root", "."), ("kept", "data/history.db"),
    ]:  # fmt: skip
        (tree.root / name).symlink_to(target)
        with pytest.raises(BadPath, match="out of reach"):
            tree.place(name)
    with pytest.raises(BadPath):
        tree.place("etc/passwd")


def test_a_folder_that_is_a_link_itself_is_the_folder(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree.root)
    assert Tree(tmp_path / "link", tmp_path / "data").place("sub/job.sh").target == tree.root / "sub" / "job.sh"


def test_all_that_can_be_reached_is_listed(tree: Tree) -> None:
    (tree.root / "data" / "history.db").touch()
    (tree.root / "sub" / ".hidden").touch()
    (tree.root / ".git").mkdir()
    (tree.root / ".git" / "config").touch()
    (tree.root / "alias").symlink_to("sub/job.sh")
    (tree.root / "loop").symlink_to(".")
    os.close(os.open(os.fsencode(tree.root) + b"/\xff.sh", os.O_CREAT))
    (tree.root / "closed").symlink_to("data")
    assert sorted(path for path, _ in tree.files()) == ["alias", "closed", "loop", "sub/job.sh"]
