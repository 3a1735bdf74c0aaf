"""Checks of the project itself that no published tool makes; `./run check` runs them, and nothing here is deployed."""
