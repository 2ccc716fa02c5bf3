from datetime import datetime

import numpy as np
import pytest

from kaon.steps.context_crosses import context_columns
from kaon.steps.context_told import context_told
from kaon.steps.datasets.synthetic import Scale, synthetic_interactions
from kaon.steps.interactions import context_of

EVENING = datetime.fromisoformat("2026-11-28T20:15:00+09:00")
"""A Saturday's."""


def columns(**values):
    return tuple(
        column
        for name, own in values.items()
        for column in context_columns({name: own}, np.zeros(len(own), dtype=np.int64), 1)
    )


def test_a_time_tells_the_hour_and_the_weekday_of_the_clock_that_it_is_written_by():
    data = columns(hour=["03", "20"], weekday=["saturday", "sunday"])

    assert context_told(data, "", EVENING) == {"hour": "20", "weekday": "saturday"}


@pytest.mark.parametrize("word", ["Saturday", "SATURDAY", "saturday"])
def test_the_weekday_is_the_datas_word_in_letters_of_either_case(word):
    assert context_told(columns(weekday=["Sunday", word]), "", EVENING) == {"weekday": word}


def test_hours_that_are_no_numbers_and_days_in_other_words_are_not_told_by_a_time():
    assert context_told(columns(hour=["evening", "20"], weekday=["samedi"]), "", EVENING) == {}


def test_an_hour_or_a_device_that_nobody_was_there_is_not_known():
    data = columns(device=["tv"], hour=["03"])

    assert context_told(data, "fridge", EVENING) == {}
    assert context_told(data, "tv", None) == {"device": "tv"}


def test_data_without_context_knows_no_moment():
    assert context_told((), "tv", EVENING) == {}


def test_the_time_of_every_synthetic_interaction_tells_its_own_hour_and_weekday():
    frame = synthetic_interactions(Scale(events=3_000))
    context = context_of(frame)
    known = columns(**context)

    told = [context_told(known, device, time) for device, time in zip(frame["device"], frame["time"], strict=True)]

    assert told == [dict(zip(context, row, strict=True)) for row in zip(*context.values(), strict=True)]
