"""TensorFlow's own client of Google's storage, against a stand-in that speaks its protocol; not the live service."""

from __future__ import annotations

import pytest
from helpers_google import google_storage, is_possible

from bench.data.remote.copies import list_remote, open_local
from bench.data.scan import scan
from bench.errors import UserError

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs openssl for a certificate")


@pytest.fixture
def serve(folder, tmp_path, monkeypatch):
    """Serves the folder around the data set as a bucket; TensorFlow is directed to it, without credentials."""
    contexts = []

    def start(**options):
        contexts.append(google_storage(folder.root.parent, tmp_path, **options))
        variables, asked = contexts[-1].__enter__()
        for name, value in {**variables, "NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        return asked

    yield start
    for context in contexts:
        context.__exit__(None, None, None)


def test_a_bucket_is_listed_and_only_what_is_read_is_copied(folder, serve):
    root = folder.write().write(16).root
    (root / "classes.txt").write_text("rose\naster\nlily\n")
    asked = serve()
    list_remote("gs://flowers/garden/")
    source = open_local("gs://flowers/garden", (7,))
    assert source.class_names == ("rose", "aster", "lily")
    assert source.resolutions == (8, 16)
    read = [path for path in asked if path.startswith("/flowers/") and path.endswith(".tfrec")]
    assert sorted(read) == sorted(
        f"/flowers/garden/{path.relative_to(source.root)}" for path in source.stored(8, "train", "val", "test").paths
    )
    index = scan(source, (7,))
    assert index.splits["val"].ids == ("f", "g")


def test_wrong_places_are_one_line(folder, serve):
    folder.write()
    serve()
    for url, said in {
        "gs://nobody/garden": "There is no 'gs://nobody/garden'",
        "gs://flowers/nowhere": "There is no 'gs://flowers/nowhere'",
        "gs://flowers": "'gs://flowers' holds no folder like",
        "gs://flowers/garden/tfrecords-jpeg-8x8": "Pass the folder around it: 'gs://flowers/garden'",
    }.items():
        with pytest.raises(UserError, match=said):
            list_remote(url)


@pytest.mark.parametrize("status", [401, 403])
def test_no_access_is_said_with_what_to_do(serve, folder, status):
    folder.write()
    serve(status=status)
    with pytest.raises(UserError, match=f"No access to 'gs://closed{status}/garden'. Sign in with `gcloud"):
        list_remote(f"gs://closed{status}/garden")
