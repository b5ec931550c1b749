"""An OpenAI-compatible /v1/embeddings endpoint of a few lines, on loopback, that can be told to misbehave."""

import collections
import hashlib
import http.server
import json
import threading
import time


def vector_of(text, width):
    """Some vector, the same for the same text."""
    digest = hashlib.sha512(text.encode()).digest()
    return [(digest[i % 64] - 127.5) / 128 for i in range(width)]


class Embeddings:
    """behaviour: None, or a function(texts, answer) that changes or replaces the answer, a (status, headers, body)
    with the body a dict or bytes; answers of texts that were embedded well are counted in `paid`."""

    def __init__(self, width=8, port=0, key=None, embed=None):
        self.width, self.key, self.embed = width, key, embed or (lambda texts: [vector_of(t, width) for t in texts])
        self.behaviour = None
        self.paid = collections.Counter()
        self.requests = []  # (time, number of texts, Authorization)
        self.under_way = self.most_under_way = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                with outer.lock:
                    outer.under_way += 1
                    outer.most_under_way = max(outer.most_under_way, outer.under_way)
                try:
                    outer.answer(self)
                except OSError:
                    pass  # who asked has gone
                finally:
                    with outer.lock:
                        outer.under_way -= 1

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1/embeddings"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, handler):
        asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        texts, said = asked["input"], handler.headers.get("Authorization")
        with self.lock:
            self.requests.append((time.monotonic(), len(texts), said))
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(self.embed(texts))]
        answer = (200, {}, {"object": "list", "model": asked.get("model"), "data": data[::-1]})
        if self.key and said != f"Bearer {self.key}":
            # As some do: the key that was sent is in the answer.
            answer = (401, {}, {"error": {"message": f"Incorrect API key provided: {said}"}})
        elif self.behaviour:
            answer = self.behaviour(texts, answer)
        status, headers, body = answer
        if answer[0] == 200 and not isinstance(body, bytes) and len(body.get("data", [])) == len(texts):
            with self.lock:
                self.paid.update(texts)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
