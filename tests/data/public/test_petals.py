from bench.data.public.petals import files


def test_the_competitions_files():
    """Names and totals as notebooks of the competition print them."""
    names = files(512)
    assert len(set(names)) == 48
    for name in (
        "train/00-512x512-798",
        "train/14-512x512-798",
        "train/15-512x512-783",
        "val/15-512x512-232",
        "test/14-512x512-462",
        "test/15-512x512-452",
    ):
        assert f"tfrecords-jpeg-512x512/{name}.tfrec" in names
    for split, total in (("train", 12_753), ("val", 3_712), ("test", 7_382)):
        assert sum(int(name[:-6].split("-")[-1]) for name in names if f"/{split}/" in name) == total
