"""The Dataspace Protocol's endpoints: catalog, negotiations and transfers, of both roles."""
