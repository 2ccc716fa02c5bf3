"""The workflow of the article on Meson: SQL, Python, Spark, R per region, a validation that sends back, Docker."""

from kaon.dsl import for_each, repeat, workflow
from kaon.steps.meson.cut_region import cut_region
from kaon.steps.meson.fit_global import fit_global
from kaon.steps.meson.fit_region import fit_region
from kaon.steps.meson.judge_models import judge_models
from kaon.steps.meson.publish_regions import publish_regions
from kaon.steps.meson.read_events import read_events
from kaon.steps.meson.select_cohort import select_cohort
from kaon.steps.meson.validate import validate
from kaon.steps.meson.wrangle import wrangle

meson = workflow(
    "meson",
    read_events
    >> select_cohort
    >> wrangle
    >> repeat(until="valid", at_most=3).do(
        [fit_global, for_each(region="regions").do(cut_region >> fit_region)] >> judge_models >> validate
    )
    >> publish_regions,
    report=("region_table", "published"),
    doc="Select by SQL, wrangle in Python, fit in Spark and per region in R, validate, publish in Docker.",
)
