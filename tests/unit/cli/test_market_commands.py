"""Assets, policies, contracts, catalogs and negotiations from the command line, against the real API in memory."""

from pathlib import Path
from typing import Any, cast

import pytest

from ferry.cli.exits import ExitCode
from tests.unit.cli.memory_participants import CommandLine

PROVIDER = "http://provider.test/api/dsp/2025-1"


def offered(cli: CommandLine, asset_id: str) -> None:
    address = ("--account", "providerdata", "--container", "source", "--prefix", "data/")
    for arguments in (
        ("asset", "create", asset_id, *address, "--property", "name=Figures"),
        ("policy", "create", f"policy of {asset_id}"),
        ("contract", "create", f"offer of {asset_id}", "--asset", asset_id, "--policy", f"policy of {asset_id}"),
    ):
        result = cli.run(*arguments, "--profile", "provider")
        assert result.exit_code == 0, result.stderr


def test_asset_with_a_url_for_its_id_is_created_listed_shown_and_deleted(cli: CommandLine) -> None:
    asset_id = "https://example.com/assets/one?two#three"
    offered(cli, asset_id)
    listed = cli.run("asset", "list", "-p", "provider").stdout
    assert [asset_id, "Figures", "providerdata", "source", "data/*"] in [
        line.split()[:5] for line in listed.splitlines()
    ]
    assert cast("dict[str, Any]", cli.json("asset", "show", asset_id, "-p", "provider"))["@id"] == asset_id
    assert cli.run("contract", "delete", f"offer of {asset_id}", "-p", "provider").exit_code == 0
    assert cli.run("asset", "delete", asset_id, "-p", "provider").exit_code == 0
    assert cli.run("asset", "show", asset_id, "-p", "provider").exit_code == ExitCode.NOT_FOUND


def test_policy_from_a_file_is_what_is_shown(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"@type": "Set", "permission": [{"action": "use"}]}')
    assert cli.run("policy", "create", "p", "-f", str(file), "-p", "provider").exit_code == 0
    assert "1 permission" in cli.run("policy", "list", "-p", "provider").stdout
    assert cli.run("policy", "delete", "p", "-p", "provider").exit_code == 0


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_policy_file_that_is_no_object_is_a_usage_error(cli: CommandLine, tmp_path: Path, content: str) -> None:
    file = tmp_path / "policy.json"
    file.write_text(content)
    assert cli.run("policy", "create", "p", "-f", str(file)).exit_code == ExitCode.USAGE


def test_property_without_a_value_is_a_usage_error(cli: CommandLine) -> None:
    result = cli.run("asset", "create", "a", "--account", "acc", "--container", "con", "--property", "name")
    assert result.exit_code == ExitCode.USAGE
    assert "NAME=VALUE" in result.stderr


def test_id_that_is_taken_is_refused(cli: CommandLine) -> None:
    offered(cli, "a")
    result = cli.run("asset", "create", "a", "--account", "other", "--container", "con", "-p", "provider")
    assert result.exit_code == ExitCode.REFUSED
    assert "already exists" in result.stderr


def test_catalog_lists_the_offers_and_shows_one(cli: CommandLine) -> None:
    offered(cli, "a")
    lines = cli.run("catalog", "list", PROVIDER).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["asset", "a", "asset-1"]
    assert cast("dict[str, Any]", cli.json("catalog", "show", PROVIDER, "a"))["@id"] == "a"
    assert cli.run("catalog", "show", PROVIDER, "nothing").exit_code == ExitCode.NOT_FOUND


def test_catalog_of_nobody_is_not_reachable(cli: CommandLine) -> None:
    result = cli.run("catalog", "list", "http://nobody.test/api/dsp/2025-1")
    assert result.exit_code == ExitCode.NOT_REACHABLE
    assert "ferry doctor --peer" in result.stderr


def test_negotiation_ends_with_the_id_of_the_agreement(cli: CommandLine) -> None:
    offered(cli, "a")
    result = cli.run("negotiate", PROVIDER, "a")
    assert result.exit_code == 0, result.stderr
    (agreement_id,) = result.stdout.split()
    agreement = cast("dict[str, Any]", cli.json("contract", "agreements", agreement_id))
    assert agreement["assetId"] == "a"
    assert agreement_id in cli.run("contract", "agreements").stdout
    assert agreement_id in cli.run("contract", "negotiations").stdout
    assert cli.run("transfer", "start", agreement_id, "--wait").exit_code == 0


def test_negotiation_of_an_asset_with_several_offers_asks_which(cli: CommandLine) -> None:
    offered(cli, "a")
    again = ("contract", "create", "again", "--asset", "a", "--policy", "policy of a")
    assert cli.run(*again, "--profile", "provider").exit_code == 0
    result = cli.run("negotiate", PROVIDER, "a")
    assert result.exit_code == ExitCode.USAGE
    offer = result.stderr.splitlines()[1].strip()
    assert cli.run("negotiate", PROVIDER, "a", "--offer", offer).exit_code == 0


def test_negotiation_about_an_unknown_offer_is_not_found(cli: CommandLine) -> None:
    assert cli.run("negotiate", PROVIDER, "asset-1", "--offer", "none").exit_code == ExitCode.NOT_FOUND


def test_negotiation_that_somebody_must_decide_times_out(cli: CommandLine) -> None:
    cli.transports["http://consumer.localhost"].is_held = True
    result = cli.run("negotiate", PROVIDER, "asset-1", "--timeout", "0.1")
    assert result.exit_code == ExitCode.TIMED_OUT
    assert "FERRY_NEGOTIATION=manual" in result.stderr
