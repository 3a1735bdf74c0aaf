// What to do next about each cause of a failure, by its code. What happened is told by the app.
// Written by `python -m tools.reference --write` from ferry/domain/causes.py.

const NEXT = {
  SOURCE_BLOB_MISSING: "The provider puts the data where the asset says, or corrects the asset's data address. Then start a new transfer from the same agreement.",
  SOURCE_KEY_MISSING: "The provider stores the account key under that name, or names another one in keyName. Then start a new transfer from the same agreement.",
  SOURCE_UNAVAILABLE: "The provider looks at account, firewall and role assignments. Then start a new transfer from the same agreement.",
  SOURCE_CHANGED: "Wait until the provider does not write to it. Then start a new transfer from the same agreement.",
  SOURCE_BLOB_ARCHIVED: "The provider rehydrates it: it sets the tier to Hot or Cool and waits some hours. Then start a new transfer from the same agreement.",
  MARKER_NAME_TAKEN: "The consumer names another completionMarker, or the provider renames the blob. Then start a new transfer from the same agreement.",
  DESTINATION_KEY_MISSING: "The consumer stores the account key under that name, or names another one in keyName. Then start a new transfer from the same agreement.",
  DESTINATION_UNAVAILABLE: "The consumer looks at account, firewall and role assignments. Then start a new transfer from the same agreement.",
  DESTINATION_EXISTS: "Choose another container or folder, or take the blob away. Then start a new transfer from the same agreement.",
  DESTINATION_GONE: "Find out who deletes containers there. Then start a new transfer from the same agreement.",
  DESTINATION_IMMUTABLE: "Choose another container, or let its owner lift the immutability policy or wait until it has run out. Then start a new transfer from the same agreement.",
  DESTINATION_FULL: "Make room in the destination account, or choose another one. Then start a new transfer from the same agreement.",
  NAME_REFUSED: "The provider renames the blob, or the consumer chooses another account. Then start a new transfer from the same agreement.",
  BLOB_TYPE_UNSUPPORTED: "Use an account that does: page and append blobs want a general-purpose one without hierarchical namespace. Then start a new transfer from the same agreement.",
  CONTAINER_TAKEN: "Name another container, or write into the existing one without managed resources. Then start a new transfer from the same agreement.",
  CONTAINER_MISSING: "Create it, or let Ferry make one with managed resources. Then start a new transfer from the same agreement.",
  SAS_REFUSED: "The consumer starts a new transfer, which gets a new SAS; with a firewall, let the provider in first.",
  SAS_MISSING: "Start a new transfer.",
  SAS_EXPIRED: "Start a new transfer, with a SAS that is valid for longer if need be.",
  VERIFICATION_FAILED: "Do not use the data; see what differs, and start a new transfer into a container of its own.",
  VAULT_UNAVAILABLE: "Look at the vault, its firewall and the app's role on it. Then start a new transfer from the same agreement.",
  IDENTITY_UNAVAILABLE: "Look at the app's identity and its role assignments. Then start a new transfer from the same agreement.",
  STORAGE_UNAVAILABLE: "Look at the storage account and its firewall. Then start a new transfer from the same agreement.",
  DATA_PLANE_UNAVAILABLE: "The provider starts its data plane, or corrects FERRY_DATA_PLANE_URL. Then start a new transfer from the same agreement.",
  DATA_FLOW_FAILED: "The provider reads the log of its data plane. Then start a new transfer from the same agreement.",
  PEER_UNREACHABLE: "See that it runs and that its address is right. Then start a new transfer from the same agreement.",
  PEER_REFUSED: "Read its reason; its operator finds the message in its log. Then start a new transfer from the same agreement.",
  PEER_TERMINATED: "Ask its operator for the reason.",
  AGREEMENT_UNKNOWN: "Negotiate a contract with it.",
  AGREEMENT_EXPIRED: "Negotiate a new one.",
  OFFER_UNKNOWN: "Look at its catalog for what it offers now.",
  POLICY_VIOLATED: "Read the policy: who may use the data, when and what for.",
  ADDRESS_INVALID: "Correct the address. Then start a new transfer from the same agreement.",
  ADDRESS_FORBIDDEN: "Allow the host in FERRY_ALLOWED_HOSTS, or use another address. Then start a new transfer from the same agreement.",
  DEADLINE_EXCEEDED: "See that both sides run; a longer time is set in FERRY_DEADLINES. Then start a new transfer from the same agreement.",
  TERMINATED_BY_CLIENT: "Nothing: it was wanted.",
  SUSPENDED_BY_CLIENT: "Resume it.",
  DEPROVISIONED_BY_CLIENT: "Nothing: it was wanted.",
  POISONED: "Read the participant's log: this is a defect.",
  UNEXPECTED: "Read the participant's log: this is a defect.",
};

export const nextOf = (code) => (Object.hasOwn(NEXT, code) ? NEXT[code] : "Read its message; its operator knows more.");

export const retryWords = (error) => (error.retryable ? "Trying again may help." : "Trying again does not help.");
