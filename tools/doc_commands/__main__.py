"""`./run docs`: run the quick commands of the documentation; `--slow` those that CI has no time for."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tools.doc_commands.blocks import ROOT, Block, When, all_blocks

if TYPE_CHECKING:
    from ferry.cli.stack import LocalStack

_BLOCK_SECONDS = 600.0


def main() -> int:
    """Run them and print what became of each; 1 where one failed."""
    reader = argparse.ArgumentParser(prog="./run docs", description=__doc__)
    reader.add_argument("--slow", action="store_true", help="run the slow blocks instead")
    given = reader.parse_args()
    wanted = {When.SLOW} if given.slow else {When.QUICK, When.PAIR}
    blocks = [block for block in all_blocks() if block.when in wanted]
    failed = _in_their_places(blocks)
    print(f"{len(blocks)} blocks, {len(failed)} failed")
    return 1 if failed else 0


def _in_their_places(blocks: Sequence[Block]) -> list[Block]:
    """Run them all; those beside a pair share one. Gives those that failed."""
    alone = [block for block in blocks if block.when is not When.PAIR]
    beside = [block for block in blocks if block.when is When.PAIR]
    failed = [block for block in alone if not _is_good(block, {})]
    if not beside:
        return failed
    from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
    from tools.agreed import agree

    with LocalStack.start(StackOptions()) as stack, tempfile.TemporaryDirectory() as home:
        agreed = agree(stack)
        told = {
            "ASSET": agreed.asset_id,
            "AGREEMENT": agreed.agreement_id,
            "CONSUMER": stack.consumer.url,
            "PROVIDER": stack.provider.url,
            "PROVIDER_DSP": stack.provider.protocol_url,
            "KEY": stack.consumer.api_key,
            "PROVIDER_KEY": stack.provider.api_key,
            **_blobs_of(stack, CONSUMER),
            **_blobs_of(stack, PROVIDER),
            "XDG_CONFIG_HOME": home,
        }
        return failed + [block for block in beside if not _is_good(block, told)]


def _blobs_of(stack: "LocalStack", name: str) -> dict[str, str]:
    """A participant's storage account, as `ferry up --json` tells of it."""
    account, prefix = stack.resources(name).data_storage, name.upper()
    return {
        f"{prefix}_ACCOUNT": account.name,
        f"{prefix}_BLOBS": account.blob_endpoint,
        f"{prefix}_ACCOUNT_KEY": account.key,
    }


def _is_good(block: Block, told: Mapping[str, str]) -> bool:
    begun = time.monotonic()
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.commands],
        cwd=ROOT,
        env={**os.environ, **told, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_BLOCK_SECONDS,
        check=False,
    )
    word = "ok" if done.returncode == 0 else f"failed ({done.returncode})"
    print(f"{word:<12} {block.place} {time.monotonic() - begun:.1f} s", flush=True)
    if done.returncode:
        print(block.commands + "--- it said:\n" + done.stdout[-4000:], file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
