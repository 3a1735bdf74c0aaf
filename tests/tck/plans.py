"""What the participant's own side does in each of the kit's tests, as data: the kit tells it nowhere on the wire.

A test is known by its dataset (negotiations) or its agreement (transfers), whose id is made of the test's name. Each
plan is what is ordered next when which state is entered; a test that is not named here orders nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FORMAT = "HttpData-PULL"
KIT_PARTICIPANT = "TCK_PARTICIPANT"
DEFINITION = "CD123"
# Two more are in the kit, and disabled there.
TESTS = 65


class Order(StrEnum):
    """What a client of the management API orders; START and FINISH are the data plane's own words."""

    OFFER = "offer"
    REQUEST = "request"
    ACCEPT = "accept"
    AGREE = "agree"
    VERIFY = "verify"
    FINALIZE = "finalize"
    TERMINATE = "terminate"
    SUSPEND = "suspend"
    RESUME = "resume"
    COMPLETE = "complete"
    START = "start"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Step:
    """An order, and the state whose entry it answers, as events name it."""

    on: str
    order: Order


def _plan(text: str) -> tuple[Step, ...]:
    """`requested offer, offered terminate` as steps."""
    pairs = (step.split() for step in text.split(", ") if step)
    return tuple(Step(state, Order(order)) for state, order in pairs)


_AGREED = "requested agree"
_OFFERED = "requested offer"
_ACCEPTED = "offered accept"
_STARTED = "requested start"

_PLANS: Mapping[str, str] = {
    # We provide, and the kit negotiates.
    "CN:01-01": _OFFERED,
    "CN:01-02": f"{_OFFERED}, requested terminate",
    "CN:01-03": f"{_OFFERED}, accepted agree, verified finalize",
    "CN:01-04": f"{_AGREED}, verified finalize",
    "CN:02-01": "requested terminate",
    "CN:02-02": "",
    "CN:02-03": _AGREED,
    "CN:02-04": _OFFERED,
    "CN:02-05": f"{_OFFERED}, offered terminate",
    "CN:02-06": f"{_OFFERED}, accepted terminate",
    "CN:02-07": f"{_AGREED}, verified terminate",
    "CN:03-01": f"{_AGREED}, verified finalize",
    "CN:03-02": _OFFERED,
    "CN:03-03": _OFFERED,
    "CN:03-04": _OFFERED,
    # We consume, and the kit offers.
    "CN_C:01-01": f"{_ACCEPTED}, agreed verify",
    "CN_C:01-02": "offered request",
    "CN_C:01-03": "offered terminate",
    "CN_C:01-04": "agreed verify",
    "CN_C:02-01": "",
    "CN_C:02-02": "requested terminate",
    "CN_C:02-03": "agreed terminate",
    "CN_C:02-04": "",
    "CN_C:02-05": _ACCEPTED,
    "CN_C:02-06": "agreed verify",
    "CN_C:03-01": "",
    "CN_C:03-02": "",
    "CN_C:03-03": "",
    "CN_C:03-04": _ACCEPTED,
    "CN_C:03-05": _ACCEPTED,
    "CN_C:03-06": _ACCEPTED,
    # We provide, and the kit reads.
    "TP:01-01": f"{_STARTED}, started terminate",
    "TP:01-02": f"{_STARTED}, started finish",
    "TP:01-03": f"{_STARTED}, started suspend, suspended terminate",
    "TP:01-04": f"{_STARTED}, started suspend, suspended resume, started finish",
    "TP:01-05": "initiated terminate",
    "TP:02-01": _STARTED,
    "TP:02-02": _STARTED,
    "TP:02-03": _STARTED,
    "TP:02-05": "",
    "TP:03-01": "",
    "TP:03-02": "",
    "TP:03-03": _STARTED,
    "TP:03-04": _STARTED,
    "TP:03-05": _STARTED,
    "TP:03-06": _STARTED,
    # We read, and the kit provides.
    "TP_C:01-01": "",
    "TP_C:01-02": "",
    "TP_C:01-03": "",
    "TP_C:01-04": "",
    "TP_C:01-05": "",
    "TP_C:02-01": "started terminate",
    "TP_C:02-02": "started complete",
    "TP_C:02-03": "started suspend, suspended terminate",
    "TP_C:02-05": "requested terminate",
    "TP_C:03-01": "",
    "TP_C:03-02": "",
    "TP_C:03-03": "",
    "TP_C:03-04": "",
    "TP_C:03-05": "",
    "TP_C:03-06": "",
}
_SUBJECTS = {"CN": "ACN", "CN_C": "ACNC", "TP": "ATP", "TP_C": "ATPC"}


def subject(test: str) -> str:
    """The dataset or agreement that a test is about: ACN0101 of CN:01-01."""
    group, number = test.split(":")
    return _SUBJECTS[group] + number.replace("-", "")


def subjects(*groups: str) -> list[str]:
    """Those of all tests of some groups."""
    return [subject(test) for test in _PLANS if test.split(":")[0] in groups]


PLANS: Mapping[str, tuple[Step, ...]] = {subject(test): _plan(text) for test, text in _PLANS.items()}
CATALOG = {"CAT_01_01_DATASETID": "CAT0101", "CAT_01_02_DATASETID": "CAT0102", "CAT_01_03_DATASETID": "CAT0103"}
# The third one must not exist.
DATASETS = ("CAT0101", "CAT0102", *subjects("CN"))


def offer_id(dataset_id: str) -> str:
    """The offer that the kit asks for without having read the catalog."""
    return f"{DEFINITION}:{dataset_id}:456"


def kit_properties() -> dict[str, str]:
    """The kit's settings that say which test is about what."""
    told = dict(CATALOG)
    for test in _PLANS:
        group = test.split(":")[0]
        name = test.replace(":", "_").replace("-", "_")
        if group.startswith("CN"):
            told[f"{name}_DATASETID"] = subject(test)
            told[f"{name}_OFFERID"] = offer_id(subject(test))
        else:
            told[f"{name}_AGREEMENTID"] = subject(test)
            told[f"{name}_FORMAT"] = FORMAT
    return told
