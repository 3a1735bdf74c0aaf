"""Tests of the local stand-ins for Azure."""
