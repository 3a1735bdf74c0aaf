"""The commands, one module for each group: they read arguments, call one thing, and show what it gives."""
