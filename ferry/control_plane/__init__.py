"""The state engine: pure decisions over processes, and the engine that commits them and performs their intents."""
