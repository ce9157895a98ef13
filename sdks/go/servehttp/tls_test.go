package servehttp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const hostID = "spiffe://example.org/ns/hosts/sa/host"

// testAuthority signs certificates.
type testAuthority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newTestAuthority(t *testing.T) *testAuthority {
	a := &testAuthority{t: t, key: newTestKey(t)}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.pem = a.sign(template, template, &a.key.PublicKey)
	a.certificate = template
	block, _ := pem.Decode(a.pem)
	a.certificate, _ = x509.ParseCertificate(block.Bytes)
	return a
}

func newTestKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *testAuthority) sign(template, parent *x509.Certificate, key *ecdsa.PublicKey) []byte {
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	template.Subject = pkix.Name{CommonName: "test"}
	template.NotBefore = time.Now().Add(-72 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue signs a certificate for a URI, which may be empty, and localhost.
func (a *testAuthority) issue(uri string, notAfter time.Time) (cert, key []byte) {
	template := &x509.Certificate{DNSNames: []string{"localhost"}, NotAfter: notAfter}
	if uri != "" {
		parsed, err := url.Parse(uri)
		if err != nil {
			a.t.Fatal(err)
		}
		template.URIs = []*url.URL{parsed}
	}
	own := newTestKey(a.t)
	der, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.sign(template, a.certificate, &own.PublicKey),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func (a *testAuthority) host(uri string) *tls.Certificate {
	pair, err := tls.X509KeyPair(a.issue(uri, time.Time{}))
	if err != nil {
		a.t.Fatal(err)
	}
	return &pair
}

// mountedFiles are those of a plugin.
type mountedFiles struct {
	TLSFiles
	t *testing.T
}

func newMountedFiles(t *testing.T) *mountedFiles {
	directory := t.TempDir()
	at := func(name string) string { return filepath.Join(directory, name) }
	return &mountedFiles{TLSFiles{CertFile: at("tls.crt"), KeyFile: at("tls.key"), CAFile: at("ca.crt")}, t}
}

// write exchanges the files, each by a rename.
func (m *mountedFiles) write(cert, key, ca []byte) {
	for path, content := range map[string][]byte{m.CertFile: cert, m.KeyFile: key, m.CAFile: ca} {
		if err := os.WriteFile(path+".new", content, 0o600); err != nil {
			m.t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			m.t.Fatal(err)
		}
	}
}

// connectTLS connects as a host, and returns what the plugin says, and its certificate. A refusal is
// an error, or a GOAWAY whose text it is.
func connectTLS(t *testing.T, path string, authority *testAuthority, own *tls.Certificate) (string, *x509.Certificate) {
	t.Helper()
	raw, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost", NextProtos: []string{"h2"}}
	config.RootCAs.AddCert(authority.certificate)
	if own != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
	}
	conn := tls.Client(raw, config)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if err := conn.Handshake(); err != nil {
		return err.Error(), nil
	}
	shown := conn.ConnectionState().PeerCertificates[0]
	_, _ = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return err.Error(), shown
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(conn, payload); err != nil {
			return err.Error(), shown
		}
		switch {
		case head[3] == 7:
			if payload[7] != 0xc {
				t.Error("the code of GOAWAY is", payload[7])
			}
			return string(payload[8:]), shown
		case head[3] == 4 && len(payload) > 0:
			// The SETTINGS of a refusal are empty.
			return "served", shown
		}
	}
}

func TestHostsAreLetInByTheirCertificates(t *testing.T) {
	authority, stranger := newTestAuthority(t), newTestAuthority(t)
	files := newMountedFiles(t)
	cert, key := authority.issue("", time.Time{})
	files.write(cert, key, authority.pem)
	files.SubjectAltNames = []string{"spiffe://example.org/ns/hosts/*", "other"}
	var log bytes.Buffer
	p := startPlugin(t, Plugin{TLSFiles: &files.TLSFiles, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	old, err := tls.X509KeyPair(authority.issue(hostID, time.Now().Add(-time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		name, want string
		own        *tls.Certificate
	}{
		{"allowed", "served", authority.host(hostID)},
		{"other id", "it is for URI:spiffe://example.org/ns/x, DNS:localhost, which is none of the names that this plugin allows (SubjectAltNames)", authority.host("spiffe://example.org/ns/x")},
		{"none", "remote error: tls: certificate required", nil},
		{"stranger", "remote error: tls: unknown certificate authority", stranger.host(hostID)},
		{"old", "remote error: tls: expired certificate", &old},
	} {
		if said, _ := connectTLS(t, p.path, authority, one.own); said != one.want {
			t.Errorf("%s: %s", one.name, said)
		}
	}
}

func TestCertificatesAreExchangedWithoutARestart(t *testing.T) {
	first, second := newTestAuthority(t), newTestAuthority(t)
	files := newMountedFiles(t)
	cert, key := first.issue("", time.Time{})
	files.write(cert, key, first.pem)
	p := startPlugin(t, Plugin{TLSFiles: &files.TLSFiles})
	said, before := connectTLS(t, p.path, first, first.host(hostID))
	if said != "served" {
		t.Fatal(said)
	}
	cert, key = second.issue("", time.Time{})
	files.write(cert, key, second.pem)
	said, after := connectTLS(t, p.path, second, second.host(hostID))
	if said != "served" || after.SerialNumber.Cmp(before.SerialNumber) == 0 {
		t.Fatal(said, after.SerialNumber)
	}
	if said, _ := connectTLS(t, p.path, second, first.host(hostID)); !strings.Contains(said, "unknown certificate authority") {
		t.Error(said)
	}
	otherCert, otherKey := second.issue("", time.Time{})
	for _, broken := range [][3][]byte{
		{otherCert, key, second.pem},
		{nil, otherKey, second.pem},
		{append(otherCert, otherCert[:200]...), otherKey, second.pem},
		{otherCert, nil, second.pem},
		{otherCert, otherKey, second.pem[:200]},
	} {
		files.write(broken[0], broken[1], broken[2])
		if said, kept := connectTLS(t, p.path, second, second.host(hostID)); said != "served" || kept.SerialNumber.Cmp(after.SerialNumber) != 0 {
			t.Error(said)
		}
	}
	files.write(otherCert, otherKey, second.pem)
	if _, now := connectTLS(t, p.path, second, second.host(hostID)); now.SerialNumber.Cmp(after.SerialNumber) == 0 {
		t.Error("the whole files are not used")
	}
}

func TestTLSOfTheEnvironmentIsForPorts(t *testing.T) {
	authority, files := newTestAuthority(t), newMountedFiles(t)
	cert, key := authority.issue("", time.Time{})
	files.write(cert, key, authority.pem)
	start := func(address string, variables map[string]string) error {
		for name, value := range map[string]string{"CERT_FILE": files.CertFile, "KEY_FILE": files.KeyFile, "CA_FILE": files.CAFile} {
			t.Setenv("SERVEHTTP_TLS_"+name, value)
		}
		for name, value := range variables {
			t.Setenv("SERVEHTTP_TLS_"+name, value)
		}
		running, err := (&Plugin{Address: address}).Start()
		if err != nil {
			return err
		}
		defer running.Close()
		conn, err := net.Dial(running.listener.Addr().Network(), running.listener.Addr().String())
		if err != nil {
			return err
		}
		defer conn.Close()
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).Handshake()
	}
	if err := start("127.0.0.1:0", nil); err != nil {
		t.Error(err)
	}
	for _, one := range []struct{ name, value, want string }{
		{"CA_FILE", "", "SERVEHTTP_TLS_CA_FILE is empty"},
		{"SUBJECT_ALT_NAMES", "spiffe://A/b", "allowed are DNS names"},
		{"KEY_FILE", "/nowhere", "/nowhere: no such file"},
	} {
		if err := start("127.0.0.1:0", map[string]string{one.name: one.value}); err == nil || !strings.Contains(err.Error(), one.want) {
			t.Error(one.name, err)
		}
	}
	both := Plugin{Address: "127.0.0.1:0", TLSConfig: &tls.Config{}, TLSFiles: &files.TLSFiles}
	if _, err := both.Start(); err == nil || !strings.Contains(err.Error(), "give one of them") {
		t.Error(err)
	}
}
