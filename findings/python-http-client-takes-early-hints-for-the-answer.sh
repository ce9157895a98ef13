#!/usr/bin/env bash
# Python 3.11 to 3.13: `http.client` skips a 100 alone. It gives any other informational response (103, 102) to its caller as the
# answer, without a body, and urllib3 2.8.0 and requests 2.34.2, which stand on it, do the same. httpx 0.28.1 waits for the final one.
# RFC 9110, section 15.2, wants a client to read informational responses that it does not expect. So a service whose clients are scripts
# in Python must not send early hints to whom it does not know to be a browser.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check urllib3==2.8.0 requests==2.34.2 httpx==0.28.1
cat >seen.py <<'PY'
import http.client, socket, threading
import httpx, requests, urllib3

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

def of_http_client(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    response = connection.getresponse()
    return response.status, response.read()

def of_urllib3(port):
    response = urllib3.PoolManager().request("GET", f"http://127.0.0.1:{port}/", retries=False)
    return response.status, response.data

def of_requests(port):
    response = requests.get(f"http://127.0.0.1:{port}/")
    return response.status_code, response.content

def of_httpx(port):
    response = httpx.get(f"http://127.0.0.1:{port}/")
    return response.status_code, response.content

def answered(client, sent):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with listener.accept()[0] as peer:
                while not peer.recv(4096).endswith(b"\r\n\r\n"):
                    pass
                peer.sendall(sent + ANSWER)
        threading.Thread(target=serve, daemon=True).start()
        status, body = client(listener.getsockname()[1])
        return f"{status} {body.decode()!r}"

for name, client in {
    "http.client": of_http_client,
    "urllib3": of_urllib3,
    "requests": of_requests,
    "httpx": of_httpx,
}.items():
    print(f"{name}: behind a 100 {answered(client, CONTINUE)}, behind a 103 {answered(client, HINT)}")
PY
NO_PROXY=127.0.0.1 env/bin/python seen.py | tee seen
diff seen - <<'EXPECTED'
http.client: behind a 100 200 'whole', behind a 103 103 ''
urllib3: behind a 100 200 'whole', behind a 103 103 ''
requests: behind a 100 200 'whole', behind a 103 103 ''
httpx: behind a 100 200 'whole', behind a 103 200 'whole'
EXPECTED
