"""The lists of blobs in memory: the contract suite."""

import pytest

from ferry.adapters.memory_manifests import MemoryPageManifests
from tests.contract.page_manifests_suite import PageManifestsSuite


class TestMemoryPageManifests(PageManifestsSuite):
    """The twin."""

    @pytest.fixture
    def manifests(self) -> MemoryPageManifests:
        return MemoryPageManifests()
