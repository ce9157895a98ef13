#!/usr/bin/env bash
# uvloop 0.23.0: the transport that a protocol gets of uvloop is no instance of asyncio.Transport, nor of any other class of asyncio's
# transports, though it has all their methods. A type check that asyncio's own loop passes fails.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check uvloop==0.23.0
cat >transports.py <<'PY'
import asyncio
import uvloop


async def kinds():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    kinds = [isinstance(transport, getattr(asyncio, name)) for name in ("Transport", "WriteTransport", "BaseTransport")]
    transport.close()
    server.close()
    return kinds


print("asyncio", asyncio.run(kinds()))
print("uvloop", uvloop.run(kinds()))
PY
env/bin/python transports.py | tee seen
[ "$(cat seen)" = "asyncio [True, True, True]
uvloop [False, False, False]" ]
