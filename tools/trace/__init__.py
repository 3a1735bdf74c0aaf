"""One real transfer, recorded as a trace across both participants, checked and drawn (`./run trace`)."""
