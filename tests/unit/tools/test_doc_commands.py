"""What README and docs tell a reader to type is run somewhere, and the verbs that they name exist."""

import re
from pathlib import Path

from tools.doc_commands.blocks import ROOT, When, all_blocks, blocks_of, pages

RUN = (ROOT / "run").read_text()
VERBS = set(re.findall(r"^  ([a-z0-9-]+)\) .*#: ", RUN, re.MULTILINE))
_COMMAND = re.compile(r"(?:^|[\s`(])\./run ([a-z0-9-]+)", re.MULTILINE)
# They run until somebody stops them (and have tests of their own), change the tree, or only print what there is.
NOT_BY_THEMSELVES = {"up", "emulators", "ferry", "format", "lock", "help", "nightly"}


def test_every_shell_block_says_when_it_is_run() -> None:
    assert [block.place for block in all_blocks() if block.when is None] == []


def test_every_verb_that_is_named_exists() -> None:
    named = {(path.name, verb) for path in pages() for verb in _COMMAND.findall(path.read_text())}
    assert sorted((page, verb) for page, verb in named if verb not in VERBS) == []


def test_every_verb_is_run_by_ci_or_at_night() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    night = (ROOT / "tools" / "nightly.py").read_text()
    missing = [verb for verb in VERBS - NOT_BY_THEMSELVES if not re.search(rf"\b{verb}\b", ci + night)]
    assert sorted(missing) == []


def test_mark_belongs_to_the_block_right_below_it_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    blocks = ("<!-- run: slow -->\n```sh\none", "```sh\ntwo", "<!-- run: quick -->\ntext\n```sh\nthree")
    page.write_text("\n```\n\n".join((*blocks, "")))
    found = [(it.commands, it.when) for it in blocks_of(page)]
    assert found == [("one\n", When.SLOW), ("two\n", None), ("three\n", None)]


def test_blocks_that_need_a_subscription_call_az_or_the_scripts() -> None:
    for block in all_blocks():
        if block.when is When.AZURE:
            assert re.search(r"\baz |infra/|curl ", block.commands), block.place
