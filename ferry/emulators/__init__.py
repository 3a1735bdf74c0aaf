"""Loopback stand-ins for Azure: Storage, Key Vault, managed identity and Event Grid; steps 2 to 13 run against them."""
