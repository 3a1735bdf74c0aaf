"""Crash everywhere: a transfer is killed before and after every effect, and must end as if nothing had happened."""
