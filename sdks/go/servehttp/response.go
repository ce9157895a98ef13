package servehttp

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// inform sends an interim response. Of those with status 100, a client wants one, and only if it has
// said so.
func (w *response) inform(status int) {
	asks := &w.exchange.body.asks
	if status == http.StatusContinue {
		if !asks.CompareAndSwap(true, false) {
			return
		}
	} else if left := limits.InformationalCount - w.interims; left < 1 || left == 1 && asks.Load() {
		w.warn(fmt.Sprintf("WriteHeader is ignored: an exchange has at most %d interim responses", limits.InformationalCount), status)
		return
	}
	w.interims++
	content := wire.AppendStatus(nil, status)
	if status != http.StatusContinue {
		for _, name := range sortedNames(w.header) {
			if name != "Content-Length" && name != "Transfer-Encoding" {
				content = wire.AppendField(content, wire.HeadFieldTag, name, w.header[name])
			}
		}
	}
	_ = w.send(carrier.Parts{Front: wire.AppendInformational(nil, content)})
}

// switchProtocols keeps the head of a 101, as net/http does.
func (w *response) switchProtocols() {
	w.state = responseSwitching
	head := bytes.NewBufferString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = w.header.Write(head)
	head.WriteString("\r\n")
	w.switching = head.Bytes()
}

// askForBody sends the 100 (Continue) that the client waits for.
func (w *response) askForBody() error {
	// Once the head has gone, nobody holds the lock for it any more, but a write may hold it for long.
	if !w.headSent.Load() {
		w.mu.Lock()
		defer w.mu.Unlock()
	}
	if w.headSent.Load() {
		if w.exchange.body.asks.Load() {
			return errTooLateToAsk
		}
		return nil
	}
	if w.state == responseOpen || w.state == responseCommitted {
		w.inform(http.StatusContinue)
	}
	return nil
}

var errTooLateToAsk = fault.New(fault.RequestNotNeeded,
	"the client waits for a 100 (Continue), which can't follow the response's head: read the body before you flush the response")

// commit makes the head of what the handler has set. What follows from the body is added as it is
// sent.
func (w *response) commit(status int) {
	w.state = responseCommitted
	w.status = status
	w.buffer = responseBuffers.Get().(*responseBuffer)
	w.head = wire.AppendStatus(w.buffer.head[:0], status)
	for _, name := range sortedNames(w.header) {
		if w.belongsToHead(name) {
			w.head = wire.AppendField(w.head, wire.HeadFieldTag, name, w.header[name])
		}
	}
}

// belongsToHead notes what the fields say.
func (w *response) belongsToHead(name string) bool {
	values := w.header[name]
	switch name {
	case "Content-Length":
		return w.declareLength(values)
	case "Content-Type":
		w.hasType = true
	case "Content-Encoding":
		w.hasCoding = w.hasCoding || len(values) > 0 && values[0] != ""
	case "Transfer-Encoding":
		// The framing is the host's business.
		w.hasCoding = true
		return false
	case "Trailer":
		w.declareTrailers(values)
	}
	return !strings.HasPrefix(name, http.TrailerPrefix)
}

func (w *response) declareLength(values []string) bool {
	if len(values) == 0 {
		return false
	}
	length, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || length < 0 {
		w.exchange.service.logger.Warn("the Content-Length is left out: it is no length",
			requestIDKey, w.exchange.info.ID, "length", values[0])
		return false
	}
	w.hasLength = true
	w.declared = length
	return true
}

func (w *response) declareTrailers(values []string) {
	for _, line := range values {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			switch name {
			case "", "Transfer-Encoding", "Content-Length", "Trailer":
			default:
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

func sortedNames(header http.Header) []string {
	if len(header) == 0 {
		return nil
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
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

func allowsBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

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

// completeHead adds what net/http adds by looking at the beginning of the body, or at all of it.
func (w *response) completeHead(first []byte, isAll bool) {
	if !allowsBody(w.status) {
		return
	}
	if !w.hasType && !w.hasCoding && len(first) > 0 {
		w.head = wire.AppendField(w.head, wire.HeadFieldTag, "Content-Type", []string{http.DetectContentType(first)})
	}
	if isAll && !w.hasLength && !w.hasTrailers() && (!w.isHead || len(first) > 0) && w.written == int64(len(first)) {
		w.head = wire.AppendField(w.head, wire.HeadFieldTag, "Content-Length", []string{formatInt(w.written)})
	}
}

func formatInt(number int64) string { return strconv.FormatInt(number, 10) }

func (w *response) hasTrailers() bool {
	if len(w.trailers) > 0 {
		return true
	}
	for name := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
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

// trailerFields are the fields that the handler has announced, and those with http.TrailerPrefix.
func (w *response) trailerFields() []byte {
	var fields []byte
	for _, name := range w.trailers {
		fields = wire.AppendField(fields, wire.TrailerFieldTag, name, w.header[name])
	}
	for _, key := range sortedNames(w.header) {
		if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok {
			fields = wire.AppendField(fields, wire.TrailerFieldTag, http.CanonicalHeaderKey(name), w.header[key])
		}
	}
	return fields
}

func (w *response) extendHead(milliseconds uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == responseOpen {
		_ = w.send(carrier.Parts{Front: wire.AppendExtendHead(nil, milliseconds)})
	}
}

// Hijack implements http.Hijacker. The connection lives on when the handler returns, as in net/http,
// until it is closed.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.state == responseHijacked:
		return nil, nil, http.ErrHijacked
	case w.state != responseOpen && w.state != responseSwitching:
		return nil, nil, fmt.Errorf("servehttp: the response has begun, so the connection can't be taken over")
	case w.writeError != nil:
		return nil, nil, w.writeError
	case !w.hijackable:
		return nil, nil, fmt.Errorf("servehttp: this connection can't be taken over, because the request is no upgrade that the host allows, or came over HTTP/2: %w", http.ErrNotSupported)
	}
	conn := newTunnelConn(w.exchange, w.tunnelHead)
	// The carrier may bring bytes as soon as the hijack is sent.
	w.exchange.tunnel.Store(conn)
	if err := w.send(carrier.Parts{Front: wire.Hijack, Kind: carrier.Hijacks}); err != nil {
		return nil, nil, err
	}
	w.state = responseHijacked
	w.headSent.Store(true)
	w.exchange.body.drop(http.ErrHijacked)
	w.exchange.service.running.enter()
	if _, err := conn.Write(w.switching); err != nil {
		return nil, nil, err
	}
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
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
