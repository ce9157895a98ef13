#!/usr/bin/env bash
# Go 1.26: http.HTTP2Config documents for MaxReceiveBufferPerConnection that "a valid value is at least 64KiB and less than 4MiB", and that
# a default (1 MiB) is used otherwise. A server announces 16 MiB all the same, and so it can give 250 streams a window of 64 KiB each that
# an upload which nobody reads takes from no other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
)

func main() {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerConnection: 16 << 20}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go server.Serve(listener)
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			panic(err)
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(conn, payload); err != nil {
			panic(err)
		}
		if head[3] == 8 { // WINDOW_UPDATE
			window := 65_535 + binary.BigEndian.Uint32(payload)
			fmt.Printf("%s: asked for 16777216, announced %d\n", runtime.Version(), window)
			if window != 16<<20 {
				panic("it has changed")
			}
			return
		}
	}
}
GO
GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go run main.go
