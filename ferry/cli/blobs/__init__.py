"""Blobs without a connector: addresses with their SAS, the check of a delivery, copies."""
