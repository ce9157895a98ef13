package carrier

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// streamExchange is the plugin's end of an exchange on the stream carrier: one ServeHTTP RPC, which
// net/http serves.
//
//	open -> closed [finish]: everything was sent, or either end has given up
type streamExchange struct {
	rpc      *rpc
	receiver Receiver

	// sending is held while something is written, which may take long.
	sending sync.Mutex
	// scratch is where messages are put together. Under sending.
	scratch []byte

	mu       sync.Mutex
	order    requestOrder
	progress progress
	closed   bool
	// reason is why the exchange was given up, if it was.
	reason *fault.Error
	status wire.Status
	// held was given to the receiver and not yet taken.
	held     int
	room     sync.Cond
	reading  bool
	finished chan struct{}
	deadline writeDeadline
}

func newStreamExchange(c *rpc) *streamExchange {
	e := &streamExchange{rpc: c, finished: make(chan struct{}), status: wire.OK}
	e.room.L = &e.mu
	return e
}

// serve returns when the exchange is over, whatever its handler still does.
func (e *streamExchange) serve(accept Accept) {
	e.receiver = accept(e)
	e.reading = true
	// Where the reader waits for the handler, only this tells it that the host has left.
	stop := context.AfterFunc(e.rpc.r.Context(), e.wakeReader)
	defer stop()
	e.read()
	select {
	case <-e.finished:
	case <-e.rpc.r.Context().Done():
		e.abortWith(e.errorOfReset())
	}
	// A write that still runs fails, because its stream is gone, or ends. None begins any more.
	e.sending.Lock()
	defer e.sending.Unlock()
	e.rpc.end(e.status)
}

// read reads until the request is over, or the exchange.
func (e *streamExchange) read() {
	defer e.readingEnds()
	messages := wire.MessageReader{BytesMax: limits.StreamMessageBytes}
	buffer := make([]byte, 16_384)
	for {
		n, err := e.rpc.r.Body.Read(buffer)
		if problem := messages.Push(buffer[:n], e.receive); problem != nil {
			if problem != errOver {
				e.abort(asFault(problem))
			}
			return
		}
		switch {
		case e.isReadingOver():
			return
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return // The exchange is over.
		case errors.Is(err, io.EOF):
			e.wasCut()
			return
		default:
			e.abortWith(err)
			return
		}
	}
}

func (e *streamExchange) wakeReader() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.room.Broadcast()
}

func (e *streamExchange) readingEnds() {
	e.mu.Lock()
	e.reading = false
	e.mu.Unlock()
}

func (e *streamExchange) isReadingOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed || e.order.isOver(e.progress) && e.progress != open
}

// receive takes one message, and waits while the handler has not taken what came before. That is
// the back-pressure: meanwhile the window of the stream fills.
func (e *streamExchange) receive(message []byte) error {
	parts, err := wire.ReadRequestParts(message)
	if err != nil {
		return err
	}
	if parts.Reset != nil {
		e.abort(parts.Reset)
		return errOver
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx := e.rpc.r.Context()
	for e.held >= limits.ChunkBytes && !e.closed && ctx.Err() == nil {
		e.room.Wait()
	}
	if e.closed || ctx.Err() != nil {
		return errOver
	}
	if e.order, err = e.order.advance(&parts, e.progress); err != nil {
		return err
	}
	e.progress = e.progress.afterHost(&parts)
	e.held += len(parts.Chunk) + len(parts.TunnelChunk) - e.receiver.Receive(&parts)
	if e.progress == over {
		e.finish(nil)
	}
	return nil
}

// wasCut: the host ended its way before its last part. A reset that says why may follow at once.
func (e *streamExchange) wasCut() {
	if e.isRequestOver() {
		return
	}
	timer := time.NewTimer(limits.ResetReasonTimeout)
	defer timer.Stop()
	select {
	case <-e.finished:
	case <-e.rpc.r.Context().Done():
		e.abortWith(e.errorOfReset())
	case <-timer.C:
		e.abort(fault.New(fault.ClientDisconnected, "the request stopped before its end"))
	}
}

func (e *streamExchange) isRequestOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed || e.order.isOver(e.progress)
}

// errorOfReset says why the stream is gone. What of the request is left unread does not matter any
// more.
func (e *streamExchange) errorOfReset() error {
	buffer := make([]byte, 4_096)
	for {
		if _, err := e.rpc.r.Body.Read(buffer); err != nil {
			return err
		}
	}
}

// streamError has the fields of net/http's own error for a stream that was reset. errors.As converts
// to a struct with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "the stream was reset" }

var resetReasons = map[uint32]fault.Code{
	codeEnhanceYourCalm: fault.Deadline,
	codeInternalError:   fault.HostStopping,
	codeProtocolError:   fault.ProtocolViolation,
}

func reasonOf(err error) *fault.Error {
	var reset streamError
	if !errors.As(err, &reset) {
		if errors.Is(err, io.EOF) {
			return fault.New(fault.ClientDisconnected, "the host gave the exchange up")
		}
		return errConnectionLost
	}
	code, ok := resetReasons[reset.Code]
	if !ok {
		code = fault.ClientDisconnected
	}
	return fault.New(code, "the host gave the exchange up: "+string(code))
}

// Send implements Channel.
func (e *streamExchange) Send(parts Parts) error {
	e.sending.Lock()
	defer e.sending.Unlock()
	tag, err := e.begin(parts.Kind)
	if err != nil {
		return err
	}
	e.scratch = append(e.scratch[:0], make([]byte, wire.MessageHeadBytes)...)
	e.scratch = wire.AppendParts(e.scratch, parts.Front, tag, parts.Chunk, parts.Back)
	if err := e.rpc.send(e.scratch); err != nil {
		return e.writeFailed(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.progress == over {
		e.finish(nil)
	}
	return nil
}

func (e *streamExchange) begin(kind Kind) (tag byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.reason != nil:
		return 0, e.reason
	case e.closed || e.progress.pluginHasEnded():
		return 0, errOver
	case e.deadline.passed():
		return 0, os.ErrDeadlineExceeded
	}
	tag = e.progress.chunkTag()
	e.progress = e.progress.afterPlugin(kind)
	return tag, nil
}

// writeFailed: the stream is gone, or the deadline has passed, which has reset it.
func (e *streamExchange) writeFailed(err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deadline.passed() {
		return os.ErrDeadlineExceeded
	}
	if e.reason != nil {
		return e.reason
	}
	return reasonOf(err)
}

// Taken implements Channel.
func (e *streamExchange) Taken(size int) {
	e.mu.Lock()
	e.held -= size
	e.room.Signal()
	e.mu.Unlock()
}

// Reset implements Channel.
func (e *streamExchange) Reset(reason *fault.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	if reason.Code == fault.RequestNotNeeded && e.progress.pluginHasEnded() {
		e.finish(nil)
		return
	}
	e.finish(reason)
}

// SetWriteDeadline implements Channel.
func (e *streamExchange) SetWriteDeadline(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.deadline.set(at, &e.room)
		_ = e.rpc.controller.SetWriteDeadline(at)
	}
}

// abort: the host has given the exchange up or broke a rule, or the plugin closes. The status of the
// RPC tells the host, unless it knows.
func (e *streamExchange) abort(reason *fault.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.finish(reason)
		e.receiver.Abort(reason)
	}
}

// abortWith is abort where the stream is gone: net/http resets it when the deadline of a write passes.
func (e *streamExchange) abortWith(err error) {
	reason := reasonOf(err)
	e.mu.Lock()
	if e.deadline.passed() {
		reason = errWriteDeadline
	}
	e.mu.Unlock()
	e.abort(reason)
}

var errWriteDeadline = fault.New(fault.Deadline, "the write deadline has passed")

// finish ends the RPC, with the status of the reason.
func (e *streamExchange) finish(reason *fault.Error) {
	if e.closed {
		return
	}
	e.closed = true
	e.reason = reason
	if reason != nil {
		e.status = wire.StatusOf(reason)
		if e.sending.TryLock() {
			e.sending.Unlock()
		} else {
			// A write waits for a host that takes nothing, and would keep the RPC from its end.
			_ = e.rpc.controller.SetWriteDeadline(time.Now())
		}
	}
	e.deadline.stop()
	e.room.Broadcast()
	close(e.finished)
	if e.reading {
		e.rpc.stopReading()
	}
}
