"""The benches' own arithmetic, and one small run of each."""
