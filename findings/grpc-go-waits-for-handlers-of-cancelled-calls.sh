#!/usr/bin/env bash
# grpc-go 1.85.0: with MaxConcurrentStreams(n), a server whose n handlers still run reads nothing more from that connection once another
# call begins, although the client has cancelled those n calls and so has no stream open. Not even a PING is answered until a handler
# returns. A client that takes an unanswered PING for a dead peer gives up a connection whose server is well; net/http of Go 1.26,
# which begins no more handlers either, answers. It needs Go.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
export GOPATH=$work/go GOFLAGS=-mod=mod GOTOOLCHAIN=go1.26.8
cat >go.mod <<'MOD'
module finding

go 1.26

require (
	golang.org/x/net v0.61.0
	google.golang.org/grpc v1.85.0
)
MOD
cat >main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
)

const streams = 2

func seen(serve func(listener net.Listener, handle func())) string {
	began, release := make(chan struct{}), make(chan struct{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go serve(listener, func() { began <- struct{}{}; <-release })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	conn.Write([]byte(http2.ClientPreface))
	framer := http2.NewFramer(conn, conn)
	framer.WriteSettings()
	pongs := make(chan struct{}, 8)
	go func() {
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if ping, is := frame.(*http2.PingFrame); is && ping.IsAck() {
				pongs <- struct{}{}
			}
		}
	}()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	call := func(id uint32) {
		block.Reset()
		for _, field := range [][2]string{
			{":method", "POST"}, {":scheme", "http"}, {":path", "/a/b"}, {":authority", "a"},
			{"content-type", "application/grpc"}, {"te", "trailers"},
		} {
			encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
		}
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
	}
	ping := func() string {
		framer.WritePing(false, [8]byte{})
		select {
		case <-pongs:
			return "answered"
		case <-time.After(2 * time.Second):
			return "not answered"
		}
	}
	id := uint32(1)
	for range streams {
		call(id)
		<-began
		id += 2
	}
	text := "PING while the calls run: " + ping()
	for cancelled := uint32(1); cancelled < id; cancelled += 2 {
		framer.WriteRSTStream(cancelled, http2.ErrCodeCancel)
	}
	text += ", once they are cancelled: " + ping()
	call(id)
	after := ping()
	text += ", and another began: " + after
	close(release)
	<-began
	if after == "not answered" {
		<-pongs
		text += " until a handler returns"
	}
	return text
}

func main() {
	fmt.Println("grpc-go:", seen(func(listener net.Listener, handle func()) {
		grpc.NewServer(grpc.MaxConcurrentStreams(streams),
			grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { handle(); return nil })).Serve(listener)
	}))
	fmt.Println("net/http:", seen(func(listener net.Listener, handle func()) {
		protocols := &http.Protocols{}
		protocols.SetUnencryptedHTTP2(true)
		server := &http.Server{
			Handler:   http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handle() }),
			Protocols: protocols,
			HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: streams},
		}
		server.Serve(listener)
	}))
}
GO
go run . | tee seen
diff seen - <<'EXPECTED'
grpc-go: PING while the calls run: answered, once they are cancelled: answered, and another began: not answered until a handler returns
net/http: PING while the calls run: answered, once they are cancelled: answered, and another began: answered
EXPECTED
