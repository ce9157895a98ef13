// A plugin on stock grpc-go, on both carriers. gen/ is generated from the contract: buf generate ../..
package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "servehttp.example/interop/gen/servehttp/v1"
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
	server := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := refuseStrangers(ctx); err != nil {
				return nil, err
			}
			return next(ctx, request)
		}),
		grpc.StreamInterceptor(func(service any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if err := refuseStrangers(stream.Context()); err != nil {
				return err
			}
			return next(service, stream)
		}),
	)
	pb.RegisterPluginServiceServer(server, &examplePlugin{cutOff: make(chan struct{})})
	healthpb.RegisterHealthServer(server, health.NewServer())
	log.Fatal(server.Serve(listener))
}

// refuseStrangers lets in only who knows the token.
func refuseStrangers(ctx context.Context) error {
	token := os.Getenv("SERVEHTTP_TOKEN")
	if token == "" {
		return nil
	}
	given, _ := metadata.FromIncomingContext(ctx)
	for _, value := range given.Get("authorization") {
		if subtle.ConstantTimeCompare([]byte(value), []byte("Bearer "+token)) == 1 {
			return nil
		}
	}
	return status.Error(codes.Unauthenticated, "the token is missing or wrong")
}

type examplePlugin struct {
	pb.UnimplementedPluginServiceServer
	cuts   atomic.Int64  // uploads that were cut off
	cutOff chan struct{} // closed when one was
}

func (*examplePlugin) Describe(_ context.Context, request *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	if !slices.Contains(request.ContractVersions, 1) {
		return nil, status.Error(codes.FailedPrecondition, "this plugin speaks version 1")
	}
	return &pb.DescribeResponse{
		ContractVersion: 1,
		ServesHttp:      true,
		Carriers:        []pb.Carrier{pb.Carrier_CARRIER_STREAM, pb.Carrier_CARRIER_MUX},
		Software:        "interop grpc-go",
	}, nil
}

// ServeHTTP is one exchange: it reads the parts of a request and sends the parts of its response.
func (p *examplePlugin) ServeHTTP(stream pb.PluginService_ServeHTTPServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err // A close before init: the host changed its mind.
	}
	body := &body{stream: stream, next: first}
	if strings.HasSuffix(first.GetInit().GetUrl(), "?fail") {
		return errors.New("as asked")
	}
	switch first.GetInit().GetUrl() {
	case "/headers":
		return p.headers(stream, first.Init)
	case "/cut-off":
		return p.reportCutOff(stream)
	case "/early":
		return stream.Send(whole(413, "too much"))
	case "/unfinished":
		return stream.Send(&pb.ServeHTTPResponse{Init: head(200), Chunk: []byte("half of it")})
	case "/cut":
		return stream.Send(whole(200, fmt.Sprint(p.cuts.Load())))
	default:
		return p.echo(stream, body)
	}
}

func (*examplePlugin) headers(stream pb.PluginService_ServeHTTPServer, init *pb.RequestInit) error {
	answer := whole(200, init.Method+" "+init.Url)
	for _, field := range init.Headers {
		if strings.HasPrefix(strings.ToLower(field.Name), "x-") {
			answer.Init.Headers = append(answer.Init.Headers, field)
		}
	}
	return stream.Send(answer)
}

func (p *examplePlugin) echo(stream pb.PluginService_ServeHTTPServer, body *body) error {
	link := &pb.HeaderField{Name: "Link", Values: [][]byte{[]byte("</style.css>; rel=preload")}}
	err := stream.Send(&pb.ServeHTTPResponse{
		Informational: []*pb.InformationalResponse{{Status: 103, Headers: []*pb.HeaderField{link}}},
		Init:          head(200),
		Flush:         true,
	})
	octets := 0
	for err == nil {
		var chunk []byte
		chunk, err = body.read()
		if len(chunk) > 0 {
			octets += len(chunk)
			err = stream.Send(&pb.ServeHTTPResponse{Chunk: chunk})
		}
	}
	if err != io.EOF {
		if p.cuts.Add(1) == 1 {
			close(p.cutOff)
		}
		return err
	}
	count := &pb.HeaderField{Name: "X-Bytes", Values: [][]byte{fmt.Append(nil, octets)}}
	return stream.Send(&pb.ServeHTTPResponse{End: &pb.End{Trailers: []*pb.HeaderField{count}}})
}

func (p *examplePlugin) reportCutOff(stream pb.PluginService_ServeHTTPServer) error {
	if err := stream.Send(&pb.ServeHTTPResponse{Init: head(200), Flush: true}); err != nil {
		return err
	}
	select {
	case <-p.cutOff:
		return stream.Send(&pb.ServeHTTPResponse{Chunk: []byte("the request was cut off"), End: &pb.End{}})
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

func head(code int32) *pb.ResponseInit {
	return &pb.ResponseInit{Status: code}
}

func whole(code int32, text string) *pb.ServeHTTPResponse {
	return &pb.ServeHTTPResponse{Init: head(code), Chunk: []byte(text), End: &pb.End{}}
}

// body reads the chunks of a request.
type body struct {
	stream pb.PluginService_ServeHTTPServer
	next   *pb.ServeHTTPRequest // the message to be read next, where it has come already
	ended  bool
}

var errCutOff = errors.New("cut off")

// read returns the octets of one message, which may be none, and io.EOF after the end. A request that stops without an
// end was cut off.
func (b *body) read() ([]byte, error) {
	if b.ended {
		return nil, io.EOF
	}
	message := b.next
	b.next = nil
	if message == nil {
		var err error
		if message, err = b.stream.Recv(); err == io.EOF {
			return nil, errCutOff
		} else if err != nil {
			return nil, err
		}
	}
	b.ended = message.End != nil
	return message.Chunk, nil
}
