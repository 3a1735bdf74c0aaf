"""Runs the commands of README and docs, so that they are what a reader can type (`./run docs`)."""
