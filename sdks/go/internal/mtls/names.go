package mtls

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// nameForms is what may stand in a list of names, for messages.
const nameForms = `DNS names and SPIFFE IDs: "host.example.org", "spiffe://example.org/ns/hosts/sa/host", ` +
	`"spiffe://example.org/ns/hosts/*", or "spiffe://example.org" for its whole trust domain`

const (
	scheme = "spiffe://"
	// idBytesMax is that of SPIFFE-ID, section 2.3.
	idBytesMax = 2_048
)

var (
	trustDomain = regexp.MustCompile(`^[a-z0-9._-]{1,255}$`)
	segment     = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	dnsName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$`)
)

// isName: a DNS name; a SPIFFE ID, for all below it with "/*" at its end; a trust domain, for all that
// is in it.
func isName(text string) bool {
	if strings.HasPrefix(text, "spiffe:") {
		domain, path, hasPath := splitID(strings.TrimSuffix(text, "/*"))
		return trustDomain.MatchString(domain) && (!hasPath || isPath(path)) && len(text) <= idBytesMax
	}
	_, err := netip.ParseAddr(text)
	return err != nil && len(text) <= 253 && dnsName.MatchString(text)
}

// hasName says whether a certificate has one of the names. A SPIFFE ID counts only where the
// certificate is the leaf of an X.509-SVID: it has one URI and no other, with a path, and signs no
// others (X509-SVID, section 5.2).
func hasName(certificate *x509.Certificate, names []string) bool {
	id := spiffeID(certificate)
	for _, name := range names {
		if strings.HasPrefix(name, scheme) {
			if id != "" && isMember(id, name) {
				return true
			}
		} else if certificate.VerifyHostname(name) == nil {
			return true
		}
	}
	return false
}

// namesOf are the names of a certificate, for messages.
func namesOf(certificate *x509.Certificate) string {
	var found []string
	for _, uri := range certificate.URIs {
		found = append(found, "URI:"+uri.String())
	}
	for _, name := range certificate.DNSNames {
		found = append(found, "DNS:"+name)
	}
	for _, address := range certificate.IPAddresses {
		found = append(found, "IP Address:"+address.String())
	}
	if len(found) == 0 {
		return fmt.Sprintf("no name but its subject (%s)", certificate.Subject)
	}
	return strings.Join(found, ", ")
}

func spiffeID(certificate *x509.Certificate) string {
	if len(certificate.URIs) != 1 || certificate.IsCA ||
		certificate.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return ""
	}
	id := certificate.URIs[0].String()
	domain, path, hasPath := splitID(id)
	if !hasPath || !trustDomain.MatchString(domain) || !isPath(path) || len(id) > idBytesMax {
		return ""
	}
	return id
}

func splitID(text string) (domain, path string, hasPath bool) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

func isPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." || !segment.MatchString(part) {
			return false
		}
	}
	return true
}

func isMember(id, pattern string) bool {
	if below, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(id, below)
	}
	if _, _, hasPath := splitID(pattern); !hasPath {
		return strings.HasPrefix(id, pattern+"/")
	}
	return id == pattern
}
