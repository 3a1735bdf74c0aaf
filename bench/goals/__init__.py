"""What the copy engine is to reach, goal by goal: what is run, what is read off, what is enough."""
