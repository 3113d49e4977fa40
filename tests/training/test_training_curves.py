from PIL import Image

from tdmm_core.training import curves


def grown(path, steps):
    for step in range(1, steps + 1):
        curves.append(
            path, {"step": step, "split": "train", "loss": 1 / step, "error": 2 / step, "learning_rate": 0.1, "samples_per_s": 5, "elapsed_s": step}
        )
        if step % 5 == 0:
            curves.append(path, {"step": step, "split": "validation", "loss": 1.5 / step, "error": 1.0, "elapsed_s": step})


def test_lines_come_back_and_a_line_cut_short_by_a_kill_is_left_out(tmp_path):
    path = tmp_path / "curves.jsonl"
    assert curves.read(path) == []
    grown(path, 10)
    whole = curves.read(path)
    assert len(whole) == 12 and whole[0]["loss"] == 1.0
    path.write_bytes(path.read_bytes()[:-9])
    assert curves.read(path) == whole[:-1]


def test_a_resumed_run_forgets_what_it_will_write_again(tmp_path):
    path = tmp_path / "curves.jsonl"
    grown(path, 10)
    before = [line for line in curves.read(path) if line["step"] <= 7]
    with path.open("a") as file:
        file.write('{"step": 11, "spl')
    curves.cut(path, 7)
    assert curves.read(path) == before
    assert path.read_text().endswith("}\n") and [p.name for p in tmp_path.iterdir()] == ["curves.jsonl"]


def test_the_picture_shows_both_curves(tmp_path):
    path, picture = tmp_path / "curves.jsonl", tmp_path / "curves.png"
    curves.draw(path, picture)
    assert not picture.exists()
    grown(path, 30)
    curves.draw(path, picture)
    with Image.open(picture) as image:
        assert image.size == (800, 700)
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # the train and the validation line
