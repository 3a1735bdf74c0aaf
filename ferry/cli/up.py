"""`ferry up`: two participants to play with, until somebody stops them."""

import sys
import time

from rich.console import Console
from rich.table import Table

from ferry.cli.participants import ParticipantProcess
from ferry.cli.stack import LocalStack, StackOptions

_WATCH_SECONDS = 0.5


def run_up(options: StackOptions, *, as_json: bool) -> None:
    """Start, say how to reach everything, stay until a signal ends it. Raises CommandFailed, StopRequested."""
    # Whoever reads the JSON from our standard output should not find anything else there.
    console = Console(stderr=as_json)
    console.print("Starting the emulators, a consumer and a provider …")
    with LocalStack.start(options) as stack:
        if as_json:
            print(stack.to_json_line(), flush=True)
            sys.stdout.flush()
        else:
            show(stack, console)
        try:
            while True:
                stack.check()
                time.sleep(_WATCH_SECONDS)
        except Exception:
            stack.keep_folder = True
            raise


def show(stack: LocalStack, console: Console) -> None:
    """How to reach the participants, for people."""
    table = Table("", "consumer", "provider", title="Two participants", title_justify="left")
    consumer, provider = stack.consumer, stack.provider

    def row(what: str, of_consumer: str, of_provider: str) -> None:
        table.add_row(what, of_consumer, of_provider)

    row("dashboard", f"{consumer.url}/api/dashboard", f"{provider.url}/api/dashboard")
    row("management", consumer.management_url, provider.management_url)
    row("x-api-key", consumer.api_key, provider.api_key)
    row("protocol", consumer.protocol_url, provider.protocol_url)
    accounts = (stack.resources(consumer.name).data_storage, stack.resources(provider.name).data_storage)
    row("blobs", accounts[0].blob_endpoint, accounts[1].blob_endpoint)
    row("log", str(consumer.log_path), str(provider.log_path))
    console.print(table)
    console.print("\nTry, for example:", highlight=False)
    for line in _examples(consumer, provider):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    console.print("\n--json prints the same with the accounts' keys. Ctrl-C stops everything.", highlight=False)


def _examples(consumer: ParticipantProcess, provider: ParticipantProcess) -> list[str]:
    catalog = f'{{"counterPartyAddress": "{provider.protocol_url}", "protocol": "dataspace-protocol-http:2025-1"}}'
    return [
        f"FERRY_URL={consumer.url} FERRY_API_KEY={consumer.api_key} ferry doctor --peer {provider.protocol_url}",
        f"curl {consumer.url}/api/health/ready",
        f"curl -H 'x-api-key: {consumer.api_key}' -H 'Content-Type: application/json' "
        f"{consumer.management_url}/catalog/request -d '{catalog}'",
        f"curl -X POST -H 'x-api-key: {consumer.api_key}' {consumer.management_url}/transferprocesses/request",
    ]
