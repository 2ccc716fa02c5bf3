"""The Prefect backend: a plan compiled to a flow, one task run a step; Prefect schedules and shows, our records decide."""
