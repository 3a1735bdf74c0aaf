"""Documents with keys: of threads that want one at once, one asks for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from ferry.adapters.clock import VirtualClock
from ferry.adapters.key_documents import FetchedKeyDocuments
from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.domain.process import JsonObject
from ferry.ports.peer import PeerAnswer

URL = "https://partner.test/api/did.json"
THREADS = 20


def test_threads_that_want_a_document_at_once_ask_for_it_once() -> None:
    asked: list[str] = []
    come = threading.Barrier(THREADS)

    def slow(method: str, url: str, headers: object, body: object) -> PeerAnswer:
        asked.append(url)
        threading.Event().wait(0.1)
        return PeerAnswer(200, {"id": "did:web:partner.test:api"})

    network = MemoryNetwork()
    network.attach(URL, slow)
    documents = FetchedKeyDocuments(MemoryPeer(network), clock=VirtualClock())

    def get() -> JsonObject:
        come.wait(10)
        return documents.get(URL)

    with ThreadPoolExecutor(THREADS) as pool:
        found = [future.result() for future in [pool.submit(get) for _ in range(THREADS)]]

    assert asked == [URL]
    assert found == [{"id": "did:web:partner.test:api"}] * THREADS
