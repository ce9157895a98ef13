// Package process is the plugin as a process: where it listens, and how it ends.
package process

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/mtls"
)

// HostVariables are what a host tells a plugin that it starts. Those that are not set are empty.
type HostVariables struct {
	Address, Token, PluginID, HostFD string
	CallsAddress, CallsToken         string
	// HasToken: the token is set, which one that is empty by mistake is as well.
	HasToken bool
	// TLS is for a port.
	TLS mtls.Variables
}

// TakeHostVariables reads the variables of a host and removes them from the environment: programs
// that the plugin starts inherit that, and must have neither the token nor the address.
func TakeHostVariables() HostVariables {
	_, hasToken := os.LookupEnv("SERVEHTTP_TOKEN")
	take := func(name string) string {
		value := os.Getenv(name)
		os.Unsetenv(name)
		return value
	}
	takeSet := func(name string) *string {
		if _, ok := os.LookupEnv(name); !ok {
			return nil
		}
		value := take(name)
		return &value
	}
	return HostVariables{
		Address:      take("SERVEHTTP_ADDRESS"),
		Token:        take("SERVEHTTP_TOKEN"),
		HasToken:     hasToken,
		PluginID:     take("SERVEHTTP_PLUGIN_ID"),
		HostFD:       take("SERVEHTTP_HOST_FD"),
		CallsAddress: take("SERVEHTTP_CALLS_ADDRESS"),
		CallsToken:   take("SERVEHTTP_CALLS_TOKEN"),
		TLS: mtls.Variables{
			CertFile:        takeSet("SERVEHTTP_TLS_CERT_FILE"),
			KeyFile:         takeSet("SERVEHTTP_TLS_KEY_FILE"),
			CAFile:          takeSet("SERVEHTTP_TLS_CA_FILE"),
			SubjectAltNames: takeSet("SERVEHTTP_TLS_SUBJECT_ALT_NAMES"),
		},
	}
}

// Address is where to listen: a unix socket, or a host and a port.
type Address struct {
	// Network is "unix" or "tcp".
	Network string
	// Name is the path of the socket, or "host:port".
	Name string
}

// String is the address as hosts write it.
func (a Address) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Name
	}
	return a.Name
}

// ChooseAddress takes the first that is given: by the program, by the host, on the command line
// behind --listen.
func ChooseAddress(given, ofHost string, arguments []string) (Address, error) {
	text := given
	if text == "" {
		text = ofHost
	}
	if text == "" {
		text = listenArgument(arguments)
	}
	if text == "" {
		return Address{}, fault.New(fault.InvalidArgument, fmt.Sprintf(
			"This is a servehttp plugin: let a host start it, or run it by hand as: %s --listen 127.0.0.1:50051", programName(arguments)))
	}
	return ParseAddress(text)
}

func listenArgument(arguments []string) string {
	for at, argument := range arguments {
		name, value, hasValue := strings.Cut(argument, "=")
		if at == 0 || name != "--listen" && name != "-listen" {
			continue
		}
		if !hasValue && at+1 < len(arguments) {
			value = arguments[at+1]
		}
		if value != "" {
			return value
		}
	}
	return ""
}

func programName(arguments []string) string {
	if len(arguments) == 0 || strings.Contains(arguments[0], "go-build") {
		return "go run ."
	}
	return filepath.Clean(arguments[0])
}

var hostAndPort = regexp.MustCompile(`^(?:\[([^\]]+)\]|([^\[\]:]+)):([0-9]{1,5})$`)
var hostName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)
var digitsAndDots = regexp.MustCompile(`^[0-9.]+$`)

// ParseAddress reads "unix:/path", or "HOST:PORT" with IPv6 in brackets.
func ParseAddress(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok && path != "" && !strings.Contains(path, "\x00") {
		return Address{"unix", path}, nil
	}
	if found := hostAndPort.FindStringSubmatch(text); found != nil {
		port, _ := strconv.Atoi(found[3])
		if port <= 65_535 && (isIPv6(found[1]) || isHost(found[2])) {
			return Address{"tcp", text}, nil
		}
	}
	return Address{}, fault.New(fault.InvalidArgument, fmt.Sprintf(
		`the address %q is neither "unix:/path" nor "HOST:PORT" (IPv6 as "[::1]:PORT", port 0 for a free one)`, text))
}

func isIPv6(text string) bool {
	address, err := netip.ParseAddr(text)
	return err == nil && address.Is6()
}

// isHost: digits and dots alone are meant to be an address.
func isHost(text string) bool {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Is4()
	}
	return hostName.MatchString(text) && !digitsAndDots.MatchString(text)
}

// ChooseToken takes the token of the program, else that of the host. One that is empty by mistake
// must not let everybody in.
func ChooseToken(given string, variables HostVariables) (string, error) {
	token := given
	if token == "" {
		if !variables.HasToken {
			return "", nil
		}
		token = variables.Token
	}
	visible := func(r rune) bool { return r < '!' || r > '~' }
	if token == "" || strings.ContainsFunc(token, visible) {
		return "", fault.New(fault.InvalidArgument,
			"the token must be visible ASCII characters, at least one; leave it out to let everybody in")
	}
	return token, nil
}
