"""The server of a published recommender: `python3 -m kaon.deploy.serving`.

It imports what computes features, ranks and re-ranks from `kaon.steps`, the code that trained, and neither torch nor
pandas, Spark, MLflow or Prefect. `requirements.txt` names the packages that it needs.
"""
