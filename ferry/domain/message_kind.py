"""The two roles, and the messages between them; the table of paths is made of both while the app starts."""

from enum import StrEnum


class Role(StrEnum):
    """Which side of the contract this participant is on; spelled as EDC's `type`."""

    CONSUMER = "CONSUMER"
    PROVIDER = "PROVIDER"


class MessageKind(StrEnum):
    """The Dataspace Protocol's messages, by their `@type` (events by type and event)."""

    CONTRACT_REQUEST = "ContractRequestMessage"
    CONTRACT_OFFER = "ContractOfferMessage"
    CONTRACT_ACCEPTED = "ContractNegotiationEventMessage:ACCEPTED"
    CONTRACT_AGREEMENT = "ContractAgreementMessage"
    CONTRACT_VERIFICATION = "ContractAgreementVerificationMessage"
    CONTRACT_FINALIZED = "ContractNegotiationEventMessage:FINALIZED"
    CONTRACT_TERMINATION = "ContractNegotiationTerminationMessage"
    TRANSFER_REQUEST = "TransferRequestMessage"
    TRANSFER_START = "TransferStartMessage"
    TRANSFER_COMPLETION = "TransferCompletionMessage"
    TRANSFER_SUSPENSION = "TransferSuspensionMessage"
    TRANSFER_TERMINATION = "TransferTerminationMessage"
