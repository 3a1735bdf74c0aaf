"""Reading how the app reaches its own storage."""

import pytest

from ferry.adapters.storage_connection import StorageConnection, read_connection
from ferry.domain.faults import InvalidInput
from ferry.domain.secret import Secret

TEXT = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"


def test_connection_string_wins_and_is_not_shown() -> None:
    connection = read_connection({"AzureWebJobsStorage": TEXT, "AzureWebJobsStorage__accountName": "other"})

    assert connection == StorageConnection(Secret(TEXT))
    assert "c2VjcmV0" not in repr(connection)


def test_account_name_stands_for_its_public_endpoints() -> None:
    connection = read_connection({"S__accountName": "myaccount"}, "S")

    assert connection.connection_string is None
    assert connection.table_endpoint == "https://myaccount.table.core.windows.net"
    assert connection.queue_endpoint == "https://myaccount.queue.core.windows.net"


def test_named_endpoints_win_over_the_public_ones() -> None:
    environment = {"S__accountName": "a", "S__tableServiceUri": "https://t.example", "S__queueServiceUri": "https://q"}

    connection = read_connection(environment, "S")

    assert (connection.table_endpoint, connection.queue_endpoint) == ("https://t.example", "https://q")


@pytest.mark.parametrize("environment", [{}, {"S": ""}, {"S__tableServiceUri": "https://t.example"}])
def test_missing_setting_is_told_with_an_example(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="S: is required, for example S=UseDevelopmentStorage=true"):
        read_connection(environment, "S")
