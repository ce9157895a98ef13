package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	pb "servehttp.example/connect/gen/servehttp/v1"
)

type exchange = connect.BidiStream[pb.ServeHTTPRequest, pb.ServeHTTPResponse]

// ServeHTTP is one exchange: it reads the parts of a request and sends the parts of its response.
// ../src/plugins/example-handler.ts lists what is answered.
func (p *examplePlugin) ServeHTTP(ctx context.Context, stream *exchange) error {
	first, err := stream.Receive()
	if err != nil {
		return err // A close before init: the host changed its mind.
	}
	body := &body{stream: stream, next: first}
	if strings.HasSuffix(first.GetInit().GetUrl(), "?fail") {
		return errors.New("as asked")
	}
	switch first.GetInit().GetUrl() {
	case "/headers":
		return headers(stream, first.Init)
	case "/cut-off":
		return p.reportCutOff(ctx, stream)
	case "/early":
		return stream.Send(whole(413, "too much"))
	case "/unfinished":
		return stream.Send(&pb.ServeHTTPResponse{Init: head(200), Chunk: []byte("half of it")})
	case "/unread":
		return p.unread(ctx, stream)
	case "/events":
		return p.events(ctx, stream)
	case "/slow":
		return slow(stream, body)
	case "/cut":
		return stream.Send(whole(200, fmt.Sprint(p.cuts.Load())))
	default:
		return p.echo(stream, body)
	}
}

func headers(stream *exchange, init *pb.RequestInit) error {
	answer := whole(200, init.Method+" "+init.Url)
	for _, field := range init.Headers {
		if strings.HasPrefix(strings.ToLower(field.Name), "x-") {
			answer.Init.Headers = append(answer.Init.Headers, field)
		}
	}
	return stream.Send(answer)
}

func (p *examplePlugin) echo(stream *exchange, body *body) error {
	link := field("Link", "</style.css>; rel=preload")
	err := stream.Send(&pb.ServeHTTPResponse{
		Informational: []*pb.InformationalResponse{{Status: 103, Headers: []*pb.HeaderField{link}}},
		Init:          head(200),
		Flush:         true,
	})
	bytes := 0
	for err == nil {
		var chunk []byte
		chunk, err = body.read()
		if len(chunk) > 0 {
			bytes += len(chunk)
			err = stream.Send(&pb.ServeHTTPResponse{Chunk: chunk})
		}
	}
	if err != io.EOF {
		if p.cuts.Add(1) == 1 {
			close(p.cutOff)
		}
		return err
	}
	count := field("X-Bytes", fmt.Sprint(bytes))
	return stream.Send(&pb.ServeHTTPResponse{End: &pb.End{Trailers: []*pb.HeaderField{count}}})
}

func (p *examplePlugin) reportCutOff(ctx context.Context, stream *exchange) error {
	if err := stream.Send(started()); err != nil {
		return err
	}
	select {
	case <-p.cutOff:
		return stream.Send(last("the request was cut off"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unread never reads the body.
func (p *examplePlugin) unread(ctx context.Context, stream *exchange) error {
	if err := stream.Send(started()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.stopping.Done():
		return stream.Send(last("unread"))
	}
}

// events sends one every second. It ends only where the plugin is to end, and EventSource comes again.
func (p *examplePlugin) events(ctx context.Context, stream *exchange) error {
	init := head(200)
	init.Headers = []*pb.HeaderField{field("Content-Type", "text/event-stream")}
	if err := stream.Send(&pb.ServeHTTPResponse{Init: init, Flush: true}); err != nil {
		return err
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for number := 1; ; number++ {
		select {
		case <-second.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.stopping.Done():
			return stream.Send(&pb.ServeHTTPResponse{End: &pb.End{}})
		}
		if err := stream.Send(&pb.ServeHTTPResponse{Chunk: fmt.Appendf(nil, "data: %d\n\n", number)}); err != nil {
			return err
		}
	}
}

// slow takes the whole body, and gives it back in twenty pieces, one every 100 ms.
func slow(stream *exchange, body *body) error {
	var whole []byte
	for {
		chunk, err := body.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		whole = append(whole, chunk...)
	}
	if err := stream.Send(started()); err != nil {
		return err
	}
	for piece := range slices.Chunk(whole, max(1, (len(whole)+19)/20)) {
		time.Sleep(100 * time.Millisecond)
		if err := stream.Send(&pb.ServeHTTPResponse{Chunk: piece}); err != nil {
			return err
		}
	}
	return stream.Send(&pb.ServeHTTPResponse{End: &pb.End{}})
}

func head(code int32) *pb.ResponseInit {
	return &pb.ResponseInit{Status: code}
}

func started() *pb.ServeHTTPResponse {
	return &pb.ServeHTTPResponse{Init: head(200), Flush: true}
}

func last(text string) *pb.ServeHTTPResponse {
	return &pb.ServeHTTPResponse{Chunk: []byte(text), End: &pb.End{}}
}

func whole(code int32, text string) *pb.ServeHTTPResponse {
	return &pb.ServeHTTPResponse{Init: head(code), Chunk: []byte(text), End: &pb.End{}}
}

func field(name, value string) *pb.HeaderField {
	return &pb.HeaderField{Name: name, Values: [][]byte{[]byte(value)}}
}

// body reads the chunks of a request.
type body struct {
	stream *exchange
	next   *pb.ServeHTTPRequest // the message to be read next, where it has come already
	ended  bool
}

var errCutOff = errors.New("cut off")

// read returns the bytes of one message, which may be none, and io.EOF behind the end. A request that stops without an
// end was cut off.
func (b *body) read() ([]byte, error) {
	if b.ended {
		return nil, io.EOF
	}
	message := b.next
	b.next = nil
	if message == nil {
		var err error
		if message, err = b.stream.Receive(); errors.Is(err, io.EOF) {
			return nil, errCutOff
		} else if err != nil {
			return nil, err
		}
	}
	b.ended = message.End != nil
	return message.Chunk, nil
}
