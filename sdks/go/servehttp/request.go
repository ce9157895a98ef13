package servehttp

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"servehttp.example/sdks/go/internal/wire"
)

// newRequest is the request as net/http would have read it from the client.
func newRequest(ctx context.Context, init *wire.RequestInit, b *body) *http.Request {
	request := &http.Request{
		Method:        init.Method,
		URL:           parseURL(init.URL),
		Proto:         init.Protocol,
		ProtoMajor:    init.ProtocolMajor,
		ProtoMinor:    init.ProtocolMinor,
		Header:        init.Header,
		Body:          b,
		ContentLength: init.ContentLength,
		Host:          init.Host,
		RemoteAddr:    init.RemoteAddr,
		RequestURI:    init.RequestURI,
	}
	switch {
	case init.ContentLength == 0:
		request.Body = http.NoBody
	case init.ContentLength < 0 && init.ProtocolMajor == 1:
		request.TransferEncoding = []string{"chunked"}
	}
	if init.ContentLength > 0 {
		setMissing(init.Header, "Content-Length", formatInt(init.ContentLength))
	}
	if init.ExpectContinue {
		setMissing(init.Header, "Expect", "100-continue")
	}
	if init.Scheme == "https" {
		// Programs tell by it how the client came. What the host knows of its TLS it does not say.
		request.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: hostOnly(init.Host)}
	}
	announceTrailers(request)
	return request.WithContext(ctx)
}

// parseURL reads path and query. What net/url can't read, and net/http would refuse, is still a path.
func parseURL(text string) *url.URL {
	if parsed, err := url.ParseRequestURI(text); err == nil {
		return parsed
	}
	path, query, _ := strings.Cut(text, "?")
	return &url.URL{Path: path, RawQuery: query}
}

func setMissing(header http.Header, name, value string) {
	if _, ok := header[name]; !ok {
		header[name] = []string{value}
	}
}

func hostOnly(host string) string {
	return (&url.URL{Host: host}).Hostname()
}

// announceTrailers does what net/http does with the field "Trailer".
func announceTrailers(request *http.Request) {
	announced, ok := request.Header["Trailer"]
	if !ok {
		return
	}
	delete(request.Header, "Trailer")
	request.Trailer = http.Header{}
	for _, line := range announced {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				request.Trailer[http.CanonicalHeaderKey(name)] = nil
			}
		}
	}
}
