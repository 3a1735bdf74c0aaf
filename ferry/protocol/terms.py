"""The vocabulary of the wire: namespaces, their prefixes, and which terms are lists, names of terms or objects.

Every version of the protocol that is still spoken uses the same short terms under other spellings, so these tables are
all that reading an older message takes. (Design: written strictly, read tolerantly.)
"""

from ferry.domain.data_address import EDC_NAMESPACE

DSP_VERSION = "2025-1"
DSP_PROTOCOL = f"dataspace-protocol-http:{DSP_VERSION}"
DSP_CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
ODRL_NAMESPACE = "http://www.w3.org/ns/odrl/2/"

PREFIXES = ("dspace:", "dct:", "dcterms:", "dcat:", "odrl:", "edc:")
NAMESPACES = (
    "https://w3id.org/dspace/v0.8/",
    "https://w3id.org/dspace/2024/1/",
    "https://w3id.org/dspace/2025/1/",
    "http://purl.org/dc/terms/",
    "http://www.w3.org/ns/dcat#",
    ODRL_NAMESPACE,
    EDC_NAMESPACE,
)

# A single value under one of these stands for a list of one.
LIST_TERMS = frozenset(
    {
        "and",
        "andSequence",
        "catalog",
        "constraint",
        "dataset",
        "distribution",
        "duty",
        "endpointProperties",
        "filter",
        "filterExpression",
        "hasPolicy",
        "obligation",
        "or",
        "permission",
        "prohibition",
        "protocolVersions",
        "reason",
        "service",
        "xone",
    }
)

# A list of one under one of these stands for its single value.
SINGLE_TERMS = frozenset(
    {
        "@id",
        "@type",
        "agreement",
        "agreementId",
        "assignee",
        "assigner",
        "callbackAddress",
        "code",
        "consumerPid",
        "dataAddress",
        "endpoint",
        "endpointType",
        "eventType",
        "format",
        "leftOperand",
        "name",
        "offer",
        "operator",
        "participantId",
        "providerPid",
        "state",
        "target",
        "timestamp",
        "value",
    }
)

# What stands under these is itself a term, so it loses its prefix as well.
TERM_VALUED = frozenset({"@type", "action", "eventType", "operator", "state"})

# Under these, an object with nothing but an `@id` stays an object.
OBJECT_TERMS = frozenset({"agreement", "dataAddress", "dataset", "hasPolicy", "offer", "service"})


def left_operand(name: str) -> str:
    """What a constraint is about: ODRL's own operands by their short term, those of EDC by their IRI.

    An EDC that gets its offer back compares it letter by letter, so the namespace of what is its own must stay.
    """
    if name.startswith("edc:"):
        return EDC_NAMESPACE + name.removeprefix("edc:")
    return name if name.startswith(EDC_NAMESPACE) else short_term(name)


def short_term(name: str) -> str:
    """A term without its namespace or prefix; any other name as it is."""
    for namespace in NAMESPACES:
        if name.startswith(namespace):
            return name.removeprefix(namespace)
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
