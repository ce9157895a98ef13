"""The command ``servehttp-plugin``, and what it says where something is wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .test_process import until_it_listens

APPS = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shut down", flush=True)
        await send({"type": "lifespan.shutdown.complete"})

def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]

async def handler(request, response):
    pass

async def never(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})

text = "text"
"""


def start(tmp_path: Path, *args: str) -> subprocess.Popen[str]:
    (tmp_path / "apps.py").write_text(APPS)
    (tmp_path / "none.py").write_text("text = 'text'\n")
    (tmp_path / "beside.py").write_text(APPS.replace("app(", "other("))
    (tmp_path / "hand.py").write_text("from beside import handler as serve_http\n")
    (tmp_path / "web.py").write_text("from beside import wsgi as application\n")
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    clean = {name: value for name, value in os.environ.items() if "SERVEHTTP" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "servehttp", *args],
        cwd=tmp_path,
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("args", "code", "line"),
    [
        (["apps:other"], 2, 'the module "apps" has no "other"'),
        (["nowhere:app"], 2, 'there is no module "nowhere" here'),
        (["apps:"], 2, '"apps:" is no application: give MODULE:NAME, such as main:app'),
        (["apps:text"], 2, '"apps:text" is a str, which can\'t be called'),
        (["apps:wsgi"], 2, '"apps:wsgi" looks like a WSGI application: start it with --wsgi'),
        (["apps:handler"], 2, "looks like a handler of servehttp: start it with --handler"),
        (["--wsgi", "apps:app"], 2, '"apps:app" looks like an ASGI application: leave out --wsgi'),
        (["broken:app"], 1, 'the module of "broken:app" does not import'),
        (["apps:never", "--listen", "unix:s"], 1, "the application did not start: no database"),
        (["nowhere.py"], 2, 'there is no file "nowhere.py"'),
        (["none.py"], 2, '"none.py" has none of these: an app, an application (ASGI or WSGI) or a'),
        (["broken.py"], 1, 'the module of "broken.py" does not import'),
        (["apps:app"], 2, "This is a servehttp plugin: let a host start it, or run it by hand as"),
    ],
)
def test_a_mistake_is_said_in_the_last_line(
    tmp_path: Path, args: list[str], code: int, line: str
) -> None:
    with start(tmp_path, *args) as process:
        _, err = process.communicate()
    assert (process.returncode, line in err.splitlines()[-1]) == (code, True), err
    assert (err.count("\n") > 1) == args[0].startswith("broken")


@pytest.mark.parametrize("target", ["broken:app", "broken.py"])
def test_the_traceback_of_a_module_begins_in_the_module(tmp_path: Path, target: str) -> None:
    with start(tmp_path, target) as process:
        _, err = process.communicate()
    first, second, *_ = err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert 'broken.py", line 1' in second


@pytest.mark.parametrize(
    ("args", "out"),
    [
        (["apps"], "shut down\n"),
        (["--wsgi", "apps:wsgi"], ""),
        (["--handler", "apps:handler"], ""),
        (["apps.py"], "shut down\n"),
        (["web.py"], ""),
        (["hand.py"], ""),
    ],
)
def test_it_serves_until_a_signal(tmp_path: Path, args: list[str], out: str) -> None:
    path = f"{tmp_path}/s"
    with start(tmp_path, *args, f"--listen=unix:{path}") as process:
        until_it_listens(process, path)
        process.send_signal(signal.SIGTERM)
        printed, err = process.communicate()
    assert (process.returncode, printed, err) == (0, out, "")
