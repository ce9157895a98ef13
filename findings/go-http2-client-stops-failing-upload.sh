#!/usr/bin/env bash
# Go 1.26: the HTTP/2 client of net/http stops sending a request's body once a response's head says 300 or more, and tells the server
# nothing of it: neither the end of the stream nor a reset. A handler that answers 400 and reads on, which HTTP/2 allows, waits for as
# long as the client holds the response. Behind a head of 200 the same upload goes on. So whoever reads the rest of an upload that was
# answered has to bound the time for it, or reset the stream as soon as the response is whole. It needs Go.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"time"
)

type read struct {
	text string
	err  error
}

func main() {
	reads := make(chan read, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return
		}
		buffer := make([]byte, 8)
		r.Body.Read(buffer)
		status := http.StatusOK
		if r.URL.Path == "/400" {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		http.NewResponseController(w).Flush()
		n, err := r.Body.Read(buffer)
		reads <- read{string(buffer[:n]), err}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	for _, path := range []string{"/200", "/400"} {
		body, upload := io.Pipe()
		request, _ := http.NewRequest(http.MethodPost, server.URL+path, body)
		go upload.Write([]byte("first"))
		response, err := client.Do(request)
		if err != nil {
			panic(err)
		}
		upload.Write([]byte("second")) // It may fail: the client closes a body that it sends no more of.
		// What the client sent before this exchange on the same connection has reached the server with it.
		next, nextErr := client.Get(server.URL)
		if nextErr != nil || next.ProtoMajor != 2 {
			panic("no HTTP/2")
		}
		select {
		case got := <-reads:
			fmt.Printf("%d: the handler reads %q\n", response.StatusCode, got.text)
		case <-time.After(2 * time.Second):
			response.Body.Close()
			fmt.Printf("%d: the handler waits until the response is closed, then %v\n", response.StatusCode, (<-reads).err)
		}
		upload.Close()
		response.Body.Close()
	}
	fmt.Println(runtime.Version()[:6])
}
GO
GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go run main.go | tee seen
diff seen - <<'EXPECTED'
200: the handler reads "second"
400: the handler waits until the response is closed, then stream error: stream ID 5; CANCEL
go1.26
EXPECTED
