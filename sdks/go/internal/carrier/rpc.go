package carrier

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// rpc is an RPC that net/http serves.
type rpc struct {
	w          http.ResponseWriter
	r          *http.Request
	controller *http.ResponseController
}

func newRPC(w http.ResponseWriter, r *http.Request) *rpc {
	w.Header().Set("Content-Type", wire.ContentType)
	return &rpc{w, r, http.NewResponseController(w)}
}

// send sends a message, behind room for its head at the beginning of the slice.
func (c *rpc) send(message []byte) error {
	wire.PutMessageHead(message, len(message)-wire.MessageHeadBytes)
	if _, err := c.w.Write(message); err != nil {
		return err
	}
	return c.controller.Flush()
}

// end ends the RPC, once the handler of net/http returns.
func (c *rpc) end(status wire.Status) {
	header := c.w.Header()
	header.Set(http.TrailerPrefix+"Grpc-Status", status.Code)
	if status.Message != "" {
		header.Set(http.TrailerPrefix+"Grpc-Message", status.Message)
	}
}

// stopReading makes a read of the request return, now and later.
func (c *rpc) stopReading() { _ = c.controller.SetReadDeadline(time.Now()) }

// one reads the one message of a unary RPC.
func (c *rpc) one() ([]byte, error) {
	reader := wire.MessageReader{BytesMax: limits.RPCMessageBytes}
	buffer := make([]byte, 4_096)
	var found []byte
	for {
		n, err := c.r.Body.Read(buffer)
		problem := reader.Push(buffer[:n], func(message []byte) error {
			if found == nil {
				found = append([]byte{}, message...)
			}
			return nil
		})
		switch {
		case problem != nil:
			return nil, problem
		case found != nil:
			return found, nil
		case errors.Is(err, io.EOF):
			return nil, fault.Violation("the request has no message")
		case err != nil:
			return nil, err
		}
	}
}

// serveMux serves a mux RPC of a host that has no connection of its own for it.
func (c *rpc) serveMux(mux *Mux, awake <-chan struct{}) {
	written := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(written)
		c.writeMux(mux, awake, done)
	}()
	reason := c.readMux(mux)
	mux.close(reason)
	close(done)
	// A write may wait for a host that reads nothing any more.
	_ = c.controller.SetWriteDeadline(time.Now().Add(limits.LingerTimeout))
	<-written
	if reason.Code == fault.ProtocolViolation {
		c.end(wire.StatusOf(reason))
	} else {
		c.end(wire.OK)
	}
}

func (c *rpc) readMux(mux *Mux) *fault.Error {
	messages := wire.MessageReader{BytesMax: limits.MuxMessageBytes}
	buffer := make([]byte, readBytes)
	for {
		n, err := c.r.Body.Read(buffer)
		if n > 0 {
			if problem := messages.Push(buffer[:n], mux.receive); problem != nil {
				return asFault(problem)
			}
		}
		if errors.Is(err, io.EOF) {
			return fault.New(fault.HostStopping, "the host ended the mux RPC")
		}
		if err != nil {
			return errConnectionLost
		}
	}
}

func (c *rpc) writeMux(mux *Mux, awake, done <-chan struct{}) {
	for {
		if batch := mux.nextBatch(); batch != nil {
			if err := c.send(batch[frameHeadBytes:]); err != nil {
				// The reader learns of it by itself.
				return
			}
			mux.written(batch)
			continue
		}
		select {
		case <-awake:
			runtime.Gosched()
		case <-done:
			return
		}
	}
}
