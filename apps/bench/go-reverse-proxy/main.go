// The reverse proxy of Go's standard library in front of the bench's plugin.
// Arguments: the unix socket of the plugin.
package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	socket := os.Args[1]
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		// The default keeps two idle connections and opens the others anew.
		MaxIdleConnsPerHost: 1024,
		DisableCompression:  true,
	}
	plugin := &url.URL{Scheme: "http", Host: "plugin"}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(request *httputil.ProxyRequest) { request.SetURL(plugin) },
		Transport: transport,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	announcement := map[string]int{"port": listener.Addr().(*net.TCPAddr).Port}
	if err := json.NewEncoder(os.Stdout).Encode(announcement); err != nil {
		panic(err)
	}
	panic(http.Serve(listener, proxy))
}
