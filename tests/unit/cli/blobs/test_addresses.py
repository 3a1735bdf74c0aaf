"""Addresses on the command line: where they may come from, what they name, and that no SAS is ever shown."""

from io import StringIO
from pathlib import Path

import pytest

from ferry.cli.blobs.addresses import AddressReader, FileAddress, StorageAddress
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed

SAS = "sv=2026-01-01&sp=rl&sig=abc%2Bdef%3D"


def read(given: str, *, lines: str = "", **environment: str) -> StorageAddress | FileAddress:
    return AddressReader(environment, StringIO(lines)).any(given, "The source")


@pytest.mark.parametrize(
    ("url", "endpoint", "container", "path"),
    [
        ("https://a1.blob.core.windows.net/c", "https://a1.blob.core.windows.net", "c", ""),
        ("https://a1.blob.core.windows.net/c/", "https://a1.blob.core.windows.net", "c", ""),
        ("https://a1.blob.core.windows.net/c/x/y%20z/", "https://a1.blob.core.windows.net", "c", "x/y z/"),
        ("https://a1.blob.core.windows.net/c/x//y", "https://a1.blob.core.windows.net", "c", "x//y"),
        ("https://a1.blob.core.windows.net/%24root/b", "https://a1.blob.core.windows.net", "$root", "b"),
        ("https://a1.z5.blob.storage.azure.net/c/b", "https://a1.z5.blob.storage.azure.net", "c", "b"),
        ("https://blobs.example/c/b", "https://blobs.example", "c", "b"),
        ("http://127.0.0.1:10000/acc/c/b", "http://127.0.0.1:10000/acc", "c", "b"),
        ("https://localhost:10000/acc/c", "https://localhost:10000/acc", "c", ""),
        ("https://azurite.example:10000/acc/c/f/", "https://azurite.example:10000/acc", "c", "f/"),
    ],
)
def test_address_of_storage_is_taken_apart(url: str, endpoint: str, container: str, path: str) -> None:
    found = read(f"{url}?{SAS}")
    assert isinstance(found, StorageAddress)
    assert (found.endpoint, found.container, found.path) == (endpoint, container, path)
    assert found.sas.reveal() == SAS
    assert "sig" not in found.shown
    assert found.container_address.reveal().startswith(f"{endpoint}/")
    assert found.is_blob == (bool(path) and not path.endswith("/"))


def test_blob_with_reserved_characters_has_an_address_again() -> None:
    found = read(f"https://a1.blob.core.windows.net/c/per%25cent%23%3F?{SAS}")
    assert isinstance(found, StorageAddress)
    assert found.path == "per%cent#?"
    assert found.blob_address.reveal() == f"https://a1.blob.core.windows.net/c/per%25cent%23%3F?{SAS}"


@pytest.mark.parametrize("url", ["https://files.example/a/b.zip?token=secret", "http://127.0.0.1:8000/a/b.zip"])
def test_any_other_address_is_a_file(url: str) -> None:
    found = read(url)
    assert isinstance(found, FileAddress)
    assert found.name == "b.zip"
    assert "secret" not in found.shown


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://a1.blob.core.windows.net/c?{SAS}", "must be https"),
        (f"https://a1.blob.core.windows.net/?{SAS}", "must name a container"),
        ("https://a1.blob.core.windows.net/c", "bring its SAS"),
        (f"http://127.0.0.1:10000/acc?{SAS}", "must name a container"),
        (f"https://user@a1.blob.core.windows.net/c?{SAS}", "must look like"),
        (f"ftp://a1.blob.core.windows.net/c?{SAS}", "must look like"),
        ("not a url", "percent-encode"),
        (f"https://[a1/c?{SAS}", "no URL"),
        (f"https://a1.blob.core.windows.net/c#x?{SAS}", "must look like"),
        ("http://files.example/a.zip", "must be https"),
        ("-", "no line for it"),
        ("env:NOBODY", "NOBODY, which is not set"),
        ("@/no/such/file", "cannot be read"),
    ],
)
def test_unusable_address_is_a_usage_error_that_shows_no_sas(url: str, says: str) -> None:
    with pytest.raises(CommandFailed) as raised:
        read(url)
    assert raised.value.exit_code is ExitCode.USAGE
    assert says in str(raised.value)
    assert "abc" not in str(raised.value)


def test_file_is_no_destination() -> None:
    with pytest.raises(CommandFailed, match="no address of a storage container"):
        AddressReader({}).storage("https://files.example/a.zip", "The destination")


def test_address_comes_from_a_variable_a_file_or_standard_input(tmp_path: Path) -> None:
    url = f"https://a1.blob.core.windows.net/c?{SAS}"
    file = tmp_path / "address"
    file.write_text(f"{url}\nmore\n")
    reader = AddressReader({"THERE": f" {url}\n"}, StringIO(f"{url}\n{url}/\n"))
    found = [reader.storage(given, "it") for given in ("env:THERE", f"@{file}", "-")]
    assert len(set(found)) == 1
    assert reader.storage("-", "it").path == ""
    assert reader.notes == []


def test_sas_on_the_command_line_is_noted_without_it() -> None:
    reader = AddressReader({})
    reader.any(f"https://a1.blob.core.windows.net/c?{SAS}", "The source")
    (note,) = reader.notes
    assert "env:NAME" in note
    assert "abc" not in note


@pytest.mark.parametrize(
    ("sas", "may"), [("sp=rl&sig=x&sv=1", False), ("sp=rlw&sig=x&sv=1", True), ("si=p&sig=x&sv=1", True)]
)
def test_letters_of_a_sas_are_known_unless_a_policy_has_them(sas: str, may: bool) -> None:
    found = read(f"https://a1.blob.core.windows.net/c?{sas}")
    assert isinstance(found, StorageAddress)
    assert found.may("rw") == may
