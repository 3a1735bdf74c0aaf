"""The description of the whole HTTP API as OpenAPI 3.1: built from the tables of routes, one entry for each route."""
