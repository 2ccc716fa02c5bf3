"""The steps of the workflow `meson`: queries, Python, Spark, R and Docker, side by side."""
