"""One Protocol for each outside thing. Each has a real adapter and an in-memory twin, held to one contract suite.

Errors of all ports: `EffectFailed` with a Fault where the other side is away or refuses (its `retryable` says whether
to try again); the stores also raise `AlreadyExists` and `CommitConflict`.
"""
