"""The Dataspace Protocol's official test kit against one participant: `./run tck` (design: protocol conformance)."""
