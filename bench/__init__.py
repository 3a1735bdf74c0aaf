"""Measurements of participants, of copies, and of what both cost; `./run bench NAME` runs one."""
