"""Names of storage operations, from the shape of their requests."""

import pytest

from ferry.emulators.operations import RequestShape, operation_name


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (RequestShape("blob", "PUT", "/acc/con", restype="container"), "Create Container"),
        (RequestShape("blob", "GET", "/acc/con", restype="container", comp="list"), "List Blobs"),
        (RequestShape("blob", "GET", "/acc", comp="list"), "List Containers"),
        (RequestShape("blob", "POST", "/acc", restype="service", comp="userdelegationkey"), "Get User Delegation Key"),
        (RequestShape("blob", "PUT", "/acc/con/a/b", blob_type="BlockBlob"), "Put Blob"),
        (RequestShape("blob", "PUT", "/acc/con/b", blob_type="BlockBlob", has_copy_source=True), "Put Blob From URL"),
        (RequestShape("blob", "PUT", "/acc/con/b", has_copy_source=True), "Copy Blob"),
        (
            RequestShape("blob", "PUT", "/acc/con/b", has_copy_source=True, copies_synchronously=True),
            "Copy Blob From URL",
        ),
        (RequestShape("blob", "PUT", "/acc/con/b", comp="block"), "Put Block"),
        (RequestShape("blob", "PUT", "/acc/con/b", comp="block", has_copy_source=True), "Put Block From URL"),
        (RequestShape("blob", "PUT", "/acc/con/b", comp="blocklist"), "Put Block List"),
        (RequestShape("blob", "HEAD", "/acc/con/b"), "Get Blob Properties"),
        (RequestShape("queue", "GET", "/acc", comp="list"), "List Queues"),
        (RequestShape("queue", "PUT", "/acc/que"), "Create Queue"),
        (RequestShape("queue", "POST", "/acc/que/messages"), "Put Message"),
        (RequestShape("queue", "GET", "/acc/que/messages"), "Get Messages"),
        (RequestShape("queue", "GET", "/acc/que/messages", peeks_only=True), "Peek Messages"),
        (RequestShape("queue", "DELETE", "/acc/que/messages"), "Clear Messages"),
        (RequestShape("queue", "DELETE", "/acc/que/messages/1"), "Delete Message"),
        (RequestShape("table", "POST", "/acc/Tables"), "Create Table"),
        (RequestShape("table", "DELETE", "/acc/Tables('t')"), "Delete Table"),
        (RequestShape("table", "POST", "/acc/tab"), "Insert Entity"),
        (RequestShape("table", "GET", "/acc/tab()"), "Query Entities"),
        (RequestShape("table", "GET", "/acc/tab(PartitionKey='a',RowKey='b')"), "Get Entity"),
        (RequestShape("table", "PATCH", "/acc/tab(PartitionKey='a',RowKey='b')"), "Merge Entity"),
        (RequestShape("table", "POST", "/acc/$batch"), "Entity Group Transaction"),
        (RequestShape("blob", "OPTIONS", "/acc/con"), "OPTIONS container"),
    ],
)
def test_request_shape_gives_the_name_of_the_rest_reference(shape: RequestShape, expected: str) -> None:
    assert operation_name(shape) == expected
