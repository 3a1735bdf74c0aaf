"""What is rehearsed: two participants and one, a vault that was deleted and not purged, looking only, and taking down.

Each in a folder of its own: the shipped examples of participants, one that stands alone, and an archive with no code.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.deploy_check.rehearsal import INFRA, Scenario

DEPLOY = str(INFRA / "deploy.sh")
TEARDOWN = str(INFRA / "teardown.sh")
CONSUMER = str(INFRA / "participants" / "consumer.env")
PROVIDER = str(INFRA / "participants" / "provider.env")
_ALONE = """
NAME=alone
PARTICIPANT_ID=did:web:alone.example.org
SUBSCRIPTION=22222222-2222-3333-4444-555555555555
RESOURCE_GROUP=alone-rg
LOCATION=northeurope
MANAGEMENT_AUTH=entra
ENTRA_AUDIENCE=api://ferry
PARTNERS={"other": "did:web:other.example.org:api", "third": {"did": "did:web:third.example.org"}}
ALLOWED_HOSTS=other.example.org,third.example.org
STORAGE_CREDENTIAL=key
PURGE_PROTECTION=false
SETTINGS={"FERRY_LOG_LEVEL": "DEBUG"}
"""

# Somebody deletes the group by hand: the vault stays among the deleted ones.
_GROUP_GONE = ("-c", "az group delete --name alone-rg --yes")


@dataclass(frozen=True, slots=True)
class Scenarios:
    """The scenarios whose files lie in a folder."""

    folder: Path

    @property
    def alone(self) -> str:
        """A participant with partners that somebody else runs."""
        path = self.folder / "alone.env"
        path.write_text(_ALONE)
        return str(path)

    def deploy(self, *participants: str, only_look: bool = False) -> Sequence[str]:
        """The command that deploys participants."""
        package = self.folder / "app.zip"
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("host.json", "{}")
        return (DEPLOY, "--what-if" if only_look else "--yes", "--package", str(package), *participants)

    def one(self) -> Scenario:
        """A participant that stands alone: the shortest deployment."""
        return Scenario("deploy one participant", self.deploy(self.alone))

    def all(self) -> list[Scenario]:
        """Every scenario."""
        pair, down = self.deploy(CONSUMER, PROVIDER), (TEARDOWN, "--yes", CONSUMER, PROVIDER)
        without_purge = (TEARDOWN, "--yes", self.alone)
        deploy_alone = self.deploy(self.alone)
        return [
            Scenario("deploy a pair", pair),
            self.one(),
            Scenario("deploy again", pair, before=[pair]),
            Scenario("deploy beside a deleted vault", deploy_alone, before=[deploy_alone, _GROUP_GONE]),
            Scenario("look only", self.deploy(CONSUMER, PROVIDER, only_look=True)),
            Scenario("take one down", without_purge, before=[deploy_alone]),
            Scenario("take a pair down", down, before=[pair]),
            Scenario("say what would go", (TEARDOWN, CONSUMER), before=[pair]),
        ]
