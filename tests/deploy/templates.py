"""The Bicep templates as text: enough to hold them to the app and to the scripts without a compiler."""

import re

from tools.deploy_check.rehearsal import INFRA

_SETTING = re.compile(r"^\s+((?:FERRY|AzureWebJobsStorage|DESTINATION|AZURE|APPLICATIONINSIGHTS|PYTHON)_\w+):", re.M)


def template(name: str) -> str:
    """A template's text."""
    return (INFRA / name).read_text()


def parameters(name: str) -> set[str]:
    """The names of a template's parameters."""
    return set(re.findall(r"^param (\w+) ", template(name), re.MULTILINE))


def required_parameters(name: str) -> set[str]:
    """Those without a default."""
    return set(re.findall(r"^param (\w+) \w+$", template(name), re.MULTILINE))


def outputs(name: str) -> set[str]:
    """The names of a template's outputs."""
    return set(re.findall(r"^output (\w+) ", template(name), re.MULTILINE))


def app_settings() -> set[str]:
    """The names of all settings that main.bicep gives to the app."""
    return set(_SETTING.findall(template("main.bicep")))


def variable(name: str, variable_name: str) -> str:
    """A template's variable that is a string, with `${…}` as it stands."""
    found = re.search(rf"^var {variable_name} = '(.*)'$", template(name), re.MULTILINE)
    assert found is not None
    return found.group(1)
