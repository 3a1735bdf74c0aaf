"""The lean HTTP path of the copy engine: hand-written HTTP/1.1 on the engine's own event loop, SAS signed here.

Nothing in here is imported before the first copy. `wire_sides` has the sides, `client` the connections, `answers` and
`listing` what is read, `request` what is written.
"""
