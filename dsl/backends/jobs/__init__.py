"""Jobs: a step as a command with files, for places that are not Python processes of this run."""
