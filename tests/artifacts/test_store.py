from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kaon.artifacts import (
    Begun,
    CorruptArtifact,
    Digest,
    File,
    Found,
    Markdown,
    MissingBlob,
    NoKind,
    NotStorable,
    Store,
    StoreError,
    Text,
    UnknownRecord,
    WrongType,
    digest_bytes,
    open_store,
)

TABLE = pd.DataFrame({"user": [f"u{number}" for number in range(3000)], "rating": np.arange(3000.0)})


@dataclass(frozen=True)
class Scores:
    users: int


def test_a_value_comes_back_as_the_reader_asks(work: Any):
    small, large = work.put(Scores(3), Scores), work.put(TABLE, pd.DataFrame)

    assert work.store.get(small, Scores) == Scores(3)
    assert work.store.get(small) == {"users": 3}
    pd.testing.assert_frame_equal(work.store.get(large, Annotated[pd.DataFrame, "x"]), TABLE)
    assert isinstance(work.store.get(large, pa.Table), pa.Table)


def test_an_artifact_says_where_it_came_from(work: Any):
    source = work.put([1], list[int])
    made = work.put(TABLE, pd.DataFrame, "table", made_from=(source.id, source.id))

    assert (made.name, made.kind, made.run, made.step) == ("table", "table", work.run, "flow/step")
    assert (made.keys, made.attempt) == ((("market", "US"),), (1,))
    assert made.made_from == (source.id, source.id)
    assert made.summary["rows"] == 3000
    assert work.store.records.artifact(made.id) == made
    assert work.store.records.artifacts_of_step(work.run, "flow/step") == [source, made]


def test_a_value_can_be_dumped_in_one_process_and_recorded_by_another(folder_work: Any):
    code = f"""
import pickle, sys
from kaon.artifacts import open_store
store = open_store({folder_work.store.url!r})
outputs = [store.dumped("x" * 9000, "large", str), store.dumped(3, "small", int)]
sys.stdout.buffer.write(pickle.dumps(outputs))
"""
    dumped = pickle.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    made = folder_work.finish(folder_work.started(), dumped)

    assert [folder_work.store.get(made[name]) for name in ("large", "small")] == ["x" * 9000, 3]
    assert dumped[0].inline is None and dumped[1].inline == b"3"


def test_small_values_live_in_the_records_and_large_ones_in_blobs(folder_work: Any, tmp_path: Path):
    (tmp_path / "tiny").write_text("x")
    folder_work.put("x" * 4094, str)
    assert list(folder_work.store.blobs.digests()) == []

    large = folder_work.put("x" * 4095, str)
    tiny = folder_work.put(File(tmp_path / "tiny"), File)
    assert set(folder_work.store.blobs.digests()) == {large.digest, tiny.digest}
    assert folder_work.store.get(tiny, File).path == folder_work.store.blobs.path(tiny.digest)


def test_equal_values_share_their_bytes(folder_work: Any):
    first, second = folder_work.put(TABLE, pd.DataFrame), folder_work.put(TABLE.copy(), pd.DataFrame)

    assert first.digest == second.digest and first.id != second.id
    assert len(list(folder_work.store.blobs.digests())) == 1


def test_outputs_are_findable_once_their_step_is_completed(work: Any, key: Digest):
    step_run = work.started(key)
    output = work.store.dumped(1, "one", int)
    assert work.store.find(key) is None

    made = work.finish(step_run, [output])
    found = work.store.find(key)
    assert found == made and list(found) == ["one"] and len(found) == 1
    assert (found.run, found.step_run) == (work.run, step_run)
    assert work.store.records.outputs(work.run) == [(step_run, "one", made["one"])]


def test_a_step_without_outputs_is_findable_too(work: Any, key: Digest):
    work.finish(work.started(key))

    assert work.store.find(key) == {}
    assert work.begin(key).committed == {}


def test_the_newest_commit_whose_bytes_are_all_there_is_found(folder_work: Any, key: Digest):
    store = folder_work.store
    tables = [TABLE, TABLE.head(2000)]
    steps = [folder_work.begin(key, fresh=True).step_run]
    made = [folder_work.finish(steps[0], [store.dumped(tables[0], "t", pd.DataFrame)])]
    steps.append(folder_work.begin(key, fresh=True).step_run)
    outputs = [store.dumped(tables[1], "t", pd.DataFrame), store.dumped(1, "small", int)]
    made.append(folder_work.finish(steps[1], outputs))
    assert store.find(key).step_run == folder_work.begin(key).committed.step_run == steps[1]

    store.blobs.path(made[1]["t"].digest).unlink()
    assert store.find(key).step_run == folder_work.begin(key).committed.step_run == steps[0]

    store.blobs.path(made[0]["t"].digest).unlink()
    assert store.find(key) is None
    assert isinstance(folder_work.begin(key), Begun)


def test_skipped_steps_give_the_outputs_they_reuse(work: Any, key: Digest):
    artifact = work.put(1, int, "one", key=key)
    again = work.another()
    skipped = again.begin(key)

    assert isinstance(skipped, Found) and skipped.committed == {"one": artifact}
    assert work.store.records.outputs(again.run) == [(skipped.step_run, "one", artifact)]
    assert work.store.records.latest("one", "flow") == artifact
    assert work.store.records.latest("one", "other") is None


@pytest.mark.parametrize("large", [False, True])
def test_damaged_bytes_are_reported_with_their_artifact_and_never_returned(folder_work: Any, large: bool):
    store, artifact = folder_work.store, folder_work.put("x" * 5000 if large else "x", str, "words")
    if large:
        store.blobs.path(artifact.digest).chmod(0o644)
        store.blobs._file(artifact.digest).write_text("y")
    else:
        with sqlite3.connect(Path(store.url) / "records.sqlite") as connection:
            connection.execute("UPDATE inline_values SET raw = ?", (b"y",))

    with pytest.raises(CorruptArtifact, match=rf"artifact {artifact.id} \(words\) cannot be read") as caught:
        store.get(artifact, str)
    assert digest_bytes(b"y") in caught.value.why and "--force" in caught.value.fix

    mended = folder_work.put("x" * 5000 if large else "x", str)
    assert store.get(artifact, str) == store.get(mended, str)


def test_a_lost_blob_is_reported_with_its_artifact(folder_work: Any):
    artifact = folder_work.put(TABLE, pd.DataFrame, "table")
    folder_work.store.blobs.path(artifact.digest).unlink()

    assert not folder_work.store.holds(artifact)
    with pytest.raises(MissingBlob, match=rf"artifact {artifact.id} \(table\) cannot be read"):
        folder_work.store.get(artifact, pd.DataFrame)


def test_none_is_kept_where_the_annotation_allows_it(work: Any):
    nothing = work.put(None, pd.DataFrame | None)

    assert work.store.get(nothing, pd.DataFrame | None) is None
    assert work.store.get(nothing) is None
    assert work.store.get(work.put(None, int | None), int | None) is None
    assert work.store.get(work.put(3, int | None), int | None) == 3
    with pytest.raises(NotStorable, match="a NoneType cannot be stored as table"):
        work.store.dumped(None, "nothing", pd.DataFrame)


def test_a_value_that_is_not_of_its_annotation_is_refused_when_dumped(store: Store):
    with pytest.raises(WrongType, match="the JSON value is not a int"):
        store.dumped("three", "value", int)
    with pytest.raises(NoKind):
        store.dumped(object(), "value", object)


def test_an_artifact_of_another_kind_is_refused_when_read(work: Any):
    with pytest.raises(WrongType, match="an artifact of kind text cannot be read as int"):
        work.store.get(work.put(Markdown("# x"), Markdown), int)
    assert work.store.get(work.put(Markdown("# x"), Markdown), Text) == "# x"


def test_an_artifact_made_from_nothing_that_exists_is_refused(work: Any):
    with pytest.raises(UnknownRecord, match="made from an artifact that the records do not hold"):
        work.put(1, int, made_from=(999,))


def test_stores_in_memory_share_nothing():
    open_store("memory://").records.start_run("flow", {}, "{}", "local")

    assert open_store("memory://").records.runs() == []


def test_a_store_is_found_again_by_folder_by_url_and_by_home(folder_work: Any, home: Path):
    artifact = folder_work.put(TABLE, pd.DataFrame)
    folder = Path(folder_work.store.url)

    for url in (folder, str(folder), folder.as_uri(), f"{folder.as_uri()}?records=sqlite:///{folder}/records.sqlite"):
        pd.testing.assert_frame_equal(open_store(url).get(artifact, pd.DataFrame), TABLE)
    assert open_store().url == str(home / "store")


def test_a_store_lies_in_its_folder_whatever_that_is_called(tmp_path: Path):
    for name in ("what?x=1", "what?x=2", "a%20b#c", "日本 ü'\""):
        store = open_store(tmp_path / name / "store")
        assert store.records.runs() == []
        store.records.start_run(name, {}, "{}", "local")
        assert [run.workflow for run in open_store(tmp_path / name / "store").records.runs()] == [name]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(("what?x=1", "what?x=2", "a%20b#c", "日本 ü'\""))


def test_blobs_afar_need_a_place_for_their_records():
    with pytest.raises(StoreError, match="does not say where its records are") as caught:
        open_store("s3://bucket/kaon")
    assert "s3://bucket/kaon?records=postgresql" in caught.value.fix


def test_threads_may_use_the_store_at_once(store: Store, begin: Any):
    first = begin(store)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                key = digest_bytes(b"%d %d" % (number, turn))
                outputs = [
                    store.dumped(turn, "small", int),
                    store.dumped(TABLE.head(2000 + turn), "table", pd.DataFrame),
                ]
                first.finish(first.started(key), outputs)
                assert len(store.get(store.find(key)["table"], pd.DataFrame)) > 0  # type: ignore[index, arg-type]
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(list(store.blobs.digests())) == 5
    assert len(store.records.outputs(first.run)) == 60


def test_opening_a_store_does_not_load_what_it_does_not_need():
    code = "import sys; from kaon.artifacts import open_store; open_store('/nowhere'); print('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
