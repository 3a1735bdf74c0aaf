"""The copying programs that Ferry is measured beside: brought as pinned packages, run as processes."""
