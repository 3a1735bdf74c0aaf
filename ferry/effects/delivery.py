"""Checks what has arrived, and withdraws the access that has served its purpose (steps 13 and 17)."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.domain.faults import EffectFailed
from ferry.domain.process import Intent, JsonObject
from ferry.domain.transfer_process import TransferProcess

type Effect = Callable[[TransferProcess, Intent], JsonObject]


@dataclass(frozen=True, slots=True)
class DeliveryCheck:
    """Verifies a delivery; where it is whole, the SAS is revoked before the transfer is COMPLETED: one commit less.

    A crash in between costs nothing: the data is there, so the check finds it again.
    """

    verify: Effect
    revoke: Effect

    def check(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """What the check found, and upon whose word; `revoked`: what the withdrawal gave, missing where it failed."""
        found = {**self.verify(process, intent), "claim": intent.detail.get("claim")}
        if found.get("outcome") != "verified":
            return found
        try:
            return {**found, "revoked": self.revoke(process, intent)}
        except EffectFailed:
            # It is whole all the same; the withdrawal is tried again by an intent of its own.
            return found
