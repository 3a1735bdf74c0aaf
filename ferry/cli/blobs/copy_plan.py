"""What a copy is about: from where, to where, and what each blob is called there."""

from collections.abc import Iterable
from dataclasses import dataclass

from ferry.cli.blobs.addresses import AddressReader, FileAddress, StorageAddress
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.ports.storage import BlobItem, SourceBlob


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """Both addresses. A folder's blobs keep their names below it; a single blob or file may get another one."""

    source: StorageAddress | FileAddress
    destination: StorageAddress
    overwrite: bool = False
    takes_changes: bool = False

    @property
    def prefix(self) -> str:
        """What the names of the source begin with."""
        return self.source.path if isinstance(self.source, StorageAddress) else ""

    @property
    def is_single(self) -> bool:
        """Whether there is one blob at most."""
        return isinstance(self.source, FileAddress) or self.source.is_blob

    @property
    def target_prefix(self) -> str:
        """What all names at the destination begin with."""
        if not self.is_single:
            return self.destination.folder
        name = self.source.name if isinstance(self.source, FileAddress) else self.source.path
        return self.target_name(name)

    @property
    def may_list_destination(self) -> bool:
        """Whether the destination's SAS says that it may read and list."""
        return {"r", "l"} <= self.destination.permissions

    def target_name(self, name: str) -> str:
        """What a blob of the source is called at the destination."""
        if self.destination.is_blob:
            return self.destination.path
        if self.is_single:
            return self.destination.folder + name.rpartition("/")[2]
        return self.destination.folder + name.removeprefix(self.prefix)

    def blobs(self, items: Iterable[BlobItem]) -> tuple[SourceBlob, ...]:
        """The blobs of a page with their names at the destination; the folder itself is none."""
        folder = self.destination.folder
        if self.is_single:
            named = [SourceBlob(item, self.target_name(item.name)) for item in items]
        else:
            at = len(self.prefix)
            named = [SourceBlob(item, folder + item.name[at:] if at or folder else item.name) for item in items]
        return tuple(blob for blob in named if blob.target_name != folder)


def read_plan(
    source: str, destination: str, *, reader: AddressReader, overwrite: bool, takes_changes: bool
) -> CopyPlan:
    """The plan for two addresses. Raises CommandFailed with everything that keeps it from being carried out."""
    plan = CopyPlan(
        source=reader.any(source, "The source"),
        destination=reader.storage(destination, "The destination"),
        overwrite=overwrite,
        takes_changes=takes_changes,
    )
    faults = list(_faults(plan))
    if faults:
        raise CommandFailed(
            "This cannot be copied:", next_step="correct the addresses", exit_code=ExitCode.USAGE, faults=faults
        )
    return plan


def _faults(plan: CopyPlan) -> Iterable[str]:
    source, destination = plan.source, plan.destination
    if isinstance(source, StorageAddress):
        wanted = "r" if source.is_blob else "rl"
        if not source.may(wanted):
            yield f"the source's SAS allows {_letters(source)}, and {' and '.join(wanted)} are needed"
        if (source.endpoint, source.container, source.path) == (
            destination.endpoint,
            destination.container,
            destination.path,
        ):
            yield "source and destination are the same"
        elif (
            not source.is_blob
            and (source.endpoint, source.container) == (destination.endpoint, destination.container)
            and destination.path.startswith(source.path)
        ):
            yield "the destination lies within the source: what is copied would be found and copied again, without end"
    if destination.is_blob and not plan.is_single:
        yield "many blobs cannot become one: end the destination with a slash, for a folder"
    if not (destination.may("w") or (destination.may("c") and not plan.overwrite)):
        yield f"the destination's SAS allows {_letters(destination)}, and c or w is needed (w to overwrite)"


def _letters(address: StorageAddress) -> str:
    return "".join(sorted(address.permissions))
