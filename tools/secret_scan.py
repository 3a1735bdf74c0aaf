"""Looks for credentials in every file that is or would be committed; finding one fails `./run check`.

Prints where and of what kind, never the value itself. Azurite's development key is published and the one exception.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

KINDS = {
    "account key in a connection string": re.compile(r"AccountKey=[A-Za-z0-9+/]{20,}"),
    "signature of a SAS": re.compile(r"\bsig=[A-Za-z0-9+/%]{43,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    # 64 bytes in base64; npm locks state their SHA-512 sums in the same form, behind a prefix.
    "storage account key": re.compile(r"(?<!sha512-)(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?!=)"),
}


def committable_files() -> list[Path]:
    """Tracked files and new ones that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def findings(text: str) -> Iterator[tuple[int, str]]:
    """Line number and kind of every credential in a text."""
    for number, line in enumerate(text.replace(AZURITE_KEY, "").splitlines(), start=1):
        yield from ((number, kind) for kind, pattern in KINDS.items() if pattern.search(line))


def main() -> int:
    """Scan, print and answer the exit code."""
    files = committable_files()
    found = [
        f"{path.relative_to(ROOT)}:{number}: {kind}"
        for path in files
        for number, kind in findings(path.read_text(encoding="utf-8", errors="replace"))
    ]
    print(*found, f"{len(found)} secrets in {len(files)} files", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
