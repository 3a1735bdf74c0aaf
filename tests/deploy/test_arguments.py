"""Calls of az are found wherever people are told to type them."""

from tools.deploy_check.arguments import documented_calls, printed_calls, unrehearsed

DOCUMENT = """
```sh
az login   # once
az group create -n "$NAME" \\
  -l "$(az config get defaults.location -o tsv)"
curl -H "x-functions-key: $(az functionapp keys list -g "$GROUP" -n app --query functionKeys.default -o tsv)" https://x
```
az group delete -n not-in-a-block
"""


def test_calls_in_shell_blocks_of_a_document_are_found() -> None:
    assert documented_calls(DOCUMENT) == [
        ("login",),
        ("group", "create", "-n", "value", "-l", "value"),
        ("config", "get", "defaults.location", "-o", "tsv"),
        ("functionapp", "keys", "list", "-g", "value", "-n", "app", "--query", "functionKeys.default", "-o", "tsv"),
    ]


def test_call_that_a_script_prints_is_found() -> None:
    assert printed_calls('-H "key: $(az account show -o tsv)" \\') == [("account", "show", "-o", "tsv")]


def test_command_that_no_rehearsal_called_is_told() -> None:
    script = 'azure group exists --name "$GROUP"\nazure group delete --yes'
    assert unrehearsed(script, [("group", "exists", "--name", "g")]) == ["group delete"]
