// The smallest correct plugin on stock grpc-go: it echoes.
package main

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "servehttp.example/interop/gen/servehttp/v1"
)

type plugin struct {
	pb.UnimplementedPluginServiceServer
	cuts atomic.Int64 // Uploads that were cut off.
}

func (p *plugin) Describe(_ context.Context, request *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	if !slices.Contains(request.ContractVersions, 1) {
		return nil, status.Error(codes.FailedPrecondition, "this plugin speaks version 1")
	}
	carriers := []pb.Carrier{pb.Carrier_CARRIER_STREAM}
	return &pb.DescribeResponse{ContractVersion: 1, ServesHttp: true, Carriers: carriers, Software: "smallest grpc-go"}, nil
}

// ServeHTTP is one exchange.
func (p *plugin) ServeHTTP(stream pb.PluginService_ServeHTTPServer) (err error) {
	defer func() { // A panic would end the process.
		if recover() != nil {
			err = status.Error(codes.Internal, "the handler failed")
		}
	}()
	message, err := stream.Recv()
	if err != nil {
		return nil // A close before init: the host has changed its mind.
	}
	url := message.GetInit().GetUrl()
	if strings.HasSuffix(url, "?fail") {
		panic("as asked")
	}
	head := &pb.ServeHTTPResponse{Init: &pb.ResponseInit{Status: 200}, Flush: true} // Before the body has come.
	if url == "/cut" {
		head.Chunk, head.End = fmt.Append(nil, p.cuts.Load()), &pb.End{}
		return stream.Send(head)
	}
	if err := stream.Send(head); err != nil {
		return err
	}
	for { // Recv waits for the client, Send for room: that is the back-pressure.
		if len(message.Chunk) > 0 { // 64 KiB at most: what is longer has to be cut.
			if err := stream.Send(&pb.ServeHTTPResponse{Chunk: message.Chunk}); err != nil {
				p.cuts.Add(1)
				return err
			}
		}
		if message.End != nil { // Nothing else proves that the body is whole: io.EOF does not.
			return stream.Send(&pb.ServeHTTPResponse{End: &pb.End{}})
		}
		if message, err = stream.Recv(); err != nil {
			p.cuts.Add(1)
			return status.Error(codes.Internal, "the upload was cut off") // No end: the host breaks the response.
		}
	}
}

func main() {
	network, address := "tcp", os.Getenv("SERVEHTTP_ADDRESS")
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	token := os.Getenv("SERVEHTTP_TOKEN")
	os.Unsetenv("SERVEHTTP_TOKEN")
	known := func(ctx context.Context) error {
		given, _ := metadata.FromIncomingContext(ctx)
		shown := strings.Join(given.Get("authorization"), "")
		if token == "" || subtle.ConstantTimeCompare([]byte(shown), []byte("Bearer "+token)) == 1 {
			return nil
		}
		return status.Error(codes.Unauthenticated, "the token is missing or wrong")
	}
	server := grpc.NewServer(
		grpc.InitialWindowSize(262_144), grpc.InitialConnWindowSize(16_777_216), // Unread uploads stop no other.
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := known(ctx); err != nil {
				return nil, err
			}
			return next(ctx, request)
		}),
		grpc.StreamInterceptor(func(service any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if err := known(stream.Context()); err != nil {
				return err
			}
			return next(service, stream)
		}),
	)
	pb.RegisterPluginServiceServer(server, &plugin{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	go func() {
		terminate := make(chan os.Signal, 1)
		signal.Notify(terminate, syscall.SIGTERM)
		<-terminate
		server.GracefulStop() // GOAWAY; what runs ends; then Serve returns.
	}()
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
