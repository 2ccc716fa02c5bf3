"""The pages, one a module: each has a `router`, and a `NAVIGATION` entry if the navigation names it."""
