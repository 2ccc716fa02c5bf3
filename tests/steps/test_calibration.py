import numpy as np
import pytest

from kaon.steps.calibration import Calibration, expected_calibration_error, fitted, reliability


@pytest.fixture(scope="module")
def drawn():
    random = np.random.default_rng(0)
    scores = random.normal(size=40_000)
    return scores, random.random(40_000) < 1 / (1 + np.exp(3 - 2 * scores))


def test_the_curve_that_what_came_of_the_candidates_was_drawn_from_is_found(drawn):
    slope, offset = fitted(*drawn)

    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(-3, abs=0.1)


def test_true_probabilities_are_reliable_and_exaggerated_ones_are_not(drawn):
    scores, relevant = drawn
    true, bold = (Calibration(slope, -3.0, 0.0).probability(scores) for slope in (2.0, 4.0))

    assert expected_calibration_error(reliability(true, relevant)) < 0.01
    assert expected_calibration_error(reliability(bold, relevant)) > 0.03


def test_a_table_of_reliability_counts_every_candidate_once_and_its_shares_follow_its_bins(drawn):
    scores, relevant = drawn

    table = reliability(Calibration(2.0, -3.0, 0.0).probability(scores), relevant)

    assert table["candidates"].sum() == len(scores)
    assert (table["share"] * table["candidates"]).sum() == pytest.approx(relevant.sum())
    assert (table["probability"].diff().dropna() > 0).all()


def test_scores_that_separate_the_positives_give_finite_probabilities():
    slope, offset = fitted(np.array([0.0, 1.0]), np.array([False, True]))

    chances = Calibration(slope, offset, 0.0).probability(np.array([0.0, 1.0]))

    assert np.isfinite(chances).all()
    assert chances[0] < 0.5 < chances[1]
