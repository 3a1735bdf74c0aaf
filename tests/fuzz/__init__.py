"""The whole HTTP API under generated requests, in memory, through the functions that a host would call."""
