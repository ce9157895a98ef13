#!/usr/bin/env bash
# connect-go 1.21.1 on Go 1.26.8: cancelling the context of a client's bidirectional stream does not by itself reset the stream while
# the client's side of it is open. The handler's context stays as it is until the client calls `Receive`, which fails, or closes its
# side: by gRPC and by Connect alike. A client that waits for something else than the next message, such as a caller's request body,
# has to call one of them behind the cancel. It needs Go.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cd "$work"
export GOPATH=$work/go GOFLAGS=-mod=mod GOTOOLCHAIN=go1.26.8
cat >go.mod <<'MOD'
module finding

go 1.26

require connectrpc.com/connect v1.21.1
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	for name, options := range map[string][]connect.ClientOption{"connect": {}, "grpc": {connect.WithGRPC()}} {
		began, left := make(chan struct{}), make(chan struct{})
		mux := http.NewServeMux()
		mux.Handle("/Bidi", connect.NewBidiStreamHandler("/Bidi",
			func(ctx context.Context, stream *connect.BidiStream[emptypb.Empty, emptypb.Empty]) error {
				stream.Receive()
				stream.Send(&emptypb.Empty{})
				close(began)
				<-ctx.Done()
				close(left)
				return nil
			}))
		server := httptest.NewUnstartedServer(mux)
		server.EnableHTTP2 = true
		server.StartTLS()
		client := connect.NewClient[emptypb.Empty, emptypb.Empty](server.Client(), server.URL+"/Bidi", options...)
		ctx, cancel := context.WithCancel(context.Background())
		stream := client.CallBidiStream(ctx)
		stream.Send(&emptypb.Empty{})
		stream.Receive()
		<-began
		cancel()
		select {
		case <-left:
			fmt.Printf("%s: the cancel tells the handler\n", name)
		case <-time.After(5 * time.Second):
			_, err := stream.Receive()
			<-left
			fmt.Printf("%s: Receive, which gives %s, tells the handler\n", name, connect.CodeOf(err))
		}
		stream.CloseResponse()
		server.Close()
	}
}
GO
go run . | sort | tee seen
[ "$(cat seen)" = "connect: Receive, which gives canceled, tells the handler
grpc: Receive, which gives canceled, tells the handler" ]
