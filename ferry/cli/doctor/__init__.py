"""What `ferry doctor` looks at: a participant from outside, and its settings and services from inside."""
