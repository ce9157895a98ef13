#!/usr/bin/env bash
# asyncio of Python 3.11 to 3.13: a server whose TLS handshake fails closes the connection without the alert that OpenSSL has written.
# A client without a certificate, which the server wants, sees the connection end, and not why. `ssl` on a socket sends the alert.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
cat >seen.py <<'PY'
import asyncio, socket, ssl, threading

def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert", "key")
    context.load_verify_locations("cert")
    context.verify_mode = ssl.CERT_REQUIRED
    return context

def seen_at(port):
    context = ssl.create_default_context(cafile="cert")
    with socket.create_connection(("127.0.0.1", port)) as raw:
        try:
            with context.wrap_socket(raw, server_hostname="localhost") as secure:
                return "the end" if secure.recv(1) == b"" else "data"
        except ssl.SSLError as error:
            return error.reason
        except OSError as error:
            return type(error).__name__

def of_socket():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            raw, _ = listener.accept()
            try:
                server_context().wrap_socket(raw, server_side=True)
            except ssl.SSLError:
                raw.recv(1)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return seen_at(listener.getsockname()[1])

async def of_asyncio():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]
    return await asyncio.to_thread(seen_at, port)

print(f"a socket: {of_socket()}, asyncio: {asyncio.run(of_asyncio())}")
PY
seen=$(python3 -W ignore seen.py 2>/dev/null)
echo "$seen"
case $seen in
"a socket: TLSV13_ALERT_CERTIFICATE_REQUIRED, asyncio: the end" | "a socket: TLSV13_ALERT_CERTIFICATE_REQUIRED, asyncio: SSLEOFError" | "a socket: TLSV13_ALERT_CERTIFICATE_REQUIRED, asyncio: UNEXPECTED_EOF_WHILE_READING" | "a socket: TLSV13_ALERT_CERTIFICATE_REQUIRED, asyncio: ConnectionResetError") ;;
*) exit 1 ;;
esac
