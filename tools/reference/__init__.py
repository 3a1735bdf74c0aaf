"""Writes docs/reference and the dashboard's causes from the code: `python -m tools.reference --write`."""
