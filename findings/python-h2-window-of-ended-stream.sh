#!/usr/bin/env bash
# h2 4.4.1 for Python reads all that came before it tells of the first of it. Whoever widens the window of a stream when told of its
# data, and has answered already, gets a KeyError where the end of the stream came with the data. It is none of h2's own errors.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check h2==4.4.1
cat >window.py <<'PY'
import h2.config
import h2.connection
import h2.events

host = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
plugin = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
host.initiate_connection()
plugin.initiate_connection()
plugin.receive_data(host.data_to_send())
host.receive_data(plugin.data_to_send())
head = [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "a")]
host.send_headers(1, head)
plugin.receive_data(host.data_to_send())
plugin.send_headers(1, [(":status", "200")], end_stream=True)
host.send_data(1, b"the rest of the upload", end_stream=True)
host.send_headers(3, head, end_stream=True)
for event in plugin.receive_data(host.data_to_send()):
    if isinstance(event, h2.events.DataReceived):
        try:
            plugin.increment_flow_control_window(22, 1)
        except Exception as error:
            print(type(error).__name__)
PY
env/bin/python window.py | tee seen
[ "$(cat seen)" = "KeyError" ]
