"""The requests of docs/http: read, run against a pair of participants, and written as a Bruno collection."""
