package servehttp

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"servehttp.example/sdks/go/internal/carrier"
	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// response is the http.ResponseWriter of a handler. As that of net/http it collects up to 4 KiB, and
// gives a short response its Content-Length and, by its first bytes, its Content-Type.
//
//	open -> committed [commit] -> ended [finish]; open -> switching [WriteHeader(101)]
//	open, switching -> hijacked [Hijack]; open, committed, switching -> failed [fail]
type response struct {
	exchange *exchange
	header   http.Header
	isHead   bool
	// hijackable and tunnelHead are the request's.
	hijackable bool
	tunnelHead string

	mu    sync.Mutex
	state responseState
	// head is the content of the final head once it is committed, until it is sent.
	head []byte
	// headSent is set under mu and read without it.
	headSent atomic.Bool
	status   int
	// has tells of fields that the handler has set.
	hasType, hasLength, hasCoding bool
	// declared is the Content-Length that the handler has set, or -1.
	declared, written int64
	trailers          []string
	// buffer has what was written and not sent.
	buffer     *responseBuffer
	interims   int
	switching  []byte
	writeError error
	warned     bool
}

type responseState int

const (
	responseOpen responseState = iota
	responseCommitted
	// responseSwitching: the head of a 101 is in switching, and goes out as the connection is hijacked.
	responseSwitching
	responseEnded
	responseHijacked
	responseFailed
)

// responseBuffer is the memory of a response that is being written.
type responseBuffer struct {
	body []byte
	// front is where the parts in front of a chunk are put together.
	front, head []byte
}

var responseBuffers = sync.Pool{New: func() any {
	return &responseBuffer{body: make([]byte, 0, limits.ResponseBufferBytes)}
}}

func (w *response) init(e *exchange, init *wire.RequestInit) {
	w.exchange = e
	w.header = make(http.Header, 4)
	w.isHead = init.Method == http.MethodHead
	w.hijackable = init.Hijackable
	w.tunnelHead = init.TunnelHead
	w.declared = -1
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. A status of 1xx but 101 sends an interim response; 101
// has to be followed by Hijack, which sends it.
func (w *response) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d: a final status is 200 to 999", status))
	}
	switch {
	case w.state == responseHijacked:
		w.warn("WriteHeader is ignored: the connection was hijacked", status)
	case w.state != responseOpen:
		w.warn("WriteHeader is ignored: the response's head is committed", status)
	case status == http.StatusSwitchingProtocols:
		w.switchProtocols()
	case status < 200:
		w.inform(status)
	default:
		w.commit(status)
	}
}

// Write implements http.ResponseWriter. It waits while the client takes no more.
func (w *response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements io.StringWriter.
func (w *response) WriteString(text string) (int, error) { return write(w, text) }

func write[T ~[]byte | ~string](w *response, p T) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.beforeWrite(len(p)); err != nil {
		return 0, err
	}
	if w.isHead {
		// Its beginning says what type the body would have, its length how long it would be.
		room := min(len(p), cap(w.buffer.body)-len(w.buffer.body))
		w.buffer.body = append(w.buffer.body, p[:room]...)
		return len(p), nil
	}
	n := 0
	for {
		room := cap(w.buffer.body) - len(w.buffer.body)
		if len(p)-n <= room {
			w.buffer.body = append(w.buffer.body, p[n:]...)
			return len(p), nil
		}
		var err error
		if len(w.buffer.body) == 0 {
			// More than a buffer of it: it goes out as it is.
			size := min(len(p)-n, limits.ChunkBytes)
			if err = w.sendBody([]byte(p[n:n+size]), nil, carrier.More); err == nil {
				n += size
			}
		} else {
			w.buffer.body = append(w.buffer.body, p[n:n+room]...)
			n += room
			err = w.sendBuffer()
		}
		if err != nil {
			return n, err
		}
	}
}

func (w *response) beforeWrite(size int) error {
	switch w.state {
	case responseOpen:
		w.commit(http.StatusOK)
	case responseHijacked:
		return http.ErrHijacked
	case responseEnded:
		return errResponseEnded
	case responseSwitching:
		return http.ErrBodyNotAllowed
	}
	switch {
	case w.writeError != nil:
		return w.writeError
	case size == 0:
		return nil
	case !allowsBody(w.status):
		return http.ErrBodyNotAllowed
	}
	w.written += int64(size)
	if w.declared >= 0 && w.written > w.declared {
		return http.ErrContentLength
	}
	return nil
}

var errResponseEnded = fault.New(fault.RequestNotNeeded, "the handler has returned, and its response with it")

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends what was written, and at least the head.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.beforeWrite(0); err != nil {
		return err
	}
	return w.sendBufferWith(wire.Flush, carrier.More)
}

func (w *response) sendBuffer() error { return w.sendBufferWith(nil, carrier.More) }

func (w *response) sendBufferWith(back []byte, kind carrier.Kind) error {
	err := w.sendBody(w.buffer.body, back, kind)
	w.buffer.body = w.buffer.body[:0]
	return err
}

// sendBody sends a piece of the body, behind the head if that has not gone yet.
func (w *response) sendBody(chunk, back []byte, kind carrier.Kind) error {
	parts := carrier.Parts{Chunk: chunk, Back: back, Kind: kind}
	if w.head != nil {
		w.completeHead(chunk, kind == carrier.Ends)
		w.buffer.front = wire.AppendInit(w.buffer.front[:0], w.head)
		w.buffer.head = w.head
		w.head = nil
		parts.Front = w.buffer.front
		defer w.headSent.Store(true)
		if len(parts.Front) > limits.FieldSectionBytes {
			return w.refuse(fmt.Sprintf("the response's header fields have more than %d bytes", limits.FieldSectionBytes))
		}
	}
	if w.isHead {
		parts.Chunk = nil
	}
	return w.send(parts)
}

// send keeps the first error: what follows would leave a hole.
func (w *response) send(parts carrier.Parts) error {
	if w.writeError == nil {
		w.writeError = w.exchange.channel.Send(parts)
	}
	return w.writeError
}

// refuse makes the exchange fail over an answer that can't be sent.
func (w *response) refuse(message string) error {
	w.exchange.service.logger.Error(message, requestIDKey, w.exchange.info.ID)
	w.writeError = fault.New(fault.HandlerFailed, message)
	w.exchange.channel.Reset(fault.New(fault.HandlerFailed, message))
	return w.writeError
}

// finish: the handler has returned.
func (w *response) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.state {
	case responseHijacked, responseFailed:
		return
	case responseSwitching:
		w.state = responseFailed
		_ = w.refuse("the handler wrote the status 101 and did not hijack the connection")
		return
	case responseOpen:
		w.commit(http.StatusOK)
	}
	if w.writeError == nil {
		end := wire.End
		if w.hasTrailers() {
			end = wire.AppendEnd(nil, w.trailerFields())
		}
		_ = w.sendBufferWith(end, carrier.Ends)
	}
	w.state = responseEnded
	if w.writeError != nil {
		// Where the exchange was given up, this does nothing.
		w.exchange.channel.Reset(fault.New(fault.HandlerFailed, "the response could not be written"))
	}
	w.freeBuffer()
}

// fail: the handler has panicked. The client gets 500, or a broken transfer if the head has gone.
func (w *response) fail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state <= responseSwitching {
		w.state = responseFailed
		w.exchange.channel.Reset(fault.New(fault.HandlerFailed, "the handler failed"))
		w.freeBuffer()
	}
}

func (w *response) freeBuffer() {
	if w.buffer != nil {
		w.buffer.body = w.buffer.body[:0]
		responseBuffers.Put(w.buffer)
		w.buffer = nil
	}
}

// CloseNotify implements http.CloseNotifier, which Gin still uses.
func (w *response) CloseNotify() <-chan bool {
	left := make(chan bool, 1)
	context.AfterFunc(w.exchange.request.Context(), func() { left <- true })
	return left
}

// SetReadDeadline is for http.ResponseController. It bounds the reading of the request's body.
func (w *response) SetReadDeadline(at time.Time) error {
	w.exchange.body.setReadDeadline(at)
	return nil
}

// SetWriteDeadline is for http.ResponseController. Once it has passed, the response is broken off.
func (w *response) SetWriteDeadline(at time.Time) error {
	w.exchange.channel.SetWriteDeadline(at)
	return nil
}

// EnableFullDuplex is for http.ResponseController. Requests may always be read behind the head of
// their response.
func (w *response) EnableFullDuplex() error { return nil }

func (w *response) warn(message string, status int) {
	if !w.warned {
		w.warned = true
		w.exchange.service.logger.Warn(message, requestIDKey, w.exchange.info.ID, "status", status)
	}
}
