"""EDC's Management API, version 3, and the decision record's own paths: one module for each resource."""
