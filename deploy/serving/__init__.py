"""The server of a published recommender."""
