"""Where Ferry's answers differ from EDC's on purpose, by the names that docs/edc-differences.md gives them.

A sign is `+Type.member` for what only Ferry shows, `-Type.member` for what only EDC shows, `~Type.member` for another
kind of value, or a status for another one with the call.
"""

DIFFERENCES: dict[str, frozenset[str]] = {
    "secrets-hidden": frozenset({"-DataAddress.secret", "-DataAddress.keyName"}),
    "causes-shown": frozenset({"+TransferProcess.error", "+TransferProcess.errorDetail"}),
    "history-shown": frozenset({"+TransferProcess.history", "+ContractNegotiation.history"}),
    "delivery-shown": frozenset({"+TransferProcess.delivered", "+TransferProcess.verification"}),
    "who-and-when": frozenset(
        {
            "+TransferProcess.counterPartyAddress",
            "+TransferProcess.counterPartyId",
            "+TransferProcess.createdAt",
            "+TransferProcess.protocol",
            "+ContractNegotiation.stateTimestamp",
        }
    ),
    "offer-shown": frozenset({"+ContractNegotiation.offer"}),
    "managed-resources": frozenset({"+TransferProcess.managedResources"}),
    "endpoint-of-an-account": frozenset({"+DataAddress.endpoint", "+DataplaneMetadata.properties.endpoint"}),
    "source-hidden": frozenset({"-DataplaneMetadata.properties.blobName"}),
    "labels-of-planes": frozenset({"+DataPlaneInstance.labels"}),
    "offers-say-use": frozenset({"+Offer.permission"}),
    "policy-of-an-agreement": frozenset({"-Agreement.@id"}),
    "service-description": frozenset({"-DataService.endpointDescription"}),
    "one-context": frozenset(
        {
            "~ContractNegotiation.@context",
            "~IdResponse.@context",
            "~NegotiationState.@context",
            "~TransferProcess.@context",
            "~TransferState.@context",
        }
    ),
    "version-3-stays": frozenset({"-ContractNegotiation.profile", "-TransferProcess.dataplaneMetadata"}),
    "addresses-checked": frozenset({"400 for 409: POST /v3/assets"}),
    "error-paths": frozenset({"~.path", "~.invalidValue"}),
}
