"""The command line against two running participants and Azurite, each command in a process of its own."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient, generate_container_sas

from ferry.cli.exits import ExitCode
from ferry.cli.stack import CONSUMER, PROVIDER

from .commands import ferry_command
from .pair import Pair, until

# The first test pays for the stack.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs `ferry` for the operator of the pair's consumer; profile `provider` is the other side."""

    pair: Pair
    environment: dict[str, str]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end. No address or key is among its arguments."""
        return subprocess.run(
            ferry_command(*arguments),
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def json(self, *arguments: str, **variables: str) -> Any:
        """The document that it prints."""
        done = self.run(*arguments, "--output", "json", **variables)
        assert done.returncode == 0, (done.returncode, done.stderr, done.stdout)
        return json.loads(done.stdout)

    def sas(self, participant: str, container: str, letters: str, path: str = "") -> str:
        """The address of a container of one of the two, with a SAS."""
        account = self.pair.stack.resources(participant).data_storage
        sas = generate_container_sas(
            account.name,
            container,
            account_key=account.key,
            permission=letters,
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        return f"{account.blob_endpoint}/{container}{path}?{sas}"


@pytest.fixture
def cli(pair: Pair, tmp_path: Path) -> CommandLine:
    """Profiles for both sides in a file of their own; the keys are in variables."""
    consumer, provider = pair.stack.consumer, pair.stack.provider
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
default = "consumer"
[profiles.consumer]
url = "{consumer.url}"
api_key_env = "CONSUMER_KEY"
[profiles.provider]
url = "{provider.management_url}"
api_key_env = "PROVIDER_KEY"
"""
    )
    own = {"FERRY_CONFIG": str(config), "CONSUMER_KEY": consumer.api_key, "PROVIDER_KEY": provider.api_key}
    machine = {name: value for name, value in os.environ.items() if not name.startswith("FERRY_")}
    return CommandLine(pair, {**machine, **own})


@pytest.fixture
def inbox(pair: Pair) -> Iterator[ContainerClient]:
    """A new container of the consumer."""
    with pair.inbox.create_container(f"inbox-{uuid.uuid4().hex}") as client:
        yield client


def contents(container: ContainerClient) -> dict[str, bytes]:
    return {name: container.download_blob(name).readall() for name in container.list_blob_names()}


def test_data_is_offered_negotiated_moved_verified_and_taken_away_by_commands_alone(cli: CommandLine) -> None:
    pair = cli.pair
    blobs = {f"in/{number}.txt": b"x" * number for number in range(20)}
    container, asset_id = pair.put(blobs), f"asset-{uuid.uuid4().hex}"
    account = pair.stack.resources(PROVIDER).data_storage.name
    address = ("--account", account, "--container", container)
    for arguments in (
        ("asset", "create", asset_id, *address),
        ("policy", "create", f"policy-{asset_id}"),
        ("contract", "create", f"offer-{asset_id}", "--asset", asset_id, "--policy", f"policy-{asset_id}"),
    ):
        done = cli.run(*arguments, "--profile", "provider")
        assert done.returncode == 0, done.stderr
    agreement_id = cli.run("negotiate", pair.provider_url, asset_id).stdout.strip()
    transfer_id = cli.run("transfer", "start", agreement_id).stdout.strip()

    watched = cli.run("transfer", "watch", transfer_id, "--timeout", "40")
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout == f"{transfer_id} is COMPLETED: 20 blobs, 190 bytes\n"
    story = cli.json("transfer", "explain", transfer_id, "--peer-profile", "provider")
    assert [step["status"] for step in story["steps"][:13]] == ["done"] * 13
    assert story["next"] == [f"ferry transfer deprovision {transfer_id}"]

    destination = str(pair.consumer.transfer(transfer_id).destination["container"])
    verified = cli.json("verify", "env:DELIVERED", DELIVERED=cli.sas(CONSUMER, destination, "rl"))
    assert verified["found"] == {"blobs": 20, "bytes": 190, "root": verified["manifest"]["root"]}

    gone = cli.run("transfer", "deprovision", transfer_id)
    assert gone.returncode == 0, gone.stderr
    assert pair.delivered(destination) == {}
    assert cli.json("transfer", "explain", transfer_id)["state"] == "DEPROVISIONED"
    listed = cli.json("transfer", "list", "--limit", "1000")
    assert transfer_id in {shown["@id"] for shown in listed}


def test_failed_transfer_ends_the_watch_with_six_and_is_explained(cli: CommandLine) -> None:
    contract = cli.pair.contract({"a.txt": b"a"}, {"blobName": "absent.txt"})
    started = cli.run("transfer", "start", contract.agreement_id, "--wait", "--timeout", "40")
    assert started.returncode == ExitCode.ENDED_BADLY, started.stderr
    assert "SOURCE_BLOB_MISSING" in started.stderr
    transfer_id = started.stdout.split()[0]
    told = cli.run("transfer", "explain", transfer_id, "--peer-profile", "provider")
    assert told.returncode == 0
    assert "It failed at step 10 with SOURCE_BLOB_MISSING" in told.stdout
    assert "Trying again alone does not help: the provider puts the data where the asset says" in told.stdout


def test_doctor_finds_two_participants_in_good_health(cli: CommandLine) -> None:
    document = cli.json("doctor", "--peer", cli.pair.provider_url)
    assert document["healthy"], document
    health = {finding["what"]: finding["health"] for finding in document["findings"]}
    assert health["clock"] == "ok"
    assert health[f"peer {cli.pair.provider_url}"] == "ok"


def test_doctor_looks_at_a_participant_from_inside(cli: CommandLine, tmp_path: Path) -> None:
    process = cli.pair.stack.consumer
    settings = {name: value for name, value in process.settings.environment(process.url).items() if value}
    file = tmp_path / "consumer.settings.json"
    file.write_text(json.dumps({"Values": settings}))
    document = cli.json("doctor", "--settings", str(file))
    health = {finding["what"]: finding["health"] for finding in document["findings"]}
    account = cli.pair.stack.resources(CONSUMER).data_storage.name
    assert {"settings", "storage", "vault", f"account {account}", f"clock of {account}"} <= health.keys()
    assert set(health.values()) <= {"ok", "warning"}, document
    assert process.api_key not in json.dumps(document)


def test_container_is_copied_verified_by_content_and_found_there_the_second_time(
    cli: CommandLine, inbox: ContainerClient
) -> None:
    blobs = {f"in/{number:03}.bin": os.urandom(100 + number) for number in range(120)}
    blobs["in/per%cent +plus#hash/ünï ✓.txt"] = b"reserved"
    blobs["large.bin"] = os.urandom(9 * 1024 * 1024)
    source = cli.sas(PROVIDER, cli.pair.put(blobs), "rl")
    target = cli.sas(CONSUMER, str(inbox.container_name), "rlcw")
    first = cli.json("copy", "env:FROM", "env:TO", FROM=source, TO=target)
    assert (first["complete"], first["blobs"]) == (True, len(blobs))
    assert contents(inbox) == blobs
    second = cli.json("copy", "env:FROM", "env:TO", FROM=source, TO=target)
    assert (second["blobs"], second["thereAlready"]) == (0, len(blobs))


def test_folder_and_blob_are_copied_to_other_names(cli: CommandLine, inbox: ContainerClient) -> None:
    container, name = cli.pair.put({"a/1": b"one", "a/2": b"two", "b": b"no"}), str(inbox.container_name)
    folder = {"FROM": cli.sas(PROVIDER, container, "rl", "/a/"), "TO": cli.sas(CONSUMER, name, "cw", "/x/")}
    assert cli.run("copy", "env:FROM", "env:TO", **folder).returncode == 0
    single = {"FROM": cli.sas(PROVIDER, container, "r", "/a/1"), "TO": cli.sas(CONSUMER, name, "cw", "/y")}
    assert cli.run("copy", "env:FROM", "env:TO", **single).returncode == 0
    assert contents(inbox) == {"x/1": b"one", "x/2": b"two", "y": b"one"}


class _Files(BaseHTTPRequestHandler):
    """One file for whatever is asked, without ranges."""

    content = os.urandom(300_000)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.content)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_file_of_a_web_server_is_copied_into_a_folder(cli: CommandLine, inbox: ContainerClient) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = f"http://127.0.0.1:{server.server_port}/path/file.bin?token=secret"
        target = cli.sas(CONSUMER, str(inbox.container_name), "cw", "/in/")
        done = cli.run("copy", "env:FROM", "env:TO", FROM=source, TO=target)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert contents(inbox) == {"in/file.bin": _Files.content}
    assert "secret" not in done.stdout + done.stderr


def test_copy_that_is_stopped_goes_on_by_its_state_file(
    cli: CommandLine, inbox: ContainerClient, tmp_path: Path
) -> None:
    # Large enough for the copy to be stopped in the midst of them.
    blobs = {f"{number:03}": bytes(2**20) for number in range(300)}
    variables = {
        "FROM": cli.sas(PROVIDER, cli.pair.put(blobs), "rl"),
        "TO": cli.sas(CONSUMER, str(inbox.container_name), "cw"),
    }
    state = tmp_path / "state.json"
    command = ferry_command("copy", "env:FROM", "env:TO", "--workers", "1", "--state", str(state))
    with subprocess.Popen(
        command, env={**cli.environment, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as stopped:
        until(lambda: len(list(inbox.list_blob_names())), lambda count: count > 10)
        stopped.send_signal(signal.SIGINT)
        _, said = stopped.communicate(timeout=30)
    assert stopped.returncode == 130, said
    assert "the same command goes on from there" in said
    done = len(list(inbox.list_blob_names()))
    assert 10 < done < len(blobs)
    assert "sig=" not in state.read_text() + said
    report = cli.json("copy", "env:FROM", "env:TO", "--state", str(state), **variables)
    assert report["blobs"] == len(blobs)
    assert contents(inbox).keys() == blobs.keys()
    assert not state.exists()


def test_sas_is_in_no_process_list_nor_output(cli: CommandLine, inbox: ContainerClient) -> None:
    source = cli.sas(PROVIDER, cli.pair.put({f"{number}": b"x" for number in range(50)}), "rl")
    target = cli.sas(CONSUMER, str(inbox.container_name), "cw")
    command = ferry_command("copy", "-", "-", "--workers", "1")
    with subprocess.Popen(
        command, env=cli.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as copying:
        assert copying.stdin is not None
        copying.stdin.write(f"{source}\n{target}\n")
        copying.stdin.flush()
        time.sleep(0.5)
        shown = Path(f"/proc/{copying.pid}/cmdline").read_text() if copying.poll() is None else ""
        said = copying.communicate(timeout=30)
    assert copying.returncode == 0, said
    assert "sig" not in shown + "".join(said)


def test_participant_runs_on_its_settings_file_alone(tmp_path: Path) -> None:
    settings = tmp_path / "mine.settings.json"
    with subprocess.Popen(
        ferry_command("emulators", "--participants", "mine", "--write", str(settings), "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as emulators:
        try:
            assert emulators.stdout is not None
            assert emulators.stdout.readline()
            check_host(settings)
        finally:
            emulators.terminate()
            emulators.wait(30)


def check_host(settings: Path) -> None:
    import httpx2

    from ferry.cli.ports import free_port

    port = free_port()
    command = ferry_command("host", "--settings", str(settings), "--port", str(port))
    machine = {name: value for name, value in os.environ.items() if not name.startswith("FERRY_")}
    with subprocess.Popen(command, env=machine, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as host:
        try:

            def status() -> int:
                try:
                    return httpx2.get(f"http://127.0.0.1:{port}/api/health/ready", trust_env=False).status_code
                except httpx2.HTTPError:
                    return 0

            until(status, lambda seen: seen == 200, timeout_seconds=40)
        finally:
            host.terminate()
        assert host.wait(30) == 0
