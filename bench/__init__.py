"""Measurements against running participants; `./run bench NAME` runs one."""
