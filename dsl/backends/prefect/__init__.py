"""The Prefect backend: a plan compiled to a flow, one task run a step; Prefect shows it, our records are the truth."""
