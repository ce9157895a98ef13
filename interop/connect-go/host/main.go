// A host on stock connect-go: checks a plugin that serves what every peer here serves.
//
//	host SOCKET TOKEN PROTOCOL CHECK
//
// PROTOCOL is grpc, connect or connect+json. Says so where the plugin does as the contract says, and fails otherwise.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"connectrpc.com/connect"
	pb "servehttp.example/connect/gen/servehttp/v1"
	"servehttp.example/connect/gen/servehttp/v1/servehttpv1connect"
)

type exchange = connect.BidiStreamForClient[pb.ServeHTTPRequest, pb.ServeHTTPResponse]

type host struct {
	client servehttpv1connect.PluginServiceClient
	token  string
}

func main() {
	socket, token, protocol, check := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	options := map[string][]connect.ClientOption{
		"grpc":         {connect.WithGRPC()},
		"connect":      {},
		"connect+json": {connect.WithProtoJSON()},
	}[protocol]
	h := &host{
		client: servehttpv1connect.NewPluginServiceClient(&http.Client{Transport: transport}, "http://plugin", options...),
		token:  token,
	}
	checks := map[string]func(context.Context) error{
		"describe":         h.describe,
		"refuse_strangers": h.refuseStrangers,
		"headers":          h.headers,
		"echo":             h.echo,
		"early":            h.early,
		"cut_off":          h.cutOff,
		"unfinished":       h.unfinished,
	}
	if err := checks[check](context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("as the contract says")
}

func (h *host) describe(ctx context.Context) error {
	request := connect.NewRequest(&pb.DescribeRequest{ContractVersions: []uint32{1}})
	request.Header().Set("Authorization", "Bearer "+h.token)
	answer, err := h.client.Describe(ctx, request)
	if err != nil {
		return err
	}
	if answer.Msg.ContractVersion != 1 || !answer.Msg.ServesHttp {
		return fmt.Errorf("said of itself: %v", answer.Msg)
	}
	return nil
}

func (h *host) refuseStrangers(ctx context.Context) error {
	_, err := h.client.Describe(ctx, connect.NewRequest(&pb.DescribeRequest{}))
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		return fmt.Errorf("a host without the token got: %v", err)
	}
	return nil
}

func (h *host) headers(ctx context.Context) error {
	field := &pb.HeaderField{Name: "X-M", Values: [][]byte{[]byte("a"), []byte("caf\xe9")}}
	one, err := h.open(ctx, "GET", "/headers", field)
	if err != nil {
		return err
	}
	var values, body [][]byte
	for parts, err := range responseOf(one) {
		if err != nil {
			return err
		}
		for _, field := range parts.GetInit().GetHeaders() {
			if strings.EqualFold(field.Name, "X-M") {
				values = append(values, field.Values...)
			}
		}
		body = append(body, parts.Chunk)
	}
	if text := bytes.Join(body, nil); string(text) != "GET /headers" || string(bytes.Join(values, []byte("|"))) != "a|caf\xe9" {
		return fmt.Errorf("got %q and %q", text, values)
	}
	return nil
}

func (h *host) echo(ctx context.Context) error {
	one, err := h.open(ctx, "POST", "/echo")
	if err != nil {
		return err
	}
	sent, echoed, sentBytes := sha256.New(), sha256.New(), 0
	for range 20 {
		chunk := make([]byte, 60_000)
		_, _ = rand.Read(chunk)
		sent.Write(chunk)
		sentBytes += len(chunk)
		if err := one.Send(&pb.ServeHTTPRequest{Chunk: chunk}); err != nil {
			return err
		}
		for received := 0; received < len(chunk); {
			parts, err := one.Receive()
			if err != nil {
				return err
			}
			echoed.Write(parts.Chunk)
			received += len(parts.Chunk)
		}
	}
	if err := one.Send(&pb.ServeHTTPRequest{End: &pb.End{}}); err != nil {
		return err
	}
	var trailers []string
	for parts, err := range responseOf(one) {
		if err != nil {
			return err
		}
		for _, field := range parts.GetEnd().GetTrailers() {
			trailers = append(trailers, fmt.Sprintf("%s %s", strings.ToLower(field.Name), field.Values[0]))
		}
	}
	if !bytes.Equal(sent.Sum(nil), echoed.Sum(nil)) || strings.Join(trailers, "|") != fmt.Sprintf("x-bytes %d", sentBytes) {
		return fmt.Errorf("the echo differs, or its trailers: %q", trailers)
	}
	return nil
}

func (h *host) early(ctx context.Context) error {
	one, err := h.open(ctx, "POST", "/early")
	if err != nil {
		return err
	}
	for parts, err := range responseOf(one) {
		if err != nil {
			return err
		}
		if status := parts.GetInit().GetStatus(); status != 0 && status != 413 {
			return fmt.Errorf("answered with %d", status)
		}
	}
	return nil
}

func (h *host) cutOff(ctx context.Context) error {
	leaving, leave := context.WithCancel(ctx)
	defer leave()
	one, err := h.open(leaving, "POST", "/echo")
	if err != nil {
		return err
	}
	if err := one.Send(&pb.ServeHTTPRequest{Chunk: []byte("half of it")}); err != nil {
		return err
	}
	for echoed := ""; echoed != "half of it"; {
		parts, err := one.Receive()
		if err != nil {
			return err
		}
		echoed += string(parts.Chunk)
	}
	leave()
	// net/http does not look at the context while it waits for more of the request's body.
	_ = one.CloseResponse()
	witness, err := h.open(ctx, "GET", "/cut-off")
	if err != nil {
		return err
	}
	var text []byte
	for parts, err := range responseOf(witness) {
		if err != nil {
			return err
		}
		text = append(text, parts.Chunk...)
	}
	if string(text) != "the request was cut off" {
		return fmt.Errorf("got %q", text)
	}
	return nil
}

func (h *host) unfinished(ctx context.Context) error {
	one, err := h.open(ctx, "GET", "/unfinished")
	if err != nil {
		return err
	}
	for _, err := range responseOf(one) {
		if connect.CodeOf(err) == connect.CodeInternal {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return errors.New("a response without an end looks complete")
}

// open begins an exchange. That of a GET has no body.
func (h *host) open(ctx context.Context, method, url string, headers ...*pb.HeaderField) (*exchange, error) {
	one := h.client.ServeHTTP(ctx)
	one.RequestHeader().Set("Authorization", "Bearer "+h.token)
	first := &pb.ServeHTTPRequest{Init: &pb.RequestInit{
		Method: method, Url: url, RequestUri: "/plugins/example" + url, Headers: headers, ContentLength: -1,
		Protocol: "HTTP/1.1", ProtocolMajor: 1, ProtocolMinor: 1, RequestId: "connect-go", Scheme: "http",
	}}
	if method == "GET" {
		first.Init.ContentLength = 0
		first.End = &pb.End{}
	}
	return one, one.Send(first)
}

// responseOf gives the parts of a response up to its end. It fails where there is none.
func responseOf(one *exchange) func(func(*pb.ServeHTTPResponse, error) bool) {
	return func(yield func(*pb.ServeHTTPResponse, error) bool) {
		for {
			parts, err := one.Receive()
			if errors.Is(err, io.EOF) {
				err = errors.New("the RPC ended without the end of the response")
			}
			if !yield(parts, err) || err != nil || parts.End != nil {
				return
			}
		}
	}
}
