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
    Setting("FERRY_MANAGEMENT_AUTH", "who may manage: api-key or function-key", "api-key", "api-key"),
    Setting("FERRY_API_KEY", "the key in x-api-key, for FERRY_MANAGEMENT_AUTH=api-key", "@Microsoft.KeyVault(...)", ""),
    Setting("FERRY_IDENTITY", "how peers prove who they are", "mock", "mock"),
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
    Setting("FERRY_RETENTION_DAYS", "how long finished processes are kept", "30", "30"),
    Setting("FERRY_NAME_PREFIX", "what tables and queues begin with", "ferry", "ferry"),
    Setting("FERRY_LOG_LEVEL", "what is logged", "DEBUG", "INFO"),
)
