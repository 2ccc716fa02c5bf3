"""Steps that are Spark applications, which stand beside this file."""

from datetime import timedelta

import pandas as pd

from kaon import secret, spark_submit, step, workflow

SMALL = {"spark.driver.memory": "512m", "spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "2"}


@step(output="events")
def make_events() -> pd.DataFrame:
    return pd.DataFrame({"user": ["a", "b", "a", "c"] * 25})


def counting(**options):
    """Return the workflow that counts on Spark, with options of spark_submit."""
    conf = {**SMALL, **options.pop("conf", {})}
    counted = spark_submit(
        "spark_apps/count_events.py",
        args=["{events}", "{counts}", "{how}"],
        name="count_events",
        inputs={"events": pd.DataFrame},
        outputs={"counts": pd.DataFrame},
        settings={"how": "count"},
        conf=conf,
        **options,
    )
    return workflow("counting", make_events >> counted)


def squaring(jar, **options):
    """Return the workflow that squares on Spark's JVM."""
    squared = spark_submit(
        jar,
        args="{n} {sum}",
        main_class="Squares",
        name="squares",
        outputs={"sum": dict[str, int]},
        settings={"n": 10},
        conf=SMALL,
        **options,
    )
    return workflow("squaring", squared)


waiting = counting()
hidden = counting(conf={"spark.kaon.token": secret("KAON_TEST_TOKEN")})
timed = counting(timeout=timedelta(seconds=40))
