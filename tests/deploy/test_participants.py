"""Scripts and templates agree on keys, parameters, names and outputs; a wrong file is refused before any change."""

import re
import zipfile
from pathlib import Path

import pytest

from tests.deploy.templates import outputs, parameters, required_parameters, variable
from tools.deploy_check.rehearsal import INFRA, Stage
from tools.deploy_check.scenarios import CONSUMER, DEPLOY, PROVIDER, TEARDOWN, Scenarios

SHARED = (INFRA / "participant.sh").read_text()
DEPLOY_TEXT = (INFRA / "deploy.sh").read_text()


def parameter_of_key() -> dict[str, str]:
    table = re.search(r"PARTICIPANT_KEYS='\n(.*?)'", SHARED, re.DOTALL)
    assert table is not None
    return dict(line.split(" ") for line in table.group(1).splitlines())


def test_keys_of_a_file_set_parameters_that_exist() -> None:
    assert {it for it in parameter_of_key().values() if it != "-"} == parameters("main.bicep") - {"suffix"}


def test_parameters_without_default_are_passed() -> None:
    assert required_parameters("main.bicep") <= {*parameter_of_key().values(), "suffix"}
    passed = set(re.findall(r'"(\w+)=\$', DEPLOY_TEXT))
    assert required_parameters("completion.bicep") == passed & parameters("completion.bicep")


def test_outputs_that_the_script_reads_exist() -> None:
    assert set(re.findall(r"output_of (\w+)", DEPLOY_TEXT)) <= outputs("main.bicep")


def test_names_are_derived_alike() -> None:
    for name, in_template in (("app", "appName"), ("vault", "vaultName")):
        told = variable("main.bicep", in_template).replace("${name}", "$NAME").replace("${suffix}", "$suffix")
        assert f"  {name}={told}\n" in SHARED


@pytest.mark.parametrize(("name", "longest"), [("hostAccountName", 24), ("dataAccountName", 24), ("vaultName", 24)])
def test_longest_name_fits(name: str, longest: int) -> None:
    made = variable("main.bicep", name).replace("${name}", "a" * 10).replace("${suffix}", "0" * 8)
    assert len(made) <= longest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("LOCATION=westeurope", "NAME must be"),
        ("NAME=Consumer\nLOCATION=westeurope", "NAME must be"),
        ("NAME=averylongname\nLOCATION=westeurope", "NAME must be"),
        ("NAME=consumer", "LOCATION must be"),
        ("NAME=consumer\nLOCATION=westeurope\nCOLOUR=red", "line 3: there is no key 'COLOUR'"),
        ("NAME=consumer\nLOCATION=westeurope\nhello", "line 3: no KEY=VALUE"),
        ("NAME=consumer\nLOCATION=westeurope\nIDENTITY=none", "IDENTITY must be"),
        ("NAME=consumer\nLOCATION=westeurope\nMANAGEMENT_AUTH=entra", "needs ENTRA_AUDIENCE"),
        ("NAME=consumer\nLOCATION=westeurope\nPARTNERS=provider", "PARTNERS must be a JSON object"),
        (
            'NAME=consumer\nLOCATION=westeurope\nPARTNERS={"p": "did:web:p.example"}',
            "without its host in ALLOWED_HOSTS",
        ),
        ("NAME=consumer\nLOCATION=$(touch ran)", "LOCATION must be"),
        ("NAME=consumer\nLOCATION=westeurope", "nobody gets in who is not in PARTNERS"),
    ],
)
def test_wrong_file_is_refused_and_nothing_is_made(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.env"
    path.write_text(text)
    stage = Stage(tmp_path)
    outcome = stage.run([DEPLOY, "--yes", str(path)])
    assert outcome.status == 1
    assert said in outcome.told
    assert stage.held() == {}
    assert not Path("ran").exists()


def test_same_participant_twice_is_refused(tmp_path: Path) -> None:
    outcome = Stage(tmp_path).run([DEPLOY, "--yes", CONSUMER, CONSUMER])
    assert outcome.status == 1
    assert "both files name the same participant" in outcome.told


def test_nobody_to_ask_is_refused(tmp_path: Path) -> None:
    outcome = Stage(tmp_path).run([DEPLOY, CONSUMER, PROVIDER])
    assert outcome.status == 1
    assert outcome.calls == ()


@pytest.mark.parametrize("script", [DEPLOY, TEARDOWN])
def test_group_of_somebody_else_is_left_alone(script: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run(["-c", "az group create --name ferry-consumer --location westeurope --tags owner=somebody"])
    before = stage.held()
    files = [CONSUMER, PROVIDER] if script == DEPLOY else [CONSUMER]
    outcome = stage.run([script, "--yes", *files])
    assert outcome.status == 1
    assert "is not Ferry's" in outcome.told
    assert stage.held() == before


def test_look_at_changes_deploys_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.run(Scenarios(tmp_path).deploy(CONSUMER, PROVIDER, only_look=True)).status == 0
    assert set(stage.held()) == {"groups/ferry-consumer", "groups/ferry-provider"}


def test_teardown_without_yes_deletes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run(Scenarios(tmp_path).deploy(CONSUMER, PROVIDER))
    before = stage.held()
    outcome = stage.run([TEARDOWN, CONSUMER, PROVIDER])
    assert outcome.status == 0
    assert stage.held() == before


def test_pair_is_told_of_each_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.run(Scenarios(tmp_path).deploy(CONSUMER, PROVIDER)).status == 0
    told = {name: text for name, text in stage.held().items() if name.endswith(".ferry")}
    hosts = {name: re.search(r"ferry-\w+-\w{8}\.azurewebsites\.net", text) for name, text in told.items()}
    for name, other in (("consumer", "provider"), ("provider", "consumer")):
        host = hosts[f"deployments/ferry-{name}.ferry"]
        assert host is not None
        assert f'partners={{"{other}": "did:web:{host.group()}:api"}}' in told[f"deployments/ferry-{name}.ferry"]
        assert host.group().startswith(f"ferry-{other}-")


def test_archive_holds_what_the_app_needs_and_no_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.run([DEPLOY, "--yes", Scenarios(tmp_path).alone]).status == 0
    with zipfile.ZipFile(stage.published) as archive:
        names = archive.namelist()
    assert {"function_app.py", "host.json", "requirements.txt", "ferry/services/app.py"} <= set(names)
    assert {"consumer_fns", "provider_fns", "shared_fns", "ferry"} <= {name.partition("/")[0] for name in names}
    left_out = ("tests/", "infra/", "tools/", "docs/", ".github/", "uv.lock", "ferry/cli/", "ferry/devhost/")
    assert not [name for name in names if name.startswith(left_out)]
