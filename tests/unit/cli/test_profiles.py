"""Which participant is meant, and with which key: the file, the environment, and what is wrong with either."""

from pathlib import Path

import pytest

from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.options import known_profiles
from ferry.cli.profiles import config_path, find_profile, read_config

TWO = """
default = "one"
[profiles.one]
url = "https://one.example/"
api_key_env = "ONE_KEY"
[profiles.two]
url = "https://two.example/api/management/v4"
token = "a-token"
"""


def environment(tmp_path: Path, content: str = TWO, **more: str) -> dict[str, str]:
    file = tmp_path / "config.toml"
    file.write_text(content)
    return {"FERRY_CONFIG": str(file), "ONE_KEY": "key-of-one", **more}


def test_default_profile_is_taken_with_the_key_of_its_variable(tmp_path: Path) -> None:
    profile = find_profile(None, environment(tmp_path))
    assert (profile.name, profile.url, profile.is_default) == ("one", "https://one.example", True)
    assert profile.management_url == "https://one.example/api/management/v3"
    assert profile.headers["x-api-key"].reveal() == "key-of-one"


def test_named_profile_goes_before_the_environment(tmp_path: Path) -> None:
    profile = find_profile("two", environment(tmp_path, FERRY_URL="https://three.example", FERRY_API_KEY="k"))
    assert profile.url == "https://two.example/api/management/v4"
    assert profile.management_url == profile.url
    assert profile.app_url == "https://two.example"
    assert {name: value.reveal() for name, value in profile.headers.items()} == {"authorization": "Bearer a-token"}


def test_url_of_the_environment_goes_before_the_files_default_and_takes_no_key_of_it(tmp_path: Path) -> None:
    profile = find_profile(None, environment(tmp_path, FERRY_URL="https://three.example", FERRY_PROFILE="two"))
    assert profile.url == "https://three.example"
    assert profile.headers == {}


def test_profile_of_the_environment_goes_before_the_default(tmp_path: Path) -> None:
    assert find_profile(None, environment(tmp_path, FERRY_PROFILE="two")).name == "two"


def test_only_profile_is_the_default(tmp_path: Path) -> None:
    only = '[profiles.only]\nurl = "https://only.example"\n'
    assert find_profile(None, environment(tmp_path, only)).name == "only"


def test_file_is_where_xdg_says() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/ferry/config.toml")
    assert config_path({}) == Path.home() / ".config" / "ferry" / "config.toml"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[profiles.one]\nurl = "http://one.example"', "url must be https"),
        ('[profiles.one]\nurl = "ftp://one.example"', "url must look like https://"),
        ('[profiles.one]\nurl = "https://one.example?code=1"', "url must look like https://"),
        ("[profiles.one]\n", "url must look like https://"),
        ('[profiles.one]\nurl = "https://one.example"\napi_key = 5', "api_key is not a string"),
        ('[profiles.one]\nurl = "https://one.example"\napi_key_env = "NOBODY"', "NOBODY, which is not set"),
        ('[profiles.one]\nurl = "https://one.example"\napikey = "x"', "apikey is not known"),
        ('[profiles.one]\nurl = "https://one.example"\napi_key = "x\\n"', "(a line end?)"),
        ("[profiles]\none = 1", "profiles.one is not a table"),
        ("default = 1", "`default` is a name"),
        ("[", "cannot be read"),
        ("", "No participant is named"),
        ('default = "none"', "There is no profile 'none'"),
    ],
)
def test_faulty_file_is_a_usage_error_that_says_why(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(CommandFailed) as raised:
        find_profile(None, environment(tmp_path, content))
    assert raised.value.exit_code is ExitCode.USAGE
    assert says in str(raised.value)


def test_every_fault_of_a_profile_is_told_at_once(tmp_path: Path) -> None:
    content = '[profiles.one]\nurl = "http://one.example"\nkey = "secret value"\napi_key_env = "NOBODY"'
    with pytest.raises(CommandFailed) as raised:
        find_profile("one", environment(tmp_path, content))
    assert len(raised.value.faults) == 3
    assert "secret value" not in str(raised.value)


def test_url_of_the_environment_without_tls_is_refused_but_on_this_machine(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="https"):
        find_profile(None, {"FERRY_URL": "http://far.example", "FERRY_CONFIG": str(tmp_path / "none")})
    for host in ("127.0.0.1:7071", "localhost:7071", "[::1]:7071"):
        assert find_profile(None, {"FERRY_URL": f"http://{host}"}).url == f"http://{host}"


def test_key_is_in_no_text_of_a_profile(tmp_path: Path) -> None:
    told = environment(tmp_path)
    assert "key-of-one" not in repr(find_profile(None, told))
    assert "a-token" not in repr(find_profile("two", told))
    assert "a-token" not in repr(read_config(told))


def test_shell_completes_the_names_of_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_CONFIG", environment(tmp_path)["FERRY_CONFIG"])
    assert known_profiles("") == ["one", "two"]
    assert known_profiles("t") == ["two"]
    (tmp_path / "config.toml").write_text("[")
    assert known_profiles("") == []


def test_file_with_a_key_in_it_is_known_to_hold_secrets(tmp_path: Path) -> None:
    assert read_config(environment(tmp_path)).holds_secrets
    assert not read_config(environment(tmp_path, '[profiles.one]\napi_key_env = "ONE_KEY"')).holds_secrets
