"""What the server answers: as offline, with a reason for what it refuses, and with popularity where a part fails."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient
from tests.steps.published_world import published

from kaon.deploy.serving.app import create_app
from kaon.deploy.serving.guarding import LARGEST_BODY
from kaon.deploy.serving.metrics import ServerMetrics
from kaon.deploy.serving.recommender import load_recommender
from kaon.deploy.serving.rehearsal import rehearse
from kaon.deploy.serving.watching import Current
from kaon.steps.bundle import load_bundle
from kaon.steps.list_ranker import ranked_scores
from kaon.steps.reranking import Reranking, Visitor, questions_of, ranked_candidates, recommend, visitors_of
from kaon.steps.wsdm_lists import CandidateList, rank_lists

ASKING = [
    ({"user": "u0003"}, Visitor("u0003")),
    ({"user": "u0120", "market": "uk"}, Visitor("u0120", "uk")),
    ({"market": "uk"}, Visitor(market="uk")),
    ({"market": "ca", "history": ["i004", "i010", "none"]}, Visitor(market="ca", titles=("i004", "i010", "none"))),
    ({"user": "nobody"}, Visitor("nobody")),
    ({}, Visitor()),
]


@pytest.fixture(scope="module")
def offline(bundles):
    """The same bundle as a step or a notebook reads it."""
    return load_bundle(bundles[0])


@pytest.fixture(scope="module")
def genred(tmp_path_factory):
    """What answers from a bundle of which every second item is a comedy, and lists hold three items of a genre."""
    items = [f"i{number:03}" for number in range(120)]
    catalogue = pd.DataFrame({"item_id": items, "genres": [["Drama"] if n % 2 else ["Comedy"] for n in range(120)]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAON_HOME", str(tmp_path_factory.mktemp("genred")))
        capped = Reranking(per_genre=3)
        receipt = published("genred", publisher="bundle", catalogue=catalogue, reranking=capped)
    return load_recommender(receipt.bundle)


def asked(client, path, **body):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refused(client, path, **body):
    response = client.post(path, json=body)
    assert response.status_code == 422, response.text
    return {one["field"]: one["reason"] for one in response.json()["detail"]}


@pytest.mark.parametrize(("body", "visitor"), ASKING)
def test_a_list_is_what_the_offline_functions_make_with_the_scores_of_the_ranker(client, offline, body, visitor):
    answer = asked(client, "/recommend", **body, k=7)

    visitors = visitors_of(offline.sources, [visitor])
    expected = recommend(offline, visitors, k=7)
    found, scores = ranked_candidates(offline, visitors, Reranking())
    score_of = dict(zip(offline.sources.item_ids[found[0]].tolist(), scores[0].tolist(), strict=True))
    assert [one["item"] for one in answer["items"]] == expected.item_ids(offline.sources)[0]
    assert answer["basis"] == expected.fallbacks[0]
    assert answer["fallback"] == []
    assert [one["score"] for one in answer["items"]] == pytest.approx(
        [score_of[one["item"]] for one in answer["items"]], abs=1e-6
    )


@pytest.mark.parametrize(("body", "visitor"), ASKING)
def test_candidates_score_as_offline(client, offline, body, visitor):
    candidates = [str(item) for item in offline.sources.item_ids[5:60]]

    answer = asked(client, "/rank", **body, candidates=candidates)

    items = np.arange(5, 60)[None]
    questions = questions_of(offline.sources, visitors_of(offline.sources, [visitor]), items)
    expected = dict(zip(candidates, ranked_scores(offline.ranker, offline.sources, questions)[0], strict=True))
    assert {one["item"]: one["score"] for one in answer["items"]} == pytest.approx(expected, abs=1e-6)
    scores = [one["score"] for one in answer["items"]]
    assert scores == sorted(scores, reverse=True)


def test_candidates_are_ranked_as_kaon_rank_does_and_unknown_ones_come_last(client, offline):
    candidates = ("i009", "never seen", "i003", "i030")

    answer = asked(client, "/rank", user="u0007", candidates=candidates)

    (expected,) = rank_lists(offline, [CandidateList("u0007", candidates)])
    assert [one["item"] for one in answer["items"]] == list(expected.item_ids)
    assert [one["score"] for one in answer["items"]] == pytest.approx(expected.scores.tolist(), abs=1e-6)
    assert answer["items"][-1]["item"] == "never seen"


def test_lists_are_made_by_the_settings_of_the_manifest(client_of, recommender, offline):
    varied = Reranking(diversity=0.5, exploration=0.4, prior=1.0, seed=3)
    client = client_of(replace(recommender, settings=varied))

    answer = asked(client, "/recommend", user="u0011")

    expected = recommend(offline, visitors_of(offline.sources, [Visitor("u0011")]), settings=varied)
    assert [one["item"] for one in answer["items"]] == expected.item_ids(offline.sources)[0]
    assert [one["explored"] for one in answer["items"]] == expected.explored[0].tolist()


def test_nobody_is_offered_what_was_met_excluded_or_not_asked_for(client, offline):
    only = [f"i{number:03}" for number in range(30)]

    answer = asked(client, "/recommend", user="u0005", k=30, filters={"items": only, "exclude": ["i000", "i007"]})

    offered = {one["item"] for one in answer["items"]}
    row = offline.user_row("u0005")
    met = set(offline.sources.item_ids[offline.sources.seen[row].indices].tolist())
    assert offered
    assert offered <= set(only) - {"i000", "i007"} - met


def test_similar_items_are_the_nearest_by_cosine_of_all(client, offline):
    answer = client.get("/similar/i006", params={"k": 5}).json()

    vectors = offline.sources.als.table(-1).astype("f8")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit[6]
    cosine[6] = -1
    assert [one["score"] for one in answer["items"]] == pytest.approx(np.sort(cosine)[::-1][:5], abs=1e-6)
    assert "i006" not in {one["item"] for one in answer["items"]}


def test_an_item_that_is_not_there_has_no_similar_ones(client):
    response = client.get("/similar/no/such item")

    assert response.status_code == 404
    (wrong,) = response.json()["detail"]
    assert wrong["field"] == "item"
    assert "has no item 'no/such item'" in wrong["reason"]


@pytest.mark.parametrize("part", ["retrieval", "ranking", "reranking"])
def test_popularity_stands_in_for_a_part_that_fails_and_the_answer_says_so(
    client_of, recommender, offline, monkeypatch, part
):
    def broken(*_, **__):
        raise RuntimeError("out of order")

    name = {"retrieval": "retrieved", "ranking": "ranked_scores", "reranking": "reranked"}[part]
    monkeypatch.setattr(f"kaon.deploy.serving.recommender.{name}", broken)
    client = client_of(recommender)

    answer = asked(client, "/recommend", user="u0005", k=8, filters={"exclude": ["i000"]})

    row = offline.user_row("u0005")
    met = set(offline.sources.item_ids[offline.sources.seen[row].indices].tolist())
    offered = [one["item"] for one in answer["items"]]
    assert answer["fallback"] == [part]
    assert len(set(offered)) == 8
    assert not set(offered) & (met | {"i000"})
    assert f'kaon_fallbacks_total{{part="{part}"}} 1.0' in client.get("/metrics").text


def test_without_retrieval_and_ranking_the_list_is_what_is_popular_in_the_market(
    client_of, recommender, offline, monkeypatch
):
    def broken(*_, **__):
        raise RuntimeError("out of order")

    monkeypatch.setattr("kaon.deploy.serving.recommender.retrieved", broken)
    monkeypatch.setattr("kaon.deploy.serving.recommender.ranked_scores", broken)

    answer = asked(client_of(recommender), "/recommend", market="uk", k=5)

    users = offline.sources.by_market[1].users
    rows = [recommender.catalogue.row[one["item"]] for one in answer["items"]]
    assert users[rows].tolist() == sorted(users.tolist())[::-1][:5]
    assert answer["fallback"] == ["retrieval", "ranking"]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"k": 0}, "k", "greater than or equal to 1"),
        ({"k": 101}, "k", "less than or equal to 100"),
        ({"k": "ten"}, "k", "valid integer"),
        ({"user": 7}, "user", "valid string"),
        ({"user": "u" * 257}, "user", "at most 256"),
        ({"history": [""]}, "history.0", "at least 1"),
        ({"history": ["i"] * 1001}, "history", "at most 1000"),
        ({"filters": {"exclude": [1]}}, "filters.exclude.0", "valid string"),
        ({"filters": {"genres": ["Drama"]}}, "filters.genres", "knows no genres"),
        ({"time": 12}, "time", "ISO 8601"),
        ({"time": "yesterday"}, "time", "datetime"),
        ({"users": "u0001"}, "users", "not permitted"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_and_the_reason(client, body, field, reason):
    assert reason in refused(client, "/recommend", **body)[field]


def test_candidates_are_named_once_and_there_are_some(client):
    assert "'i001' stands there twice" in refused(client, "/rank", candidates=["i001", "i002", "i001"])["candidates"]
    assert "at least 1" in refused(client, "/rank", candidates=[])["candidates"]
    assert "required" in refused(client, "/rank")["candidates"]


@pytest.mark.parametrize("raw", [b"{", b"", b"[]", b'"u0001"', b"\xff\xfe", b'{"user": "\\ud800"}', b'{"k": 1e400}'])
def test_what_is_no_request_is_refused(client, raw):
    response = client.post("/recommend", content=raw, headers={"content-type": "application/json"})

    assert response.status_code == 422
    assert response.json()["detail"][0]["reason"]


def test_a_request_that_is_too_large_is_refused_before_it_is_read(client):
    response = client.post("/rank", content=b" " * (LARGEST_BODY + 1))

    assert response.status_code == 413
    assert "1,048,576 bytes" in response.json()["detail"][0]["reason"]


def test_the_model_is_the_manifest(client, bundles):
    assert client.get("/model").json() == json.loads((bundles[0] / "manifest.json").read_text())


def test_without_a_bundle_the_server_runs_and_is_not_ready(client_of):
    client = client_of(None)

    assert client.get("/healthz").status_code == 200
    for response in (client.get("/readyz"), client.post("/recommend", json={}), client.get("/model")):
        assert response.status_code == 503
        assert response.json()["reason"] == "no bundle was loaded yet"


def test_requests_and_stages_are_counted(client):
    asked(client, "/recommend", user="u0001")
    refused(client, "/recommend", k=0)
    client.get("/nowhere")

    counted = client.get("/metrics").text
    assert 'kaon_requests_total{endpoint="/recommend",status="200"} 1.0' in counted
    assert 'kaon_requests_total{endpoint="/recommend",status="422"} 1.0' in counted
    assert 'kaon_requests_total{endpoint="other",status="404"} 1.0' in counted
    for stage in ("retrieval", "ranking", "reranking"):
        assert f'kaon_stage_seconds_count{{stage="{stage}"}} 1.0' in counted


def test_a_list_by_genre_holds_that_genre_alone_and_as_offline(client_of, genred):
    sources, genres = genred.bundle.sources, genred.bundle.genres
    only = genres.having(("Comedy",))

    answer = asked(client_of(genred), "/recommend", user="u0011", k=7, filters={"genres": ["Comedy"]})

    visitors = visitors_of(sources, [Visitor("u0011")])
    expected = recommend(genred.bundle, visitors, k=7, settings=genred.settings, genres=genres, only=only)
    assert [one["item"] for one in answer["items"]] == expected.item_ids(sources)[0]
    assert len(answer["items"]) == 7
    assert all(int(one["item"][1:]) % 2 == 0 for one in answer["items"])


def test_a_filter_by_genre_and_by_items_keeps_to_both(client_of, genred):
    filters = {"genres": ["Drama"], "items": ["i001", "i002", "i003"]}

    answer = asked(client_of(genred), "/recommend", market="uk", filters=filters)

    assert {one["item"] for one in answer["items"]} == {"i001", "i003"}


def test_a_genre_that_no_item_has_is_refused_with_those_there_are(client_of, genred):
    refusal = refused(client_of(genred), "/recommend", filters={"genres": ["Opera"]})

    assert refusal == {"filters.genres": "no item has the genre 'Opera'; choose from Comedy, Drama"}


def test_a_cap_of_genres_holds_in_the_server_and_golden_requests_know_it(client_of, genred):
    answer = asked(client_of(genred), "/recommend", user="u0011", k=6)

    assert [int(one["item"][1:]) % 2 for one in answer["items"]].count(0) == 3
    assert rehearse(genred) > 40


def test_who_asks_while_too_many_wait_is_told_to_come_back_and_counted(recommender, workers, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def slow(*arguments, **named):
        begun.set()
        assert ended.wait(30)
        return ranked_scores(*arguments, **named)

    monkeypatch.setattr("kaon.deploy.serving.recommender.ranked_scores", slow)
    client = TestClient(create_app(Current(recommender), ServerMetrics(), workers, most_waiting=1))
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(client.post, "/recommend", json={"user": "u0001"})
        assert begun.wait(30)
        second = client.post("/recommend", json={"user": "u0002"})
        healthy = client.get("/readyz")
        ended.set()

    assert (second.status_code, second.headers["retry-after"]) == (503, "1")
    assert second.json()["reason"] == "too many requests wait already: ask again later"
    assert healthy.status_code == first.result().status_code == 200
    assert "kaon_shed_total 1.0" in client.get("/metrics").text
    assert client.post("/recommend", json={"user": "u0002"}).status_code == 200


@pytest.mark.parametrize("path", ["/recommend", "/rank"])
def test_what_is_told_of_the_moment_is_named_as_ignored_and_changes_nothing(client, path):
    body = {"user": "u0003", **({"candidates": ["i001", "i002"]} if path == "/rank" else {})}

    plain = client.post(path, json=body).json()
    told = client.post(path, json={**body, "device": "tv", "time": "2026-11-28T20:15:00Z"}).json()

    assert plain["ignored"] == []
    assert told == {**plain, "ignored": ["device", "time"]}
    assert client.get("/model").json()["context"] == []
