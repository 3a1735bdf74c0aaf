"""kill -9: many transfers at once while processes of both sides die at random, on the host's own visibility times."""
