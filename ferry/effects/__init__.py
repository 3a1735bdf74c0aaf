"""Effects: what the engine's intents do to the world, by way of protocol, data plane and ports."""
