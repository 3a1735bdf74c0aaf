"""Whoever copies: Ferry, AzCopy, rclone, and plain loops that show what the service itself allows."""
