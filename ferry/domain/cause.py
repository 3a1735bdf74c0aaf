"""What is said of a cause of failure: what it means, whose it is, whether trying again helps, what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Who has to do something about it."""

    PROVIDER = "the provider"
    CONSUMER = "the consumer"
    EITHER = "the participant that failed; its history shows it first"
    BOTH = "one of the two sides, or both"
    NOBODY = "nobody"


class Again(StrEnum):
    """Whether the same order may be given once more. The fault's own `retryable` decides in each case."""

    MAY_HELP = "It may: the same order can be given again."
    DEPENDS = "`retryable` tells: true where a service was away, false where it has refused."
    AFTERWARDS = "Not before what stands below has been done."
    UNWANTED = "There is nothing to try again."


@dataclass(frozen=True, slots=True)
class Cause:
    """What a code means, in fragments of a sentence; `action` is what to do, by whoever is named in it.

    `command`: what of Ferry's command line helps. `anew`: whether a new transfer from the same agreement comes next.
    """

    meaning: str
    owner: Owner
    again: Again
    action: str
    command: str = ""
    anew: bool = True

    @property
    def remedy(self) -> str:
        """The action with the command that helps."""
        return f"{self.action} ({self.command})" if self.command else self.action

    @property
    def next_step(self) -> str:
        """The action as sentences of their own."""
        sentence = f"{self.action[0].upper()}{self.action[1:]}."
        return f"{sentence} Then start a new transfer from the same agreement." if self.anew else sentence
