"""The plugin as a process of its own, and what it says where something is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import servehttp
from servehttp import ServeHTTPError
from servehttp.serve.settings import parse_address, read_settings, take_host_variables

PLUGIN = """
import asyncio, time
from servehttp import serve_plugin

async def serve_http(request, response):
    if request.url == "/block":
        time.sleep(2)

async def main():
    plugin = serve_plugin(serve_http)
    await plugin

asyncio.run(main())
"""


def start(
    tmp_path: Path, *args: str, env: dict[str, str] | None = None, fds: tuple[int, ...] = ()
) -> subprocess.Popen[str]:
    """Starts a plugin."""
    script = tmp_path / "plugin.py"
    script.write_text(PLUGIN)
    clean = {name: value for name, value in os.environ.items() if "SERVEHTTP" not in name}
    return subprocess.Popen(
        [sys.executable, str(script), *args],
        env={**clean, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=fds,
    )


def until_it_listens(process: subprocess.Popen[str], path: str) -> None:
    """Waits until a connection can be made."""
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
                return
            except OSError:
                continue
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize(
    ("args", "env", "line"),
    [
        ([], {}, "This is a servehttp plugin: let a host start it, or run it by hand as: python "),
        (["--listen", "nowhere"], {}, 'the address "nowhere" is neither '),
        ([], {"SERVEHTTP_ADDRESS": "unix:"}, 'the address "unix:" is neither '),
        (["--listen=unix:/nowhere/s"], {}, 'can\'t listen on "unix:/nowhere/s": its directory '),
        (["--listen=127.0.0.1:0"], {"SERVEHTTP_TOKEN": ""}, "the token must be visible ASCII "),
        (["--listen=127.0.0.1:0"], {"SERVEHTTP_HOST_FD": "x"}, 'SERVEHTTP_HOST_FD is "x", which '),
        (["--listen=127.0.0.1:0"], {"SERVEHTTP_HOST_FD": "99"}, 'SERVEHTTP_HOST_FD is "99", '),
        (["--listen=unix:" + "x" * 200], {}, "can't listen on "),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, args: list[str], env: dict[str, str], line: str
) -> None:
    with start(tmp_path, *args, env=env) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.startswith(line) and err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_no_socket(tmp_path: Path, number: signal.Signals) -> None:
    path = f"{tmp_path}/s"
    with start(tmp_path, env={"SERVEHTTP_ADDRESS": f"unix:{path}"}) as process:
        until_it_listens(process, path)
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (0, "", "")
    assert not os.path.exists(path)


def test_l6_it_ends_with_its_host(tmp_path: Path) -> None:
    path = f"{tmp_path}/s"
    ours, theirs = os.pipe()
    env = {"SERVEHTTP_ADDRESS": f"unix:{path}", "SERVEHTTP_HOST_FD": str(ours)}
    with start(tmp_path, env=env, fds=(ours,)) as process:
        os.close(ours)
        until_it_listens(process, path)
        os.close(theirs)
        process.communicate()
    assert process.returncode == 1
    assert not os.path.exists(path)


def test_it_takes_the_place_of_a_plugin_that_was_killed(tmp_path: Path) -> None:
    path = f"{tmp_path}/s"
    for end in (signal.SIGKILL, signal.SIGTERM):
        with start(tmp_path, "--listen", f"unix:{path}") as process:
            until_it_listens(process, path)
            process.send_signal(end)
            process.communicate()
        assert os.path.exists(path) == (end == signal.SIGKILL)
    with start(tmp_path, "--listen", f"unix:{path}") as first:
        until_it_listens(first, path)
        with start(tmp_path, "--listen", f"unix:{path}") as second:
            _, err = second.communicate()
        assert (
            err == f"can't listen on {json.dumps('unix:' + path)}: another process listens there\n"
        )
        until_it_listens(first, path)
        first.terminate()
        first.communicate()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    with start(tmp_path, "--listen", f"unix:{path}") as process:
        _, err = process.communicate()
    assert err.endswith(": there is a file that is not a socket\n")
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "text", ["unix:/run/notes.sock", "127.0.0.1:0", "localhost:8080", "[::1]:0", "a-1.b:65535"]
)
def test_an_address_is_read_and_written_as_it_was(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    "text", ["", "unix:", "8080", ":8080", "127.0.0.1", "127.0.0.1:65536", "256.0.0.1:80",
             "::1:80", "[::1]", "[localhost]:80", "http://127.0.0.1:80", "a b:80", "127.0.0.1:80\n"]
)  # fmt: skip
def test_an_address_that_can_not_be_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ServeHTTPError) as caught:
        parse_address(text)
    assert str(caught.value).startswith(f"the address {json.dumps(text)} is neither ")
    assert "\n" not in str(caught.value)


def test_l7_the_token_leaves_the_environment() -> None:
    environment = {"SERVEHTTP_ADDRESS": "unix:/s", "SERVEHTTP_TOKEN": "t", "PATH": "/bin"}
    variables = take_host_variables(environment)
    assert environment == {"PATH": "/bin"}
    settings = read_settings(None, None, None, variables, ["p.py", "--listen", "127.0.0.1:1"])
    assert (str(settings.address), settings.token) == ("unix:/s", "t")


def test_the_version_is_that_of_the_distribution() -> None:
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    match = re.search(r'^version = "(.*)"$', text, re.MULTILINE)
    assert match is not None and match.group(1) == servehttp.__version__


def test_a_python_that_is_too_old_is_told_so() -> None:
    program = "import sys; sys.version_info = (3, 9, 18, 'final', 0); import servehttp"
    run = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    line = "ImportError: servehttp needs Python 3.10 or later, and this is Python 3.9.18"
    assert (run.returncode, run.stderr.splitlines()[-1]) == (1, line)
