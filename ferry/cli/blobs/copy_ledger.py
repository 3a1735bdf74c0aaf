"""The account of a copy: which pages are done, how far the others are; kept in a file for who goes on after a stop.

It holds names and numbers, never a SAS. Pages that are done one after another are told by the place where the listing
goes on; so the file stays small however many pages there are.
"""

import hashlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ferry.cli.blobs.there_already import Likeness
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.data_plane.copying.page import PageState
from ferry.ports.storage import SourceBlob

_VERSION = 1
_SAVE_SECONDS = 2.0


@dataclass(slots=True)
class Totals:
    """What has become of the blobs so far."""

    blobs: int = 0
    size_bytes: int = 0
    there_already: int = 0
    by_size_alone: int = 0
    changed: int = 0
    methods: Counter[str] = field(default_factory=Counter[str])
    not_kept: Counter[str] = field(default_factory=Counter[str])

    def add(self, entry: "PageEntry") -> None:
        """And what has become of a page."""
        state = entry.state
        self.there_already += entry.there_already.total()
        self.by_size_alone += entry.there_already[Likeness.SAME_SIZE]
        self.blobs += len(state.done)
        self.size_bytes += state.bytes_done
        self.changed += len(state.changed)
        self.methods.update(state.methods)
        self.not_kept.update(state.not_kept)

    def copy(self) -> "Totals":
        """One of its own."""
        return Totals(
            self.blobs,
            self.size_bytes,
            self.there_already,
            self.by_size_alone,
            self.changed,
            Counter(self.methods),
            Counter(self.not_kept),
        )

    def to_json(self) -> dict[str, Any]:
        """For the file."""
        return {
            "blobs": self.blobs,
            "bytes": self.size_bytes,
            "thereAlready": self.there_already,
            "bySizeAlone": self.by_size_alone,
            "changed": self.changed,
            "methods": dict(self.methods),
            "notKept": dict(self.not_kept),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Totals":
        """What `to_json` gave."""
        return cls(
            blobs=int(told["blobs"]),
            size_bytes=int(told["bytes"]),
            there_already=int(told["thereAlready"]),
            by_size_alone=int(told["bySizeAlone"]),
            changed=int(told["changed"]),
            methods=Counter(told["methods"]),
            not_kept=Counter(told["notKept"]),
        )


@dataclass(slots=True)
class PageEntry:
    """A page that was begun. `after` is where the listing showed it, `next_after` where it goes on (None: the end).

    `there_already`: blobs of it that need not be copied; the others are the page.
    """

    after: str | None
    digest: str
    next_after: str | None
    state: PageState
    is_done: bool = False
    was_begun: bool = False
    there_already: Counter[Likeness] = field(default_factory=Counter[Likeness])


class CopyLedger:
    """Safe for threads. `path` None: nothing is kept. `about`: what must be the same for a copy to go on."""

    def __init__(
        self, path: Path | None, about: Mapping[str, object], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises CommandFailed where the file is of another copy, or is none."""
        self._path = path
        self._about = dict(about)
        self._clock = clock
        self._lock = threading.Lock()
        self._saved_at = clock()
        self._pages: dict[str | None, PageEntry] = {}
        self._earlier: dict[str | None, PageEntry] = {}
        self._base = Totals()
        self.after: str | None = None
        self.is_over = False
        if path is not None and path.exists():
            self._load(path)

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier run has done something."""
        return bool(self._earlier) or self._base.blobs > 0 or self.after is not None

    @property
    def kept_count(self) -> int:
        """How many pages are kept one by one: those behind the first that is not done."""
        with self._lock:
            return len(self._pages)

    def begin(
        self,
        after: str | None,
        blobs: Sequence[SourceBlob],
        next_after: str | None,
        there_already: Counter[Likeness] | None = None,
    ) -> PageEntry:
        """A page is about to be copied; what an earlier run did of it is in its state, if it is the same page."""
        digest = page_digest(blobs)
        with self._lock:
            entry = PageEntry(after, digest, next_after, PageState())
            entry.there_already.update(there_already or {})
            earlier = self._earlier.pop(after, None)
            if earlier is not None and earlier.digest == digest:
                # What lies there under its names is of these versions; of other ones nobody knows.
                entry.was_begun = True
                entry.state, entry.is_done = earlier.state, earlier.is_done
            self._pages[after] = entry
            self._save()
            return entry

    def told(self, entry: PageEntry, state: PageState) -> None:
        """A page has come so far."""
        with self._lock:
            entry.state = state
            if self._clock() - self._saved_at >= _SAVE_SECONDS:
                self._save()

    def end(self, entry: PageEntry) -> None:
        """A page is done."""
        with self._lock:
            entry.is_done = True
            self._fold()

    def totals(self) -> Totals:
        """All that is done, by earlier runs, too."""
        with self._lock:
            found = self._base.copy()
            for entry in self._pages.values():
                found.add(entry)
            return found

    def save(self) -> None:
        """Write the file now."""
        with self._lock:
            self._save()

    def forget(self) -> None:
        """All is copied: there is nothing to go on with."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _fold(self) -> None:
        """Pages at the front that are done become numbers."""
        while (entry := self._pages.get(self.after)) is not None and entry.is_done and not self.is_over:
            del self._pages[self.after]
            self._base.add(entry)
            self.after, self.is_over = entry.next_after, entry.next_after is None

    def _save(self) -> None:
        self._saved_at = self._clock()
        if self._path is None:
            return
        entries = [*self._pages.values(), *self._earlier.values()]
        document = {
            "version": _VERSION,
            "about": self._about,
            "after": self.after,
            "totals": self._base.to_json(),
            "pages": [
                {
                    "after": entry.after,
                    "digest": entry.digest,
                    "nextAfter": entry.next_after,
                    "isDone": entry.is_done,
                    "state": entry.state.to_json(),
                }
                for entry in entries
            ],
        }
        written = self._path.with_name(f"{self._path.name}.new")
        try:
            written.write_text(json.dumps(document), encoding="utf-8")
            os.replace(written, self._path)  # noqa: PTH105 - in one step, whatever is there
        except OSError as error:
            raise _unusable(self._path, f"cannot be written: {error.strerror}") from None

    def _load(self, path: Path) -> None:
        try:
            told = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
            if told["version"] != _VERSION:
                raise _unusable(path, "is of another version of ferry")
            if told["about"] != self._about:
                raise _unusable(path, "is of another copy: its addresses or options differ")
            self.after, self._base = told["after"], Totals.from_json(told["totals"])
            for page in told["pages"]:
                state = PageState.from_json(page["state"])
                entry = PageEntry(page["after"], page["digest"], page["nextAfter"], state, bool(page["isDone"]))
                self._earlier[entry.after] = entry
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise _unusable(path, "is no state of a copy") from None


def page_digest(blobs: Sequence[SourceBlob]) -> str:
    """Tells one page from another: names at both sides, and versions."""
    text = "".join([f"{blob.item.name}\n{blob.target_name}\n{blob.item.etag}\n" for blob in blobs])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unusable(path: Path, why: str) -> CommandFailed:
    return CommandFailed(
        f"The state file {path} {why}", next_step="name another file with --state", exit_code=ExitCode.USAGE
    )
