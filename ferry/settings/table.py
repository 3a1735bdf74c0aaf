"""Every setting, as data: its name, what it is for, an example, and the default where there is one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, what it is for, an example. `default` None: it must be given."""

    name: str
    purpose: str
    example: str
    default: str | None = None


SETTINGS: tuple[Setting, ...] = (
    Setting("FERRY_PARTICIPANT_ID", "who this participant is to its peers", "consumer"),
    Setting("FERRY_PUBLIC_URL", "where peers reach this app", "https://ferry-consumer.azurewebsites.net"),
    Setting("FERRY_VAULT_URL", "the Key Vault for keys and SAS", "https://my-vault.vault.azure.net"),
    Setting("FERRY_ROLES", "which parts run here", "consumer,provider", "consumer,provider,dataplane"),
    Setting("FERRY_MANAGEMENT_AUTH", "who may manage: api-key, function-key or entra", "api-key", "api-key"),
    Setting("FERRY_API_KEY", "the key in x-api-key, for FERRY_MANAGEMENT_AUTH=api-key", "@Microsoft.KeyVault(...)", ""),
    Setting("FERRY_ENTRA_TENANT", "the tenant whose tokens manage", "11111111-2222-3333-4444-555555555555", ""),
    Setting("FERRY_ENTRA_AUDIENCE", "for whom those tokens are issued (aud)", "api://ferry", ""),
    Setting("FERRY_ENTRA_ISSUER", "their issuer; empty: the tenant's, version 2", "https://sts.windows.net/1111/", ""),
    Setting("FERRY_ENTRA_JWKS_URL", "where its keys are; empty: the tenant's", "https://login.example.org/keys", ""),
    Setting("FERRY_IDENTITY", "how peers prove who they are: mock (not at all) or signed", "signed", "mock"),
    Setting("FERRY_DID", "who this app is to its partners; empty: its public URL", "did:web:ferry.example.org:api", ""),
    Setting("FERRY_SIGNING_KEY_NAME", "the vault's secret with the signing key", "my-key", "ferry-signing-key"),
    Setting(
        "FERRY_PARTNERS",
        "partners by participant id: a DID, or an object with did and address",
        '{"provider": "did:web:provider.example.org:api"}',
        "{}",
    ),
    Setting("FERRY_STORAGE_CONNECTION", "the setting that leads to tables and queues", "STATE", "AzureWebJobsStorage"),
    Setting("FERRY_DESTINATION_ACCOUNT", "where transfers go that name no account", "consumerdata", ""),
    Setting("FERRY_DESTINATION_CONNECTION", "the setting that the blob trigger uses; none: no trigger", "DATA", ""),
    Setting(
        "FERRY_STORAGE_ACCOUNTS",
        "accounts that are not at the public address, or have another key name, or none (credential identity)",
        '{"consumerdata": {"endpoint": "https://data.example.org", "keyName": "k", "credential": "key"}}',
        "{}",
    ),
    Setting("FERRY_STORAGE_CREDENTIAL", "key (from the vault) or identity, for all other accounts", "identity", "key"),
    Setting("FERRY_ALLOWED_HOSTS", "hosts that this app may call", "peer.example.org,.example.net", ""),
    Setting("FERRY_ALLOWED_NETWORKS", "private networks that those hosts may lie in", "10.1.0.0/16", ""),
    Setting("FERRY_ALLOW_LOOPBACK", "whether http and loopback are allowed (local runs)", "true", "false"),
    Setting(
        "FERRY_DATA_PLANE_URL", "a data plane in another app; empty: embedded", "https://plane.example.org/api", ""
    ),
    Setting(
        "FERRY_SIGNALING_ACCESS",
        "how another app shows that it is this participant's other plane: own (identity), api-key or open (not at all)",
        "open",
        "own",
    ),
    Setting("FERRY_SIGNALING_KEY", "the key for FERRY_SIGNALING_ACCESS=api-key", "@Microsoft.KeyVault(...)", ""),
    Setting(
        "FERRY_CONTROL_PLANE_URL",
        "where a data plane tells news of flows whose orders name no callback address",
        "https://control.example.org/signaling",
        "",
    ),
    Setting(
        "FERRY_REGISTER_AT",
        "where a data plane registers itself: url, dialect (dps or edc-v1), keyName (the vault's secret for x-api-key)",
        '{"url": "https://control.example.org/management/v4", "dialect": "dps", "keyName": "control-key"}',
        "{}",
    ),
    Setting("FERRY_NEGOTIATION", "who decides in negotiations: auto (policies) or manual (clients)", "manual", "auto"),
    Setting("FERRY_CATALOG_PAGE_SIZE", "datasets on a page of the catalog, where none is asked for", "50", "100"),
    Setting("FERRY_QUERY_LIMIT", "how many documents a query or a page of the catalog may look at", "50000", "10000"),
    Setting("FERRY_COPY_PAGE_BLOBS", "how many blobs of a large copy one worker takes at a time", "1000", "5000"),
    Setting("FERRY_INLINE_SECONDS", "how long a management call goes on with a process", "0", "1"),
    Setting("FERRY_JANITOR_SCHEDULE", "when the janitor runs (NCRONTAB)", "*/20 * * * * *", "0 */5 * * * *"),
    Setting("FERRY_JANITOR_SECONDS", "after how long the janitor looks at a process", "20", "300"),
    Setting("FERRY_DEADLINES", "seconds in a state before it is given up", '{"REQUESTED": 600}', "{}"),
    Setting("FERRY_DEADLINE_SECONDS", "the same for all other states", "600", "3600"),
    Setting("FERRY_FIRST_LOOK_SECONDS", "the first look for the data", "2", "2"),
    Setting("FERRY_LAST_LOOK_SECONDS", "the longest pause between such looks", "30", "30"),
    Setting("FERRY_SAS_SECONDS", "how long a SAS is valid", "3600", "3600"),
    Setting("FERRY_SAS_GRACE_SECONDS", "how long a new SAS that is refused is tried again", "40", "40"),
    Setting("FERRY_NOTIFY_SECONDS", "how long a peer is told of an end", "600", "600"),
    Setting(
        "FERRY_CALLBACKS",
        "who is told of the events of every process (callback addresses as in an order)",
        '[{"uri": "https://hook.example.org", "events": ["transfer.process"], "authKey": "x-key", "authCodeId": "k"}]',
        "[]",
    ),
    Setting("FERRY_CLEAN_UP_SECONDS", "how long a data plane that is gone is told of an end", "3600", "86400"),
    Setting("FERRY_RETENTION_DAYS", "how long finished processes are kept", "30", "30"),
    Setting(
        "FERRY_DASHBOARD_PARTNERS",
        "origins of partners' apps that the dashboard may ask for their side of a transfer",
        "https://provider.example.org,https://consumer.example.org",
        "",
    ),
    Setting("FERRY_NAME_PREFIX", "what tables and queues begin with", "ferry", "ferry"),
    Setting("FERRY_LOG_LEVEL", "what is logged", "DEBUG", "INFO"),
    Setting("FERRY_TELEMETRY", "where traces and metrics go: otlp, azure-monitor or file:PATH", "azure-monitor", ""),
)
