"""A run's plan, as its JSON tells it: what its parts are, how each stands, and what it looks like."""
