"""What is known of a pair of endpoints: how long somebody has been trying what nobody knows yet."""

import asyncio

from ferry.data_plane.copying.verdicts import PairVerdict


def test_whoever_comes_later_waits_only_for_the_rest_of_the_first_try() -> None:
    now = [100.0]

    async def story() -> list[float]:
        verdict = PairVerdict(lambda: now[0])
        seen = [verdict.probed_seconds()]
        now[0] = 110.0
        async with verdict.probing:
            verdict.probe()
            for now[0] in (110.0, 110.25, 112.0):
                seen.append(verdict.probed_seconds())
        return [*seen, verdict.probed_seconds()]

    assert asyncio.run(story()) == [0.0, 0.0, 0.25, 2.0, 0.0]
