import threading

import pytest

from browser.hostile import hostile_texts
from curation import files
from curation.errors import BadArgument, BadRun
from curation.runs import trash
from curation.runs.folder import list_runs, lock, open_run, rename
from curation.runs.trash import delete_for_good, list_trash, move_to_trash, restore


def together(do, times=2):
    """Do something in as many threads at once; what each was told, None where it went well."""
    told, barrier = [], threading.Barrier(times)

    def one():
        barrier.wait()
        try:
            do()
        except BadRun as error:
            told.append(str(error))
        else:
            told.append(None)

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_a_run_goes_to_the_trash_and_back(make_run, tmp_path):
    run = make_run(name="mine")
    before = sorted(path.name for path in run.path.iterdir())

    place = move_to_trash(run.path)

    assert place.parent.parent == tmp_path / "trash"
    assert list_runs(tmp_path) == []
    (trashed,) = list_trash(tmp_path)
    assert (trashed.run.path, trashed.run.name) == (place, "mine")
    assert trash.bytes_on_disk(place) > 1000

    assert restore(trashed) == run.path
    assert sorted(path.name for path in run.path.iterdir()) == before
    assert [run.name for run in list_runs(tmp_path)] == ["mine"]
    assert list_trash(tmp_path) == []


def test_deleting_for_good_frees_the_disk(make_run, tmp_path):
    move_to_trash(make_run().path)
    (trashed,) = list_trash(tmp_path)
    left = tmp_path / "trash" / ".deleting-of-one-who-was-killed"
    left.mkdir()

    delete_for_good(trashed)

    assert list((tmp_path / "trash").iterdir()) == []
    with pytest.raises(BadRun, match="not there any more"):
        delete_for_good(trashed)
    with pytest.raises(BadRun, match="not there any more"):
        restore(trashed)


def test_a_run_whose_job_lives_must_be_cancelled_first(make_run, tmp_path):
    run = make_run()
    with lock(run.path), pytest.raises(BadRun, match="cancel it first"):
        move_to_trash(run.path)
    assert open_run(run.path).state == "done"
    assert list_trash(tmp_path) == []


def test_of_two_who_delete_at_once_one_does_and_the_other_is_told(make_run, tmp_path):
    run = make_run()
    assert together(lambda: move_to_trash(run.path)).count(None) == 1
    (trashed,) = list_trash(tmp_path)
    assert together(lambda: delete_for_good(trashed)).count(None) == 1
    assert list((tmp_path / "trash").iterdir()) == []


def test_a_run_that_goes_just_before_it_is_read_is_no_run_any_more(make_run, monkeypatch):
    run, read = make_run(), files.read_json_text

    def late(path):
        run.path.rename(run.path.with_name("elsewhere"))
        return read(path)

    monkeypatch.setattr(files, "read_json_text", late)
    with pytest.raises(BadRun, match="not a run folder"):
        move_to_trash(run.path)


def test_the_trash_keeps_runs_of_one_name_apart(make_run, tmp_path):
    for _ in range(2):
        move_to_trash(make_run(name="same").path)
    newest, oldest = list_trash(tmp_path)
    assert newest.run.path != oldest.run.path

    restore(newest)
    with pytest.raises(BadRun, match="is there again"):
        restore(oldest)
    assert [trashed.place for trashed in list_trash(tmp_path)] == [oldest.place]


def test_what_is_no_run_is_passed_over_and_not_moved(tmp_path):
    (tmp_path / "trash" / "notes").mkdir(parents=True)
    (tmp_path / "trash" / "file").write_text("x")
    assert list_trash(tmp_path) == []
    with pytest.raises(BadRun, match="not a run folder"):
        move_to_trash(tmp_path / "trash")


@pytest.mark.parametrize("name", [*hostile_texts("http://x"), "../../up", "\ud83d", "\0", "a" * 200])
def test_a_name_is_only_data(make_run, name):
    run = make_run()
    with lock(run.path):  # also while its job works
        rename(run.path, name)
    assert open_run(run.path).name == name.encode("utf-8", "replace").decode().strip()
    assert open_run(run.path).info["name"] == "run"


@pytest.mark.parametrize("name", ["", " \n", "a" * 201])
def test_a_name_that_says_nothing_or_too_much_is_refused(make_run, name):
    with pytest.raises(BadArgument, match="give one of 1 to 200"):
        rename(make_run().path, name)


def test_a_damaged_name_leaves_the_first_one(make_run):
    run = make_run()
    for text in ("{", "[]", "{}"):
        (run.path / "name.json").write_text(text)
        assert open_run(run.path).name == "run"
