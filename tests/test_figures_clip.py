import pyarrow as pa

from curation.figures_clip import checkpoints_by_data


def row(checkpoint, data, value, protocol="zero-shot", shots=0, sd=None):
    return {
        "checkpoint": checkpoint, "checkpoint_digest": f"digest of {checkpoint}", "data": data, "data_digest": data,
        "protocol": protocol, "templates": None if protocol == "probe" else "clip80@01234567", "shots": shots,
        "metric": "top-1", "value": value, "low": value - 0.1, "high": value + 0.2, "sd": sd,
        "seeds": 3 if sd else 1, "n": 1000, "dropped": 0,
    }  # fmt: skip


def test_a_dot_and_its_interval_for_each_checkpoint_in_the_lane_of_its_data_set():
    table = pa.Table.from_pylist(
        [
            row("raw", "<b>eval</b>", 0.25), row("balanced", "<b>eval</b>", 0.5), row("raw", "other", 0.75),
            row("raw", "other", 0.375, "probe", None, sd=0.01),
        ]
    )  # fmt: skip
    figure = checkpoints_by_data(table)
    raw, balanced = figure.data
    assert (raw.name, list(raw.x), list(balanced.x)) == ("raw", [0.25, 0.75, 0.375], [0.5])
    assert [round(y) for y in raw.y] == [0, 1, 2]
    assert raw.y[0] < balanced.y[0] < 0.5
    assert [round(reach, 6) for reach in raw.error_x.array] == [0.2] * 3
    assert [round(reach, 6) for reach in raw.error_x.arrayminus] == [0.1] * 3
    assert list(figure.layout.yaxis.ticktext) == [
        "&lt;b&gt;eval&lt;/b&gt;<br>zero-shot, clip80", "other<br>zero-shot, clip80", "other<br>probe, all shots",
    ]  # fmt: skip
    assert figure.layout.xaxis.title.text == "top-1"
    assert raw.customdata[2][5] == "<br>mean of 3 seeds, standard deviation 1.0%"


def test_many_checkpoints_have_room_and_marks_of_their_own():
    table = pa.Table.from_pylist([row(f"checkpoint {n}", "eval", 0.5) for n in range(20)])
    figure = checkpoints_by_data(table)
    assert len({(trace.marker.color, trace.marker.symbol) for trace in figure.data}) == 20
    assert len({trace.y[0] for trace in figure.data}) == 20
    assert all(abs(trace.y[0]) < 0.5 for trace in figure.data)


def test_without_results_the_figure_is_empty():
    assert checkpoints_by_data(pa.Table.from_pylist([row("a", "b", 0.5)]).slice(1)).data == ()
