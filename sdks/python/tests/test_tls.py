"""TLS: whom the plugin lets in, what it tells others, and certificates that are exchanged."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from servehttp import (
    PluginRequest,
    ResponseWriter,
    RunningPlugin,
    ServeHTTPError,
    TlsFiles,
    start_plugin,
)
from servehttp.carrier.frames import GOAWAY, PREFACE, SETTINGS, settings_frame
from servehttp.serve.settings import read_settings, take_host_variables
from servehttp.tls.subject_alt_names import has_subject_alt_name, is_subject_alt_name

HOST = "URI:spiffe://example.org/ns/hosts/sa/host"


class Authority:
    """Signs certificates by the openssl command."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self.ca = directory / f"{name}.ca"
        self._openssl(
            "req", "-x509", *NEW_KEY, f"{name}.ca-key", "-out", self.ca.name, "-subj", f"/CN={name}"
        )

    def issue(self, name: str, names: str, days: int = 2) -> tuple[Path, Path]:
        """A certificate and its key."""
        files = (
            self.directory / f"{name}.{self.name}.crt",
            self.directory / f"{name}.{self.name}.key",
        )
        (self.directory / "names").write_text(f"subjectAltName={names}\n")
        self._openssl("req", *NEW_KEY, files[1].name, "-out", "csr", "-subj", f"/CN={name}")
        signed_by = ["-CA", self.ca.name, "-CAkey", f"{self.name}.ca-key", "-CAcreateserial"]
        out = ["-extfile", "names", "-out", files[0].name, "-days", str(days)]
        self._openssl("x509", "-req", "-in", "csr", *signed_by, *out)
        return files

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)


NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"]


async def hello(request: PluginRequest, response: ResponseWriter) -> None:
    await response.end("hello")


async def serving(tls: TlsFiles) -> RunningPlugin:
    return await start_plugin(hello, address="127.0.0.1:0", tls=tls)


class Seen:
    """What a host sees of a plugin."""

    frames: dict[int, bytes]
    serial: str
    alert: str

    def __init__(self) -> None:
        self.frames, self.serial, self.alert = {}, "", ""


async def connect(
    plugin: RunningPlugin, ca: Path, identity: tuple[Path, Path] | None = None
) -> Seen:
    """Connects as a host, and reads until there is SETTINGS and what follows, or a refusal."""
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["h2"])
    if identity is not None:
        context.load_cert_chain(*identity)
    host, port = plugin.address.split(":")
    seen = Seen()
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert()
    seen.serial = certificate["serialNumber"]
    try:
        writer.write(PREFACE + settings_frame([]))
        # The SETTINGS of a plugin that serves say something; those of a refusal are empty.
        while GOAWAY not in seen.frames and not seen.frames.get(SETTINGS):
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            seen.frames[head[3]] = payload
    except ssl.SSLError as error:
        seen.alert = error.reason or ""
    finally:
        writer.transport.abort()
    return seen


def files_in(directory: Path, name: str) -> TlsFiles:
    return TlsFiles(directory / f"{name}.crt", directory / f"{name}.key", directory / f"{name}.ca")


def put(files: TlsFiles, identity: tuple[Path, Path], ca: str) -> None:
    """Exchanges the files, each by a rename."""
    contents = [identity[0].read_text(), identity[1].read_text(), ca]
    targets = [files.cert_file, files.key_file, files.ca_file]
    for target, content in zip(targets, contents):
        assert target is not None
        fresh = Path(f"{os.fspath(target)}.new")
        fresh.write_text(content)
        fresh.rename(target)


async def test_hosts_are_let_in_by_their_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    own = authority.issue("plugin", "DNS:localhost,IP:127.0.0.1")
    host = authority.issue("host", f"{HOST},DNS:host.example.org")
    names = ["spiffe://example.org/ns/hosts/*", "other.example.org"]
    async with await serving(TlsFiles(*own, authority.ca, names)) as plugin:
        seen = await connect(plugin, authority.ca, host)
        assert seen.frames[SETTINGS] and GOAWAY not in seen.frames
        other = authority.issue("other", "URI:spiffe://example.org/ns/others/sa/host")
        why = (await connect(plugin, authority.ca, other)).frames[GOAWAY]
        assert why[4:8] == b"\0\0\0\x0c"
        assert why[8:].decode() == (
            "it is for URI:spiffe://example.org/ns/others/sa/host, which is none of the names that "
            "this plugin allows (subject_alt_names)"
        )


async def test_other_hosts_are_told_by_an_alert(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path, "ca"), Authority(tmp_path, "stranger")
    own = authority.issue("plugin", "DNS:localhost,IP:127.0.0.1")
    async with await serving(TlsFiles(*own, authority.ca)) as plugin:
        assert (await connect(plugin, authority.ca)).alert == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        unknown = await connect(plugin, authority.ca, stranger.issue("host", HOST))
        assert unknown.alert == "TLSV1_ALERT_UNKNOWN_CA"
        old = await connect(plugin, authority.ca, authority.issue("old", HOST, days=-1))
        assert old.alert == "SSLV3_ALERT_CERTIFICATE_EXPIRED"


async def test_certificates_are_exchanged_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    names = "DNS:localhost,IP:127.0.0.1"
    files = files_in(tmp_path, "mounted")
    put(files, first.issue("plugin", names), first.ca.read_text())
    async with await serving(files) as plugin:
        before = await connect(plugin, first.ca, first.issue("host", HOST))
        assert before.frames[SETTINGS]
        whole = second.issue("plugin", names)
        put(files, whole, second.ca.read_text())
        after = await connect(plugin, second.ca, second.issue("host", HOST))
        assert after.frames[SETTINGS] and after.serial != before.serial
        # Nobody of the first authority is let in any more.
        refused = await connect(plugin, second.ca, first.issue("host", HOST))
        assert refused.alert == "TLSV1_ALERT_UNKNOWN_CA"
        break_it: list[tuple[Callable[[], object], str]] = [
            (lambda: Path(files.cert_file).write_text(""), "no certificate in PEM"),
            (lambda: Path(files.key_file).write_text(""), "or an encrypted key"),
            (lambda: Path(files.key_file).unlink(), "no such file"),
        ]
        for step, why in break_it:
            put(files, whole, second.ca.read_text())
            await connect(plugin, second.ca, second.issue("host", HOST))
            caplog.clear()
            step()
            kept = await connect(plugin, second.ca, second.issue("host", HOST))
            assert kept.frames[SETTINGS] and kept.serial == after.serial
            assert f"{why}; the certificates from before stay in use" in caplog.text


async def test_files_that_can_not_be_used_are_said_at_the_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    own = authority.issue("plugin", "DNS:localhost")
    other = authority.issue("other", "DNS:localhost")
    for files, message in [
        (TlsFiles(tmp_path / "missing", own[1]), f"cert_file {tmp_path}/missing: no such file"),
        (TlsFiles(own[0], other[1]), "the key is not the certificate's"),
    ]:
        with pytest.raises(ServeHTTPError, match=message):
            await serving(files)


def test_the_environment_names_files_for_a_port() -> None:
    environment = {
        "SERVEHTTP_TLS_CERT_FILE": "/tls/tls.crt",
        "SERVEHTTP_TLS_KEY_FILE": "/tls/tls.key",
        "SERVEHTTP_TLS_CA_FILE": "/tls/ca.crt",
        "SERVEHTTP_TLS_SUBJECT_ALT_NAMES": "spiffe://example.org/ns/*, host",
    }
    files = TlsFiles(
        "/tls/tls.crt", "/tls/tls.key", "/tls/ca.crt", ("spiffe://example.org/ns/*", "host")
    )
    taken = dict(environment)
    variables = take_host_variables(taken)
    assert taken == {}
    assert read_settings("0.0.0.0:1", None, None, variables, []).tls == files
    assert read_settings("unix:/s", None, None, variables, []).tls is None
    for changed, message in [
        ({"SERVEHTTP_TLS_CA_FILE": ""}, "SERVEHTTP_TLS_CA_FILE is empty"),
        ({"SERVEHTTP_TLS_SUBJECT_ALT_NAMES": "spiffe://X"}, "allowed are DNS names"),
    ]:
        with pytest.raises(ServeHTTPError, match=message):
            read_settings("a:1", None, None, take_host_variables({**environment, **changed}), [])
    for missing in ("SERVEHTTP_TLS_CERT_FILE", "SERVEHTTP_TLS_CA_FILE"):
        rest = {name: value for name, value in environment.items() if name != missing}
        with pytest.raises(ServeHTTPError, match="needs"):
            read_settings("a:1", None, None, take_host_variables(rest), [])


def test_names_are_those_of_the_spiffe_standard() -> None:
    for name in ["host.example.org", "spiffe://example.org", "spiffe://a/b/*", "spiffe://a/..b"]:
        assert is_subject_alt_name(name), name
    for name in [
        "",
        "10.0.0.1",
        "spiffe://A/b",
        "spiffe://a/",
        "spiffe://a/../b",
        "spiffe://a/b\n",
    ]:
        assert not is_subject_alt_name(name), name
    svid = {"subjectAltName": (("URI", "spiffe://a/b/c"), ("DNS", "*.example.org"))}
    for name in ["spiffe://a", "spiffe://a/b/*", "spiffe://a/b/c", "Host.example.org"]:
        assert has_subject_alt_name(svid, ["x", name]), name
    for name in [
        "spiffe://a/b",
        "spiffe://a/b/c/*",
        "spiffe://ab",
        "example.org",
        "a.b.example.org",
    ]:
        assert not has_subject_alt_name(svid, [name]), name
    two = {"subjectAltName": (("URI", "spiffe://a/b"), ("URI", "spiffe://a/c"))}
    assert not has_subject_alt_name(two, ["spiffe://a"])
