"""The entries of the management API's negotiations, agreements and transfers, of either role."""

from ferry.api.openapi.entry import Entry
from ferry.api.openapi.refusals import begin, delete, get, order, query

_NEGOTIATIONS, _AGREEMENTS = "management/contractnegotiations", "management/contractagreements"
_TRANSFERS, _EDRS = "management/transferprocesses", "management/edrs"
_RECORD = "v1/data/transferprocess"

PROCESSES: dict[str, Entry] = {
    f"POST {_NEGOTIATIONS}": begin("Negotiate a contract", "ContractRequest"),
    f"POST {_NEGOTIATIONS}/offers": begin("Offer a contract, as provider", "OfferOrder"),
    f"POST {_NEGOTIATIONS}/request": query("negotiations", "ContractNegotiation"),
    f"GET {_NEGOTIATIONS}/{{id}}": get("One negotiation", "ContractNegotiation"),
    f"DELETE {_NEGOTIATIONS}/{{id}}": delete("Remove a negotiation that has ended without an agreement", 409),
    f"GET {_NEGOTIATIONS}/{{id}}/state": get("Its state", "NegotiationState"),
    f"GET {_NEGOTIATIONS}/{{id}}/agreement": get("Its agreement, once there is one", "ContractAgreement"),
    f"POST {_NEGOTIATIONS}/{{id}}/terminate": order("End a negotiation", "Reason"),
    f"POST {_NEGOTIATIONS}/{{id}}/offer": order("Answer a request with an offer", "NegotiationRules"),
    f"POST {_NEGOTIATIONS}/{{id}}/request": order("Answer an offer with a request", "NegotiationRules"),
    f"POST {_NEGOTIATIONS}/{{id}}/accept": order("Accept the provider's offer"),
    f"POST {_NEGOTIATIONS}/{{id}}/agree": order("Agree to what the consumer asks for"),
    f"POST {_NEGOTIATIONS}/{{id}}/verify": order("Verify the provider's agreement"),
    f"POST {_NEGOTIATIONS}/{{id}}/finalize": order("Finalize what the consumer has verified"),
    f"POST {_AGREEMENTS}/request": query("agreements", "ContractAgreement"),
    f"GET {_AGREEMENTS}/{{id}}": get("One agreement", "ContractAgreement"),
    f"GET {_AGREEMENTS}/{{id}}/negotiation": get("The negotiation behind it", "ContractNegotiation"),
    f"POST {_TRANSFERS}": begin("Start a transfer", "TransferRequest"),
    f"POST {_TRANSFERS}/request": query("transfers", "TransferProcess"),
    f"GET {_TRANSFERS}/{{id}}": get("One transfer", "TransferProcess"),
    f"GET {_TRANSFERS}/{{id}}/state": get("Its state", "TransferState"),
    f"GET {_TRANSFERS}/{{id}}/progress": get("How far it has come", "TransferProgress"),
    f"POST {_TRANSFERS}/{{id}}/terminate": order("End a transfer", "Reason"),
    f"POST {_TRANSFERS}/{{id}}/suspend": order("Suspend a transfer", "Reason"),
    f"POST {_TRANSFERS}/{{id}}/resume": order("Resume a transfer"),
    f"POST {_TRANSFERS}/{{id}}/complete": order("Say that all data of a pull have been read"),
    f"POST {_TRANSFERS}/{{id}}/deprovision": order("Take away what was created for a transfer"),
    f"POST {_EDRS}/request": query("endpoint data references", "EndpointDataReferenceEntry"),
    f"GET {_EDRS}/{{id}}/dataaddress": get("Where the data of a pull is read, with its token", "EdrAddress"),
    f"DELETE {_EDRS}/{{id}}": delete("Forget where the data of a pull is read", 409),
    f"POST {_RECORD}": begin("Start a transfer of what was agreed on", "AgreementTransferRequest", "TransferCreated"),
    f"GET {_RECORD}/{{id}}": get("One transfer", "TransferProcess"),
    f"GET {_RECORD}/{{id}}/state": get("Its state", "TransferState"),
    f"GET {_RECORD}/{{id}}/progress": get("How far it has come", "TransferProgress"),
    f"POST {_RECORD}/{{id}}/deprovision": order("Take away what was created for a transfer"),
}
