"""What `ferry transfer explain` tells: steps, causes, what is waited for, what to do next."""
