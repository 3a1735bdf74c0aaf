"""No secret leaves the places that are made for it, whatever goes wrong; and what is searched is searched for real."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import pytest

from ferry.cli.stack import PROVIDER
from tests.security.episodes import EPISODES, Story, expected_ends
from tests.security.issued_secrets import issued_secrets
from tests.security.observed_stack import ObservedPair, is_transfer_request, observed_stack
from tests.security.planted_secrets import plant_secrets
from tests.security.searched_places import searched_places
from tests.security.secret_forms import Finding, Place, PlaceKind, Scanner, SecretKind, SecretValue

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(150)]

SEARCHED_KINDS = frozenset(PlaceKind) - {PlaceKind.EXCEPTION}


@dataclass(frozen=True, slots=True)
class Search:
    """A stack after the story, with what it has issued, what was planted, and everything that may be searched."""

    story: Story
    issued: Sequence[SecretValue]
    planted: Mapping[SecretValue, PlaceKind]
    places: Sequence[Place]

    @property
    def is_keyless(self) -> bool:
        """Whether the participants have no account keys."""
        return self.story.pair.observed.options.keyless

    def figures(self, scanner: Scanner) -> str:
        """How much was searched for how much."""
        searched_bytes = sum(len(place.content) for place in self.places)
        return (
            f"{len(scanner.secrets)} secrets in {scanner.pattern_count} forms, "
            f"searched in {len(self.places)} places with {searched_bytes} bytes"
        )


@pytest.fixture(scope="module", params=[False, True], ids=["keys", "keyless"])
def search(request: pytest.FixtureRequest) -> Iterator[Search]:
    """The story told on a stack; secrets are planted before everything is read once, for both searches."""
    stack = observed_stack(request.config, keyless=request.param)
    with ObservedPair(stack) as pair:
        story = Story(pair)
        story.tell(EPISODES)
        issued = [*issued_secrets(stack), *story.misplaced]
        planted = plant_secrets(stack)
        yield Search(story, issued, planted, searched_places(stack, ignored_bodies=story.ignored_bodies))


def test_episodes_end_as_they_should(search: Search) -> None:
    assert search.story.ends == expected_ends(keyless=search.is_keyless)


def test_secrets_of_every_kind_are_issued(search: Search) -> None:
    missing = set(SecretKind) - {secret.kind for secret in search.issued}
    assert missing == (set() if search.is_keyless else {SecretKind.DELEGATION_KEY})


def test_no_secret_is_found(search: Search) -> None:
    scanner = Scanner(search.issued)
    print(search.figures(scanner))
    assert _told(scanner.findings(search.places)) == []


def test_planted_secret_of_each_kind_is_found_in_each_place(search: Search) -> None:
    found = Scanner(search.planted).findings(search.places)
    seen = {(finding.secret.kind, finding.place.kind) for finding in found if _is_where_planted(finding, search)}
    assert seen == set(product(SecretKind, SEARCHED_KINDS))


def test_sas_is_found_where_it_belongs(search: Search) -> None:
    exchanges = search.story.pair.relays[PROVIDER].exchanges
    messages = [it.request.body for it in exchanges if is_transfer_request(it.request)]
    places = [Place(PlaceKind.HTTP_REQUEST, "message", message) for message in messages]
    scanner = Scanner(secret for secret in search.issued if secret.kind is SecretKind.SAS)
    assert {finding.place for finding in scanner.findings(places)} == set(places)


def _is_where_planted(finding: Finding, search: Search) -> bool:
    return search.planted[finding.secret] is finding.place.kind


def _told(findings: Sequence[Finding]) -> list[str]:
    return [str(finding) for finding in findings]
