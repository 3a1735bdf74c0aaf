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
        "name",
        "offer",
        "participantId",
        "providerPid",
        "state",
        "target",
        "timestamp",
        "value",
    }
)

# What stands under these is itself a term, so it loses its prefix as well.
TERM_VALUED = frozenset({"@type", "action", "eventType", "leftOperand", "operator", "state"})

# Under these, an object with nothing but an `@id` stays an object.
OBJECT_TERMS = frozenset({"agreement", "dataAddress", "dataset", "hasPolicy", "offer", "service"})


def short_term(name: str) -> str:
    """A term without its namespace or prefix; any other name as it is."""
    for namespace in NAMESPACES:
        if name.startswith(namespace):
            return name.removeprefix(namespace)
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
