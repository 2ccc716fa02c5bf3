"""Viewers of histories, one a file: the same artifact over the past runs as one picture."""
