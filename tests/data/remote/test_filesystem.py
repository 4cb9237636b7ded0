from __future__ import annotations

import os
import threading

import pytest
import tensorflow as tf

from bench.data.remote import filesystem
from bench.errors import UserError


def test_a_scheme_that_tensorflow_does_not_know():
    for url in ("s3://bucket/x", "http://host/x"):
        with pytest.raises(UserError, match=r"has no file system '(s3|http)://' here. It has: .*file://"):
            filesystem.check_scheme(url)
    filesystem.check_scheme("file:///x")


def test_google_storage_is_there_and_asks_no_metadata_server_where_there_is_none(monkeypatch):
    monkeypatch.delenv("NO_GCE_CHECK", raising=False)
    monkeypatch.setattr(filesystem, "_has_address", lambda host: True)
    filesystem.check_scheme("gs://bucket/x")
    assert "NO_GCE_CHECK" not in os.environ
    monkeypatch.setattr(filesystem, "_has_address", lambda host: False)
    filesystem.check_scheme("gs://bucket/x")
    assert os.environ["NO_GCE_CHECK"] == "true"


def test_a_host_without_an_address_is_not_waited_for(monkeypatch):
    forever = threading.Event()
    monkeypatch.setattr(filesystem, "_LOOKUP_SECONDS", 0.05)
    monkeypatch.setattr(filesystem.socket, "getaddrinfo", lambda *of: forever.wait())
    assert not filesystem._has_address("nowhere.invalid")
    forever.set()


def test_what_takes_too_long_is_given_up():
    forever = threading.Event()
    with pytest.raises(UserError, match=r"'gs://bucket' did not answer within 0.05 s"):
        filesystem.result_within(0.05, "gs://bucket", forever.wait)
    forever.set()
    assert filesystem.result_within(5, "gs://bucket", lambda: 7) == 7


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (tf.errors.NotFoundError, "There is no 'gs://b'"),
        (tf.errors.PermissionDeniedError, "No access to 'gs://b'. Sign in with `gcloud"),
        (tf.errors.UnauthenticatedError, "No access to 'gs://b'. Sign in with `gcloud"),
        (tf.errors.AbortedError, "Cannot read 'gs://b': All 10 retry attempts failed"),
    ],
)
def test_errors_are_one_line(error, said):
    with pytest.raises(UserError) as caught, filesystem.user_errors("gs://b"):
        raise error(None, None, "All 10 retry attempts failed\nof many")
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
