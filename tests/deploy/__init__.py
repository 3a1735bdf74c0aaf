"""Tests of the deployment: its scripts on stand-ins, its templates as text, its figures."""
