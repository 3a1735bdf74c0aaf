"""What blobs are called at the destination, and which addresses cannot be copied between."""

import pytest

from ferry.cli.blobs.addresses import AddressReader
from ferry.cli.blobs.copy_plan import CopyPlan, read_plan
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed

FROM, TO = "https://from.blob.core.windows.net/c", "https://to.blob.core.windows.net/d"


def plan(source: str, destination: str, *, letters: str = "rlcw", overwrite: bool = False) -> CopyPlan:
    return read_plan(
        source if "files" in source or "?" in source else f"{source}?sv=1&sig=x&sp=rl",
        f"{destination}?sv=1&sig=x&sp={letters}",
        reader=AddressReader({}),
        overwrite=overwrite,
        takes_changes=False,
    )


@pytest.mark.parametrize(
    ("source", "destination", "name", "target"),
    [
        (FROM, TO, "a/b", "a/b"),
        (FROM, f"{TO}/in/", "a/b", "in/a/b"),
        (f"{FROM}/a/", TO, "a/b/c", "b/c"),
        (f"{FROM}/a/", f"{TO}/in/", "a/b", "in/b"),
        (f"{FROM}/a/b", TO, "a/b", "b"),
        (f"{FROM}/a/b", f"{TO}/in/", "a/b", "in/b"),
        (f"{FROM}/a/b", f"{TO}/in/other", "a/b", "in/other"),
        ("https://files.example/x/y.zip", f"{TO}/in/", "y.zip", "in/y.zip"),
        ("https://files.example/x/y.zip", f"{TO}/in/z.zip", "y.zip", "in/z.zip"),
    ],
)
def test_blob_is_called_at_the_destination(source: str, destination: str, name: str, target: str) -> None:
    made = plan(source, destination)
    assert made.target_name(name) == target
    assert target.startswith(made.target_prefix)


@pytest.mark.parametrize(
    ("source", "destination", "letters", "says"),
    [
        (FROM, f"{TO}/one", "cw", "end the destination with a slash"),
        (f"{FROM}/a/", f"{TO}/one", "cw", "end the destination with a slash"),
        (FROM, FROM, "cw", "are the same"),
        (FROM, TO, "rl", "c or w is needed"),
    ],
)
def test_copy_that_makes_no_sense_is_a_usage_error(source: str, destination: str, letters: str, says: str) -> None:
    with pytest.raises(CommandFailed) as raised:
        plan(source, destination, letters=letters)
    assert raised.value.exit_code is ExitCode.USAGE
    assert says in str(raised.value)


def test_overwriting_needs_the_letter_w() -> None:
    assert plan(FROM, TO, letters="c").destination
    with pytest.raises(CommandFailed, match="w to overwrite"):
        plan(FROM, TO, letters="c", overwrite=True)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(CommandFailed) as raised:
        plan(f"{FROM}?sv=1&sig=x&sp=w", f"{TO}/one", letters="r")
    assert len(raised.value.faults) == 3
