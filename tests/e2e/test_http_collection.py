"""The requests of docs/http against running participants: every answer is what the files say."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import uuid
from collections.abc import Iterator, Mapping

import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.stack import CONSUMER, DATA_PLANE, PROVIDER, LocalStack, StackOptions
from tools.http_collection.bruno import HTTP
from tools.http_collection.reading import read
from tools.http_collection.running import Run

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

# The provider copies by itself, and has a plane of its own beside it, which it is told of by the collection.
ANOTHER_PLANE = {"FERRY_DATA_PLANE_URL": "", "FERRY_ROLES": "consumer,provider,dataplane"}
MANUAL = {"FERRY_NEGOTIATION": "manual"}


def run_of(name: str, stack: LocalStack, **more: str) -> Run:
    """A run with the variables that `ferry up` prints; some blobs lie in the provider's account."""
    token = uuid.uuid4().hex[:8]
    with stack.blobs(PROVIDER) as outbox, outbox.create_container(f"src-{token}") as container:
        for number in range(3):
            container.upload_blob(f"{number}.csv", b"a,b\n")
    values = {
        "consumer": f"{stack.consumer.url}/api",
        "provider": f"{stack.provider.url}/api",
        "consumerKey": stack.consumer.api_key,
        "providerKey": stack.provider.api_key,
        "providerAccount": stack.resources(PROVIDER).data_storage.name,
        "sourceContainer": f"src-{token}",
        "run": token,
        **more,
    }
    return Run(read(HTTP / name), values)


@pytest.fixture
def stack(request: pytest.FixtureRequest, host_kind: HostKind) -> Iterator[LocalStack]:
    """A pair with what the test asks for."""
    environment: Mapping[str, Mapping[str, str]] = request.param
    has_plane = DATA_PLANE in environment
    told = {name: changes for name, changes in environment.items() if name != DATA_PLANE}
    with LocalStack.start(StackOptions(host=host_kind, remote_data_plane=has_plane, environment=told)) as running:
        yield running


@pytest.mark.parametrize("stack", [{PROVIDER: ANOTHER_PLANE, DATA_PLANE: {}}], indirect=True, ids=["with a plane"])
def test_story_of_a_transfer_is_answered_as_the_file_says(stack: LocalStack) -> None:
    run = run_of("ferry.http", stack, plane=f"{stack.participant(DATA_PLANE).url}/api")

    assert len(run.all()) == len(run.collection.requests) > 60


@pytest.mark.parametrize("stack", [{CONSUMER: MANUAL, PROVIDER: MANUAL}], indirect=True, ids=["manual"])
def test_negotiation_by_hand_is_answered_as_the_file_says(stack: LocalStack) -> None:
    run = run_of("manual-negotiation.http", stack)

    assert len(run.all()) == len(run.collection.requests) > 15
