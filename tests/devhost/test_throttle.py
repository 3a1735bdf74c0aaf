"""Limits of host.json on requests that run and wait."""

import asyncio

from ferry.devhost.http_dispatch import Throttle
from ferry.devhost.settings import HttpOptions


def admitted(options: HttpOptions, requests: int) -> tuple[list[bool], int]:
    """Which of so many requests at once were admitted, and how many ran side by side at most."""

    async def run() -> tuple[list[bool], int]:
        throttle = Throttle(options)
        running, most = 0, 0

        async def request() -> bool:
            nonlocal running, most
            async with throttle.slot() as is_admitted:
                if is_admitted:
                    running += 1
                    most = max(most, running)
                    await asyncio.sleep(0)
                    running -= 1
                return is_admitted

        return list(await asyncio.gather(*(request() for _ in range(requests)))), most

    return asyncio.run(run())


def test_without_limits_all_run_at_once() -> None:
    assert admitted(HttpOptions(), 20) == ([True] * 20, 20)


def test_request_above_the_outstanding_limit_is_refused() -> None:
    assert admitted(HttpOptions(max_outstanding_requests=2), 3)[0] == [True, True, False]


def test_request_above_the_concurrent_limit_waits() -> None:
    assert admitted(HttpOptions(max_concurrent_requests=2), 6) == ([True] * 6, 2)
