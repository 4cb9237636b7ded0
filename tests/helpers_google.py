"""Google's storage as TensorFlow's client speaks to it: a folder as a bucket, over TLS, reached through a proxy."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

HOSTS = ("www.googleapis.com", "storage.googleapis.com")
BUCKET = "flowers"


@contextmanager
def google_storage(root, work, *, status=200):
    """Serves a folder as the bucket `flowers`; another status is the answer to everything.

    Gives the variables that lead TensorFlow there, and a list of the paths that it asks for.
    """
    certificate, key, asked = work / "certificate.pem", work / "key.pem", []
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=here"]
    names = "subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS)
    subprocess.run(
        [*words, "-keyout", str(key), "-out", str(certificate), "-addext", names], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ExitStack() as stack:
        storage = stack.enter_context(
            _served(type("Storage", (_Storage,), {"root": root, "status": status, "asked": asked}))
        )
        storage.socket = context.wrap_socket(storage.socket, server_side=True)
        proxy = stack.enter_context(_served(type("Proxy", (_Proxy,), {"target": storage.server_address})))
        url = f"http://127.0.0.1:{proxy.server_port}"
        yield {"https_proxy": url, "HTTPS_PROXY": url, "no_proxy": "", "CURL_CA_BUNDLE": str(certificate)}, asked


def is_possible():
    return shutil.which("openssl") is not None


@contextmanager
def _served(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Storage(BaseHTTPRequestHandler):
    """The parts of the JSON API (version 1) that TensorFlow lists with, and of the XML API that it reads with."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        self.asked.append(unquote(url.path))
        parts = url.path.split("/")
        if self.status != 200:
            self._answer(self.status, b'{"error": {"message": "no"}}')
        elif parts[1:4] == ["storage", "v1", "b"]:
            self._describe(parts[4], unquote("/".join(parts[6:])), len(parts), dict(parse_qsl(url.query)))
        else:
            self._read(unquote("/".join(parts[2:])))

    def _describe(self, bucket, name, depth, query):
        path = self.root / name
        if bucket != BUCKET or (depth > 6 and not path.is_file()):
            self._answer(404, b'{"error": {"message": "Not Found"}}')
        elif depth == 5:
            self._answer_json({"name": bucket})
        elif depth == 6:
            self._answer_json(self._listed(query.get("prefix", ""), query.get("delimiter")))
        else:
            self._answer_json({"size": str(path.stat().st_size), "generation": "1", "updated": "2024-01-01T00:00:00Z"})

    def _listed(self, prefix, delimiter):
        files = sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())
        rests = [name.removeprefix(prefix) for name in files if name.startswith(prefix)]
        folders = {prefix + rest.split(delimiter)[0] + delimiter for rest in rests if delimiter and delimiter in rest}
        items = [{"name": prefix + rest} for rest in rests if not delimiter or delimiter not in rest]
        return {"items": items, "prefixes": sorted(folders)}

    def _read(self, name):
        content = (self.root / name).read_bytes()
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        self._answer(206 if first < len(content) else 416, content[first : last + 1])

    def _answer_json(self, content):
        self._answer(200, json.dumps(content).encode())

    def _answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *of):
        pass


class _Proxy(BaseHTTPRequestHandler):
    """Whatever host is asked for is the stand-in."""

    def do_CONNECT(self):
        with socket.create_connection(self.target) as there:
            self.send_response(200)
            self.end_headers()
            threading.Thread(target=_pump, args=(self.connection, there), daemon=True).start()
            _pump(there, self.connection)

    def log_message(self, *of):
        pass


def _pump(source, target):
    with suppress(OSError):
        while content := source.recv(1 << 16):
            target.sendall(content)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
