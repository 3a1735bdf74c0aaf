"""What the connector is about: processes, their states, addresses, contracts and faults. Standard library only."""
