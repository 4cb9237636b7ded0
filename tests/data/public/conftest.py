"""Kaggle on this machine: what kagglehub asks for, answered as the service does, or refused as it does."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

DOWNLOAD = "/api/v1/competitions.CompetitionApiService/DownloadDataFile"
ATTACH = "/kaggle-jwt-handler/AttachDatasourceUsingJwtRequest"
TOKEN = "KGAT_abc"


def shard(records: int) -> bytes:
    """TFRecord framing around records of one byte; checksums are not checked here."""
    return ((1).to_bytes(8, "little") + bytes(4) + b"x" + bytes(4)) * records


class Kaggle(ThreadingHTTPServer):
    """The service. Tests set what goes wrong with which file.

    Attributes:
        asked: names of the files that were asked for, in order.
        refused: file -> status and message.
        records: file -> how many it holds, where that is not what its name says.
        cut: files whose connection breaks in the middle.
        spoilt: files whose bytes do not have the promised checksum.
        stuck: files that never come.
        stalled: files that stop in the middle.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.refused: dict[str, tuple[int, str]] = {}
        self.records: dict[str, int] = {}
        self.cut: set[str] = set()
        self.spoilt: set[str] = set()
        self.stuck: set[str] = set()
        self.stalled: set[str] = set()

    def content(self, name: str) -> bytes:
        return shard(self.records.get(name, int(name.split("-")[-1].removesuffix(".tfrec"))))


class Handler(BaseHTTPRequestHandler):
    """As a proxy, it is asked for whole addresses: only the paths count."""

    server: Kaggle

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = urlsplit(self.path).path
        if path == ATTACH:
            self._json(200, {"wasSuccessful": True, "result": {"mountSlug": body["competitionRef"]["CompetitionSlug"]}})
        elif path != DOWNLOAD or body["competitionName"] != "tpu-getting-started":
            self._json(404, {"code": 404, "message": "Not found"})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._json(401, {"code": 401, "message": "Unauthenticated"})
        else:
            self._download(body["fileName"])

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.removeprefix("/stored/")
        content = self.server.content(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Last-Modified", "Mon, 06 Jan 2020 00:00:00 GMT")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("x-goog-hash", f"md5={base64.b64encode(hashlib.md5(content).digest()).decode()}")
        self.end_headers()
        if name in self.server.spoilt:
            content = b"y" + content[1:]
        half = len(content) // 2
        self.wfile.write(content[:half])
        if name in self.server.stalled:
            time.sleep(5)
        if name not in self.server.cut:
            self.wfile.write(content[half:])

    def _download(self, name: str) -> None:
        self.server.asked.append(name)
        if name in self.server.stuck:
            time.sleep(60)
        if name in self.server.refused:
            status, message = self.server.refused[name]
            self._json(status, {"code": status, "message": message})
        else:
            self.send_response(302)
            self.send_header("Location", f"http://localhost/stored/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _json(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Kaggle]:
    """The service, with a token that it knows. kagglehub sends requests to `localhost` only, through this proxy."""
    with Kaggle() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
        for name in ("no_proxy", "NO_PROXY", "KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_USERNAME", "KAGGLE_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "nobody" / ".kaggle"))
        yield server
        server.shutdown()


@pytest.fixture(name="shard")
def shard_fixture():
    return shard
