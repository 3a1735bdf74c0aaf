"""Two containers in the memory cloud and the command line before them: addresses with SAS, and what lies there."""

from datetime import timedelta

from ferry.adapters.clock import SystemClock
from ferry.adapters.memory_cloud import MemoryBlob, MemoryCloud
from ferry.adapters.memory_sas import sign
from ferry.adapters.memory_sides import MemorySides
from ferry.ports.storage import Account, SasScope


class BlobStage:
    """Containers `from` and `to`, each in an account of its own."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.cloud = MemoryCloud(self.clock)
        self.sides = MemorySides(self.cloud)
        self.source_account = self._account("origin")
        self.target_account = self._account("target")
        self.cloud.add_container(self.source_account, "from")
        self.cloud.add_container(self.target_account, "to")

    def source(self, path: str = "", letters: str = "rl") -> str:
        """The address of the source, or of a folder or blob in it."""
        return self._address(self.source_account, "from", path, letters)

    def target(self, path: str = "", letters: str = "rlcw") -> str:
        """The address of the destination, or of a folder or blob in it."""
        return self._address(self.target_account, "to", path, letters)

    def put(self, **blobs: bytes) -> None:
        """Blobs of the source; two underscores in a name stand for a slash."""
        for name, content in blobs.items():
            self.put_named(name.replace("__", "/"), content)

    def put_named(self, name: str, content: bytes) -> None:
        """A blob of the source."""
        self.source_blobs[name] = self.cloud.new_blob(content)

    @property
    def source_blobs(self) -> dict[str, MemoryBlob]:
        """What lies in the source."""
        return self.cloud.accounts[self.source_account.endpoint].containers["from"].blobs

    @property
    def arrived(self) -> dict[str, bytes]:
        """What lies at the destination."""
        blobs = self.cloud.accounts[self.target_account.endpoint].containers["to"].blobs
        return {name: blob.content for name, blob in blobs.items()}

    def requests(self, operation: str, account: Account) -> int:
        """How often it was asked for there."""
        return sum(it.operation == operation and it.account == account.name for it in self.cloud.requests)

    def _account(self, name: str) -> Account:
        return self.cloud.add_account(name, endpoint=f"https://{name}.blob.core.windows.net")

    def _address(self, account: Account, container: str, path: str, letters: str) -> str:
        now = self.clock.now()
        scope = SasScope(container, letters, now - timedelta(hours=1), now + timedelta(hours=1))
        key = account.key
        assert key is not None
        sas = sign(account.name, scope, key, https_only=True).reveal()
        return f"{account.endpoint}/{container}{'/' + path if path else ''}?{sas}"
