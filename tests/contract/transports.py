"""Transports of Azure's SDKs that see every request, and lose replies or refuse requests when they are told."""

from typing import Any, Self

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import HttpTransport

from ferry.adapters.azure_pipeline import PooledTransport


class WatchedTransport(HttpTransport[Any, Any]):
    """Notes each request as `METHOD path`; the next ones to lose or refuse are counted down."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.replies_to_lose = 0
        self.requests_to_refuse = 0
        self.pauses: list[float] = []
        self._inner = PooledTransport()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, request: Any, **kwargs: Any) -> Any:
        self.requests.append(f"{request.method} {request.url.split('?')[0].rsplit('/', 1)[-1].removesuffix('()')}")
        if self.requests_to_refuse:
            self.requests_to_refuse -= 1
            raise ServiceRequestError("connection refused")
        answer = self._inner.send(request, **kwargs)
        if self.replies_to_lose:
            self.replies_to_lose -= 1
            # A reply that nobody reads would keep its connection.
            answer.internal_response.close()
            raise ServiceResponseError("connection reset")
        return answer

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def sleep(self, duration: float) -> None:
        self.pauses.append(duration)

    def take(self) -> list[str]:
        """The requests since the last call."""
        taken, self.requests = self.requests, []
        return taken
