// A plugin on stock connect-go and net/http, on the stream carrier. What it answers is in exchange.go. gen/ is generated
// from the contract: buf generate ../..
package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	pb "servehttp.example/connect/gen/servehttp/v1"
	"servehttp.example/connect/gen/servehttp/v1/servehttpv1connect"
)

func main() {
	network, address := "tcp", os.Getenv("SERVEHTTP_ADDRESS")
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	stopping, done := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer done()
	mux := http.NewServeMux()
	mux.Handle(servehttpv1connect.NewPluginServiceHandler(&examplePlugin{
		stopping: stopping,
		cutOff:   make(chan struct{}),
	}))
	mux.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker(servehttpv1connect.PluginServiceName)))

	server := &http.Server{Handler: refuseStrangers(mux), Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	select {
	case err := <-serving:
		log.Fatal(err)
	case <-stopping.Done():
		// What would never end by itself ends now; everything else is finished.
		if err := server.Shutdown(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
}

// refuseStrangers lets in only who knows the token.
func refuseStrangers(next http.Handler) http.Handler {
	token := os.Getenv("SERVEHTTP_TOKEN")
	refusal := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Authorization")
		if token != "" && subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+token)) != 1 {
			_ = refusal.Write(w, r, connect.NewError(connect.CodeUnauthenticated, errors.New("the token is missing or wrong")))
			return
		}
		next.ServeHTTP(w, r)
	})
}

type examplePlugin struct {
	servehttpv1connect.UnimplementedPluginServiceHandler
	stopping context.Context // done when the plugin is to end
	cuts     atomic.Int64    // uploads that were cut off
	cutOff   chan struct{}   // closed when one was
}

func (*examplePlugin) Describe(_ context.Context, request *connect.Request[pb.DescribeRequest]) (*connect.Response[pb.DescribeResponse], error) {
	if !slices.Contains(request.Msg.ContractVersions, 1) {
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("this plugin speaks version 1"))
	}
	return connect.NewResponse(&pb.DescribeResponse{
		ContractVersion: 1,
		ServesHttp:      true,
		Carriers:        []pb.Carrier{pb.Carrier_CARRIER_STREAM},
		Software:        "interop connect-go",
	}), nil
}
