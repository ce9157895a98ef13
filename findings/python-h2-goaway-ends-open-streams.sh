#!/usr/bin/env bash
# h2 4.4.1 (Python): a GOAWAY that names the open stream as its last one, without an error, leaves that stream open by RFC 9113,
# section 6.8. h2 takes it for the end of the connection: it reads no more frames of the stream, and refuses to send any.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check h2==4.4.1 hpack==4.2.0 hyperframe==6.1.0
cat >goaway.py <<'PY'
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

client = H2Connection(H2Configuration(client_side=True))
server = H2Connection(H2Configuration(client_side=False))
client.initiate_connection()
server.initiate_connection()
server.receive_data(client.data_to_send())
client.receive_data(server.data_to_send())
client.send_headers(1, [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/")])
server.receive_data(client.data_to_send())
server.send_headers(1, [(":status", "200")])
client.receive_data(server.data_to_send())

goaway = GoAwayFrame(stream_id=0, last_stream_id=1, error_code=0)
server.send_data(1, b"still here", end_stream=True)
for event in client.receive_data(goaway.serialize()):
    print(type(event).__name__, "last stream", event.last_stream_id, "error", int(event.error_code))
for what, act in {
    "receive data": lambda: client.receive_data(server.data_to_send()),
    "send data": lambda: client.send_data(1, b"more"),
}.items():
    try:
        act()
        print(f"{what}: allowed")
    except ProtocolError as error:
        print(f"{what}: {type(error).__name__}")
PY
env/bin/python goaway.py | tee seen
[ "$(cat seen)" = "ConnectionTerminated last stream 1 error 0
receive data: ProtocolError
send data: ProtocolError" ]
