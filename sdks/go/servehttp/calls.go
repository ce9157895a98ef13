package servehttp

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
)

// Client returns a client for calls to other plugins of the host: the host of a URL is the id of a
// plugin, and the rest of it is the path and query for that plugin.
//
//	request, err := http.NewRequestWithContext(r.Context(), "GET", "http://search/query?q=x", nil)
//	response, err := servehttp.Client().Do(request)
//
// With the context of a request, or one that is made from it, the other plugin learns who the client
// of that request is, and the call ends with it. The host's option mayCall of this plugin has to name
// the other. A call that the host does not make is an *[Error] with the code [CallRefused]. Where the
// other plugin does not answer, the response is the host's, with a Proxy-Status field. Redirects are
// not followed, and bodies not decompressed.
func Client() *http.Client {
	return &http.Client{
		Transport: &calls,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// calls is the way of this process to its host.
var calls callTransport

// callTransport sends requests to other plugins (plugin.proto, "Calls").
type callTransport struct {
	mu        sync.Mutex
	token     string
	transport *http.Transport
}

// configure says where the host listens, and what shows it who calls. Both are empty where the plugin
// may not call.
func (t *callTransport) configure(address, token string) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok || token == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = token
	t.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
		DisableCompression:  true,
		MaxIdleConnsPerHost: limits.FreeCallConnections,
		// The host closes those that wait for longer.
		IdleConnTimeout: 4 * time.Second,
	}
}

var pluginID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// RoundTrip implements http.RoundTripper.
func (t *callTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	id := request.URL.Host
	t.mu.Lock()
	token, transport := t.token, t.transport
	t.mu.Unlock()
	var refusal *fault.Error
	switch {
	case !pluginID.MatchString(id) || id == "." || id == "..":
		refusal = fault.New(fault.InvalidArgument, fmt.Sprintf(
			`the id of the plugin is %q: allowed are letters, digits, "_", "." and "-"`, id))
	case transport == nil:
		refusal = fault.New(fault.CallRefused, fmt.Sprintf(
			"this plugin may not call others: set mayCall: [%q] for it in the host's options, which only a plugin with a command can have", id))
	}
	if refusal != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, refusal
	}
	response, err := transport.RoundTrip(callOf(request, id, token))
	if err != nil {
		return nil, err
	}
	if message := response.Header.Get("Servehttp-Call"); message != "" {
		response.Body.Close()
		return nil, fault.New(fault.CallRefused, message)
	}
	response.Request = request
	return response, nil
}

// callOf is the request as the host wants it.
func callOf(request *http.Request, id, token string) *http.Request {
	call := request.Clone(request.Context())
	path := request.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	call.URL = &url.URL{Scheme: "http", Host: "localhost", Opaque: "/" + id + path, RawQuery: request.URL.RawQuery}
	call.Host = "localhost"
	call.Header.Set("Servehttp-Token", token)
	call.Header.Del("Servehttp-Exchange")
	if exchange := FromContext(request.Context()); exchange.ID != "" {
		call.Header.Set("Servehttp-Exchange", exchange.ID)
	}
	return call
}
