"""Containers of Docker: how a step gets into one, is heard, and leaves nothing behind."""
