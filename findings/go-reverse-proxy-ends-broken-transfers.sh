#!/usr/bin/env bash
# Go 1.26: httputil.ReverseProxy ends a response cleanly whose backend broke off in the middle of its body, unless the request's context
# has an http.ServerContextKey. Then it panics with http.ErrAbortHandler, by which a server breaks the transfer. A server that is not
# net/http's has to put that key there, or clients take half a response for all of it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
)

func main() {
	log.SetOutput(io.Discard)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half of it")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	target, _ := url.Parse(backend.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.Default()
	serve := func(ctx context.Context) (panicked any) {
		defer func() { panicked = recover() }()
		proxy.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		return nil
	}
	without := serve(context.Background())
	with := serve(context.WithValue(context.Background(), http.ServerContextKey, &http.Server{}))
	fmt.Printf("%s: without the key %v, with it %v\n", runtime.Version(), without, with)
	if without != nil || with != http.ErrAbortHandler {
		panic("it has changed")
	}
}
GO
GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go run main.go
