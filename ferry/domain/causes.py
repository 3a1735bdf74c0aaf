"""Every cause of a failed process in words.

The one table behind `ferry transfer explain`, the dashboard, the page of errors that the app serves, and the reference.
"""

from ferry.domain.cause import Again, Cause, Owner
from ferry.domain.faults import FaultCode

_C = FaultCode
_P, _O, _E, _B, _N = Owner.PROVIDER, Owner.CONSUMER, Owner.EITHER, Owner.BOTH, Owner.NOBODY
_MAY, _DEPENDS, _AFTER, _UNWANTED = Again.MAY_HELP, Again.DEPENDS, Again.AFTERWARDS, Again.UNWANTED
_DOCTOR = "ferry doctor"

_OF_THE_SOURCE: dict[str, Cause] = {
    _C.SOURCE_BLOB_MISSING: Cause(
        "the blob that the asset names is not in the provider's container",
        _P,
        _AFTER,
        "the provider puts the data where the asset says, or corrects the asset's data address",
    ),
    _C.SOURCE_KEY_MISSING: Cause(
        "the provider's vault has no key for the account that the asset lies in, or one that the account refuses",
        _P,
        _AFTER,
        "the provider stores the account key under that name, or names another one in keyName",
    ),
    _C.SOURCE_UNAVAILABLE: Cause(
        "the provider's storage did not answer, or does not let its own participant in",
        _P,
        _DEPENDS,
        "the provider looks at account, firewall and role assignments",
        _DOCTOR,
    ),
    _C.SOURCE_CHANGED: Cause(
        "a blob was changed while it was copied", _P, _DEPENDS, "wait until the provider does not write to it"
    ),
    _C.SOURCE_BLOB_ARCHIVED: Cause(
        "a blob of the source lies in the archive tier, from which nothing can be read",
        _P,
        _AFTER,
        "the provider rehydrates it: it sets the tier to Hot or Cool and waits some hours",
    ),
    _C.MARKER_NAME_TAKEN: Cause(
        "a blob of the source has the name of the completion marker",
        _B,
        _AFTER,
        "the consumer names another completionMarker, or the provider renames the blob",
    ),
}

_OF_THE_DESTINATION: dict[str, Cause] = {
    _C.DESTINATION_KEY_MISSING: Cause(
        "the consumer's vault has no key for the destination account, or one that the account refuses",
        _O,
        _DEPENDS,
        "the consumer stores the account key under that name, or names another one in keyName",
    ),
    _C.DESTINATION_UNAVAILABLE: Cause(
        "the destination's storage did not answer, or does not let its participant in",
        _O,
        _DEPENDS,
        "the consumer looks at account, firewall and role assignments",
        _DOCTOR,
    ),
    _C.DESTINATION_EXISTS: Cause(
        "a blob of that name was at the destination already, and nothing is overwritten",
        _O,
        _AFTER,
        "choose another container or folder, or take the blob away",
    ),
    _C.DESTINATION_GONE: Cause(
        "the destination container, or what was in it, was deleted during the transfer",
        _O,
        _AFTER,
        "find out who deletes containers there",
    ),
    _C.DESTINATION_IMMUTABLE: Cause(
        "a policy of the destination container forbids to write over or to delete a blob",
        _O,
        _AFTER,
        "choose another container, or let its owner lift the immutability policy or wait until it has run out",
    ),
    _C.DESTINATION_FULL: Cause(
        "the destination account has reached a limit of its size",
        _O,
        _AFTER,
        "make room in the destination account, or choose another one",
    ),
    _C.NAME_REFUSED: Cause(
        "the destination does not accept the name of a blob",
        _B,
        _AFTER,
        "the provider renames the blob, or the consumer chooses another account",
    ),
    _C.BLOB_TYPE_UNSUPPORTED: Cause(
        "the destination's account does not take blobs of this type",
        _O,
        _AFTER,
        "use an account that does: page and append blobs want a general-purpose one without hierarchical namespace",
    ),
    _C.CONTAINER_TAKEN: Cause(
        "a container of that name exists and belongs to somebody else",
        _O,
        _AFTER,
        "name another container, or write into the existing one without managed resources",
        "--unmanaged",
    ),
    _C.CONTAINER_MISSING: Cause(
        "the container that was named does not exist",
        _O,
        _AFTER,
        "create it, or let Ferry make one with managed resources",
        "without --unmanaged",
    ),
    _C.SAS_REFUSED: Cause(
        "the destination does not accept the SAS any more: it was revoked or ran out, or a firewall is in the way",
        _O,
        _AFTER,
        "the consumer starts a new transfer, which gets a new SAS; with a firewall, let the provider in first",
        anew=False,
    ),
    _C.SAS_MISSING: Cause(
        "the SAS is not in the vault any more, or was never sent", _B, _AFTER, "start a new transfer", anew=False
    ),
    _C.SAS_EXPIRED: Cause(
        "the SAS has run out",
        _O,
        _MAY,
        "start a new transfer, with a SAS that is valid for longer if need be",
        "--sas-seconds",
        anew=False,
    ),
    _C.VERIFICATION_FAILED: Cause(
        "what arrived is not what the provider says it has sent",
        _B,
        _MAY,
        "do not use the data; see what differs, and start a new transfer into a container of its own",
        "ferry verify",
        anew=False,
    ),
}

_OF_SERVICES: dict[str, Cause] = {
    _C.VAULT_UNAVAILABLE: Cause(
        "the vault did not answer, or refused",
        _E,
        _DEPENDS,
        "look at the vault, its firewall and the app's role on it",
        _DOCTOR,
    ),
    _C.IDENTITY_UNAVAILABLE: Cause(
        "the managed identity gave no token, or the keys of the tenant could not be read",
        _E,
        _MAY,
        "look at the app's identity and its role assignments",
    ),
    _C.STORAGE_UNAVAILABLE: Cause(
        "the participant's own storage did not answer, or refused",
        _E,
        _DEPENDS,
        "look at the storage account and its firewall",
        _DOCTOR,
    ),
    _C.DATA_PLANE_UNAVAILABLE: Cause(
        "the provider's data plane did not answer, or there is none for this type of transfer",
        _P,
        _DEPENDS,
        "the provider starts its data plane, or corrects FERRY_DATA_PLANE_URL",
    ),
    _C.DATA_FLOW_FAILED: Cause(
        "the data plane could not go on", _P, _AFTER, "the provider reads the log of its data plane"
    ),
}

_OF_PEERS: dict[str, Cause] = {
    _C.PEER_UNREACHABLE: Cause(
        "the other participant did not answer in time",
        _B,
        _MAY,
        "see that it runs and that its address is right",
        "ferry doctor --peer ADDRESS",
    ),
    _C.PEER_REFUSED: Cause(
        "the other participant has refused a message",
        _B,
        _DEPENDS,
        "read its reason; its operator finds the message in its log",
    ),
    _C.PEER_TERMINATED: Cause(
        "the other participant has ended it", _B, _AFTER, "ask its operator for the reason", anew=False
    ),
    _C.AGREEMENT_UNKNOWN: Cause(
        "the provider knows no such contract agreement with us",
        _O,
        _AFTER,
        "negotiate a contract with it",
        "ferry negotiate",
        anew=False,
    ),
    _C.AGREEMENT_EXPIRED: Cause(
        "the contract agreement has ended", _O, _AFTER, "negotiate a new one", "ferry negotiate", anew=False
    ),
    _C.OFFER_UNKNOWN: Cause(
        "the provider does not make that offer (any more)",
        _O,
        _AFTER,
        "look at its catalog for what it offers now",
        "ferry catalog list",
        anew=False,
    ),
    _C.POLICY_VIOLATED: Cause(
        "the policy of the offer or of the agreement does not allow it",
        _B,
        _AFTER,
        "read the policy: who may use the data, when and what for",
        "ferry contract agreements ID --output json",
        anew=False,
    ),
    _C.ADDRESS_INVALID: Cause("an address is not well-formed", _E, _AFTER, "correct the address"),
    _C.ADDRESS_FORBIDDEN: Cause(
        "the participant may not call that address",
        _E,
        _AFTER,
        "allow the host in FERRY_ALLOWED_HOSTS, or use another address",
    ),
}

_OF_ORDERS: dict[str, Cause] = {
    _C.DEADLINE_EXCEEDED: Cause(
        "it took longer than its state may last",
        _B,
        _MAY,
        "see that both sides run; a longer time is set in FERRY_DEADLINES",
    ),
    _C.TERMINATED_BY_CLIENT: Cause("a client has ended it", _N, _UNWANTED, "nothing: it was wanted", anew=False),
    _C.SUSPENDED_BY_CLIENT: Cause("a client has suspended it", _N, _UNWANTED, "resume it", anew=False),
    _C.DEPROVISIONED_BY_CLIENT: Cause(
        "a client has deprovisioned it before its end", _N, _UNWANTED, "nothing: it was wanted", anew=False
    ),
    _C.POISONED: Cause(
        "the same step has failed unexpectedly three times",
        _E,
        _MAY,
        "read the participant's log: this is a defect",
        anew=False,
    ),
    _C.UNEXPECTED: Cause(
        "something failed that nobody foresaw", _E, _DEPENDS, "read the participant's log: this is a defect", anew=False
    ),
}

CAUSES: dict[str, Cause] = {**_OF_THE_SOURCE, **_OF_THE_DESTINATION, **_OF_SERVICES, **_OF_PEERS, **_OF_ORDERS}

UNKNOWN = Cause(
    "the other side gives a code of its own", _B, _DEPENDS, "read its message; its operator knows more", anew=False
)


def cause_of(code: str) -> Cause:
    """The cause of a code; another connector may send codes of its own."""
    return CAUSES.get(code, UNKNOWN)
