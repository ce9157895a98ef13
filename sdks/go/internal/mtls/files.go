// Package mtls has the certificates that a plugin shows and trusts, in files that are read anew.
package mtls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"servehttp.example/sdks/go/internal/fault"
)

// Files are where the certificates are, in PEM, and which names a host must have.
type Files struct {
	CertFile, KeyFile, CAFile string
	SubjectAltNames           []string
}

// Variables are those of the environment; those that are not set are nil.
type Variables struct {
	CertFile, KeyFile, CAFile, SubjectAltNames *string
}

// FromEnvironment makes files of the variables; nil where none is set. One that is empty would by
// mistake let everybody in, and is an error.
func FromEnvironment(variables Variables) (*Files, error) {
	given := []struct {
		name  string
		value *string
	}{
		{"SERVEHTTP_TLS_CERT_FILE", variables.CertFile},
		{"SERVEHTTP_TLS_KEY_FILE", variables.KeyFile},
		{"SERVEHTTP_TLS_CA_FILE", variables.CAFile},
		{"SERVEHTTP_TLS_SUBJECT_ALT_NAMES", variables.SubjectAltNames},
	}
	values := make([]string, len(given))
	isSet := false
	for at, one := range given {
		if one.value == nil {
			continue
		}
		isSet = true
		values[at] = strings.TrimSpace(*one.value)
		if values[at] == "" {
			return nil, invalid("%s is empty: give it a value, or leave it out", one.name)
		}
	}
	if !isSet {
		return nil, nil
	}
	if values[0] == "" || values[1] == "" {
		return nil, invalid("TLS needs SERVEHTTP_TLS_CERT_FILE and SERVEHTTP_TLS_KEY_FILE")
	}
	files := &Files{CertFile: values[0], KeyFile: values[1], CAFile: values[2]}
	if values[3] != "" {
		for name := range strings.SplitSeq(values[3], ",") {
			files.SubjectAltNames = append(files.SubjectAltNames, strings.TrimSpace(name))
		}
	}
	return files, nil
}

// Server is TLS of a plugin that listens.
type Server struct {
	files  Files
	logger *slog.Logger

	mu     sync.Mutex
	config *tls.Config
	stamp  []os.FileInfo
	told   string
}

// NewServer reads the files. The error says in one line why they can't be used.
func NewServer(files Files, logger *slog.Logger) (*Server, error) {
	for _, name := range files.SubjectAltNames {
		if !isName(name) {
			return nil, invalid("SubjectAltNames has %q: allowed are %s", name, nameForms)
		}
	}
	if len(files.SubjectAltNames) > 0 && files.CAFile == "" {
		return nil, invalid("SubjectAltNames needs an authority that hosts must be certified by: CAFile, SERVEHTTP_TLS_CA_FILE")
	}
	s := &Server{files: files, logger: logger}
	var err error
	if s.stamp, err = s.stampNow(); err == nil {
		s.config, err = s.read()
	}
	if err != nil {
		return nil, invalid("TLS can't be used: %s", err)
	}
	return s, nil
}

// Config is that of a listener, whose connections each get the newest one.
func (s *Server) Config() *tls.Config {
	config := s.config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.newest(), nil }
	return config
}

// RefusalOf says why the host on a connection is not let in. It is empty where it is.
func (s *Server) RefusalOf(state tls.ConnectionState) string {
	names := s.files.SubjectAltNames
	if len(names) == 0 || len(state.PeerCertificates) > 0 && hasName(state.PeerCertificates[0], names) {
		return ""
	}
	if len(state.PeerCertificates) == 0 {
		return "this plugin wants one, and the host has shown none"
	}
	return fmt.Sprintf("it is for %s, which is none of the names that this plugin allows (SubjectAltNames)",
		namesOf(state.PeerCertificates[0]))
}

// newest reads the files where they have changed, whatever way: written, renamed, or behind another
// link. What can't be used changes nothing.
func (s *Server) newest() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp, err := s.stampNow()
	if err == nil && !slices.EqualFunc(stamp, s.stamp, isSame) {
		var config *tls.Config
		if config, err = s.read(); err == nil {
			s.config, s.stamp, s.told = config, stamp, ""
			s.logger.Info("new connections use the new certificate")
		}
	}
	if err != nil && s.told != err.Error() {
		s.told = err.Error()
		s.logger.Warn(s.told + "; the certificates from before stay in use")
	}
	return s.config
}

func isSame(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (s *Server) stampNow() ([]os.FileInfo, error) {
	var stamp []os.FileInfo
	for _, path := range []string{s.files.CertFile, s.files.KeyFile, s.files.CAFile} {
		if path == "" {
			continue
		}
		found, err := os.Stat(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		stamp = append(stamp, found)
	}
	return stamp, nil
}

func (s *Server) read() (*tls.Config, error) {
	config, err := s.readOnce()
	if err != nil {
		// The files may just be exchanged, of which only the first was the old one.
		return s.readOnce()
	}
	return config, nil
}

func (s *Server) readOnce() (*tls.Config, error) {
	files := s.files
	cert, err := readCertificates(files.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(files.KeyFile)
	if err != nil {
		return nil, fileError(files.KeyFile, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %s", files.CertFile, files.KeyFile, strings.TrimPrefix(err.Error(), "tls: "))
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{"h2"},
		// Hosts resume no sessions, and a ticket would outlive the certificates.
		SessionTicketsDisabled: true,
	}
	if files.CAFile != "" {
		ca, err := readCertificates(files.CAFile)
		if err != nil {
			return nil, err
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(ca)
	}
	return config, nil
}

// readCertificates reads a file that is whole: the standard library would use what there is of one
// that is half written.
func readCertificates(path string) ([]byte, error) {
	octets, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	begun := bytes.Count(octets, []byte("-----BEGIN CERTIFICATE-----"))
	if begun == 0 {
		return nil, fmt.Errorf("%s: no certificate in PEM", path)
	}
	for rest := octets; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); block.Type == "CERTIFICATE" && err == nil {
			begun--
		}
	}
	if begun != 0 {
		return nil, fmt.Errorf("%s: it ends, or is broken, within a certificate", path)
	}
	return octets, nil
}

func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: no permission to read it", path)
	}
	return err
}

func invalid(format string, arguments ...any) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf(format, arguments...))
}
