package servehttp

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"servehttp.example/sdks/go/internal/wire"
)

// body is the body of a request. Reading it makes room for more of it, and nothing else does.
type body struct {
	exchange *exchange
	queue    byteQueue
	// asks: the client waits for a 100 (Continue), which the first read sends.
	asks atomic.Bool
	// trailer was received with the end. Written before the queue has ended.
	trailer http.Header
}

func (b *body) init(e *exchange) {
	b.exchange = e
	b.queue.init()
}

// receive takes parts from the carrier. It returns how many bytes of them nobody reads.
func (b *body) receive(parts *wire.RequestParts) (discarded int) {
	if parts.Chunk != nil {
		b.asks.Store(false)
		if !b.queue.push(parts.Chunk) {
			discarded = len(parts.Chunk)
		}
	}
	if parts.End {
		b.asks.Store(false)
		b.trailer = parts.Trailer
		b.queue.end(io.EOF, false)
	}
	return discarded
}

// cut: the rest won't come. A body that is complete stays so.
func (b *body) cut(err error) {
	if !b.queue.hasEnded() {
		b.queue.end(err, true)
	}
}

// Read waits for the client. At the end of the body the request's Trailer is set. An upload that was
// cut off ends in an *Error, never in io.EOF.
func (b *body) Read(p []byte) (int, error) {
	if b.asks.Load() && !b.queue.hasEnded() {
		if err := b.exchange.response.askForBody(); err != nil {
			return 0, err
		}
	}
	n, err := b.queue.read(p)
	if n > 0 {
		b.exchange.channel.Taken(n)
	}
	if err == io.EOF {
		b.setTrailer()
	}
	return n, err
}

// setTrailer does what net/http does behind the last byte.
func (b *body) setTrailer() {
	if len(b.trailer) == 0 {
		return
	}
	request := b.exchange.request
	if request.Trailer == nil {
		request.Trailer = make(http.Header, len(b.trailer))
	}
	for name, values := range b.trailer {
		request.Trailer[name] = values
	}
}

// Close discards the rest.
func (b *body) Close() error {
	b.drop(http.ErrBodyReadAfterClose)
	return nil
}

// drop lets reads return that error. What the host still sends is discarded.
func (b *body) drop(err error) {
	if dropped := b.queue.end(err, true); dropped > 0 {
		b.exchange.channel.Taken(dropped)
	}
}

func (b *body) setReadDeadline(at time.Time) { b.queue.setDeadline(at) }
