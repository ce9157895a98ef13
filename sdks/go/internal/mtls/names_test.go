package mtls

import (
	"crypto/x509"
	"net/url"
	"testing"
)

func TestNamesAreThoseOfTheStandard(t *testing.T) {
	for _, name := range []string{
		"host.example.org", "spiffe://example.org", "spiffe://example.org/*", "spiffe://a/b/*", "spiffe://a/..b",
	} {
		if !isName(name) {
			t.Error(name)
		}
	}
	for _, name := range []string{
		"", "10.0.0.1", "a b", "*.a", "spiffe:", "spiffe://", "spiffe:///a", "spiffe://A/b", "spiffe://a/", "spiffe://a//b",
		"spiffe://a/../b", "spiffe://a/b*", "spiffe://a:1/b", "spiffe://a/b\n", "spiffe://a/*/b",
	} {
		if isName(name) {
			t.Error(name)
		}
	}
}

func certificateFor(uris ...string) *x509.Certificate {
	certificate := &x509.Certificate{DNSNames: []string{"*.example.org"}}
	for _, uri := range uris {
		parsed, err := url.Parse(uri)
		if err != nil {
			panic(err)
		}
		certificate.URIs = append(certificate.URIs, parsed)
	}
	return certificate
}

func TestACertificateHasAName(t *testing.T) {
	svid := certificateFor("spiffe://a/b/c")
	for _, name := range []string{"spiffe://a", "spiffe://a/*", "spiffe://a/b/*", "spiffe://a/b/c", "Host.example.org"} {
		if !hasName(svid, []string{"x", name}) {
			t.Error(name)
		}
	}
	for _, name := range []string{"spiffe://a/b", "spiffe://a/b/c/*", "spiffe://ab", "example.org", "a.b.example.org"} {
		if hasName(svid, []string{name}) {
			t.Error(name)
		}
	}
	any := []string{"spiffe://a", "spiffe://a/b"}
	signing := certificateFor("spiffe://a/b")
	signing.IsCA = true
	for _, other := range []*x509.Certificate{
		certificateFor("spiffe://a/b", "spiffe://a/c"), certificateFor("spiffe://a"), certificateFor("spiffe://A/b"),
		certificateFor("spiffe://a/b/"), certificateFor("https://a/b"), certificateFor("spiffe://u@a/b"), signing,
	} {
		if hasName(other, any) {
			t.Error(other.URIs)
		}
	}
}
