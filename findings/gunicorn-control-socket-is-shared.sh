#!/usr/bin/env bash
# gunicorn 27.0.1: every server listens on a control socket that nobody asked for, at one path for all servers of a user: gunicorn.ctl in
# $XDG_RUNTIME_DIR, or else in ~/.gunicorn. The second one takes the path away from the first without a word in either's log, so that
# `gunicornc` speaks to another server than before, and removes it when it ends: then the first can be controlled no more. Whoever runs
# more than one, such as a plugin each, gives each a --control-socket of its own, or says --no-control-socket.
set -euo pipefail
work=$(mktemp -d)
trap 'kill ${servers:-} 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check gunicorn==27.0.1
cat >app.py <<'PY'
def app(environ, start_response):
    start_response("204 No Content", [])
    return []
PY
export HOME=$work
unset XDG_RUNTIME_DIR
serve() { # serve NAME: starts a server, and waits until it is under control
  env/bin/gunicorn --bind "unix:$1.sock" app:app 2>"$1.log" &
  servers="${servers:-} $!"
  timeout 30 bash -c "until grep -q 'Control socket listening' $1.log; do sleep 0.1; done"
}
controlled() { env/bin/gunicornc -c "show listeners" 2>&1 | grep -oE '[a-z]+\.sock|No such file' || true; }
{
  serve first
  echo "one server: $(controlled)"
  serve second
  echo "two servers: $(controlled)"
  kill "${servers##* }"
  wait "${servers##* }" || true
  echo "the first one again: $(controlled)"
  kill -0 ${servers% *} && echo "it runs"
  grep -iE "warning|error" first.log second.log || echo "no warning"
} >seen
cat seen
diff seen - <<'EXPECTED'
one server: first.sock
two servers: second.sock
the first one again: No such file
it runs
no warning
EXPECTED
