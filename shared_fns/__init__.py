"""Triggers that any participant answers, and what all triggers have in common."""
