"""A stand-in of a blob service: as fast as a client can be, with a service's latency, limits and faults by choice."""
