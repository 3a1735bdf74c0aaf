"""What the tests of the lean HTTP path run on."""

import asyncio

import pytest
import uvloop

from tests.contract.scripted_server import Run


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on either loop: the engine's and the standard one."""
    return request.param
