"""How a process is measured, what machine it was, and the table of what came of it."""
