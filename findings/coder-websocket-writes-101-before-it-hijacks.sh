#!/usr/bin/env bash
# github.com/coder/websocket 1.8.15: Accept writes the head of the 101 with WriteHeader, and calls Hijack behind it. net/http allows
# that; most libraries, such as gorilla/websocket 1.5.3 and gobwas/ws 1.4.0, hijack first and write the head themselves. A ResponseWriter
# of one's own that takes a written head for a response, and refuses Hijack from then on, serves all but this one. It needs Go.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
export GOPATH=$work/go GOFLAGS=-mod=mod GOTOOLCHAIN=go1.26.8
cat >go.mod <<'MOD'
module finding

go 1.26

require (
	github.com/coder/websocket v1.8.15
	github.com/gobwas/ws v1.4.0
	github.com/gorilla/websocket v1.5.3
)
MOD
cat >main.go <<'GO'
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"

	coder "github.com/coder/websocket"
	"github.com/gobwas/ws"
	gorilla "github.com/gorilla/websocket"
)

type told struct {
	http.ResponseWriter
	calls string
}

func (t *told) WriteHeader(status int) {
	t.calls += fmt.Sprintf(" WriteHeader(%d)", status)
	t.ResponseWriter.WriteHeader(status)
}

func (t *told) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	t.calls += " Hijack"
	return t.ResponseWriter.(http.Hijacker).Hijack()
}

func main() {
	for _, library := range []struct {
		name   string
		accept func(w http.ResponseWriter, r *http.Request) error
	}{
		{"coder/websocket", func(w http.ResponseWriter, r *http.Request) error {
			_, err := coder.Accept(w, r, nil)
			return err
		}},
		{"gorilla/websocket", func(w http.ResponseWriter, r *http.Request) error {
			_, err := (&gorilla.Upgrader{}).Upgrade(w, r, nil)
			return err
		}},
		{"gobwas/ws", func(w http.ResponseWriter, r *http.Request) error {
			_, _, _, err := ws.UpgradeHTTP(r, w)
			return err
		}},
	} {
		calls := make(chan string, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			writer := &told{ResponseWriter: w}
			if err := library.accept(writer, r); err != nil {
				panic(err)
			}
			calls <- writer.calls
		}))
		_, response, err := coder.Dial(context.Background(), server.URL, nil)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s:%s, the client sees %d\n", library.name, <-calls, response.StatusCode)
	}
}
GO
go run . | tee seen
diff seen - <<'EXPECTED'
coder/websocket: WriteHeader(101) Hijack, the client sees 101
gorilla/websocket: Hijack, the client sees 101
gobwas/ws: Hijack, the client sees 101
EXPECTED
