"""Starting workflows through Prefect's API, from what the store knows of them: no code of a workflow is loaded."""
