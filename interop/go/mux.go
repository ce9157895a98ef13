package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	pb "servehttp.example/interop/gen/servehttp/v1"
)

// windowBytes is the credit that each direction of an exchange starts with.
const windowBytes = 262_144

var errAborted = errors.New("the host gave the exchange up")

// ServeHTTPMux is many exchanges over one RPC.
func (p *examplePlugin) ServeHTTPMux(stream pb.PluginService_ServeHTTPMuxServer) error {
	if err := stream.Send(&pb.ServeHTTPMuxResponse{}); err != nil { // The hello.
		return err
	}
	m := &mux{stream: stream, exchanges: map[uint64]*muxExchange{}}
	defer m.abortAll()
	for {
		batch, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, frame := range batch.Frames {
			m.accept(frame, p.ServeHTTP)
		}
	}
}

type mux struct {
	stream    pb.PluginService_ServeHTTPMuxServer
	sending   sync.Mutex
	lock      sync.Mutex
	exchanges map[uint64]*muxExchange
	running   sync.WaitGroup
}

func (m *mux) accept(frame *pb.RequestFrame, serve func(pb.PluginService_ServeHTTPServer) error) {
	id := frame.ExchangeId
	m.lock.Lock()
	exchange := m.exchanges[id]
	if exchange == nil && frame.Parts.GetInit() != nil {
		exchange = newMuxExchange(m, id)
		m.exchanges[id] = exchange
		m.running.Go(func() {
			exchange.answer(serve)
			m.lock.Lock()
			delete(m.exchanges, id)
			m.lock.Unlock()
		})
	}
	m.lock.Unlock()
	// There is none where the exchange is over: the frame is late, and ignored.
	if exchange != nil {
		exchange.accept(frame)
	}
}

func (m *mux) send(frame *pb.ResponseFrame) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	return m.stream.Send(&pb.ServeHTTPMuxResponse{Frames: []*pb.ResponseFrame{frame}})
}

func (m *mux) abortAll() {
	m.lock.Lock()
	for _, exchange := range m.exchanges {
		exchange.abort()
	}
	m.lock.Unlock()
	m.running.Wait()
}

// muxExchange is one exchange as frames of an RPC that carries more of them. To a handler it is a stream like that of an RPC of its own.
type muxExchange struct {
	grpc.ServerStream // Nobody calls what is not below.
	mux               *mux
	id                uint64
	context           context.Context
	cancel            context.CancelFunc
	changed           *sync.Cond
	received          []*pb.ServeHTTPRequest
	creditBytes       int
}

func newMuxExchange(m *mux, id uint64) *muxExchange {
	exchange := &muxExchange{mux: m, id: id, changed: sync.NewCond(&sync.Mutex{}), creditBytes: windowBytes}
	exchange.context, exchange.cancel = context.WithCancel(m.stream.Context())
	return exchange
}

func (e *muxExchange) accept(frame *pb.RequestFrame) {
	e.changed.L.Lock()
	if frame.Parts != nil {
		e.received = append(e.received, frame.Parts)
	}
	e.creditBytes += int(frame.CreditBytes)
	e.changed.L.Unlock()
	e.changed.Broadcast()
	if frame.Reset_ != nil {
		e.abort()
	}
}

func (e *muxExchange) abort() {
	e.changed.L.Lock()
	e.cancel()
	e.changed.L.Unlock()
	e.changed.Broadcast()
}

func (e *muxExchange) answer(serve func(pb.PluginService_ServeHTTPServer) error) {
	ended := &endWatch{muxExchange: e}
	if err := serve(ended); (err != nil || !ended.seen) && e.context.Err() == nil {
		reset := &pb.Reset{Code: pb.ResetCode_RESET_CODE_HANDLER_FAILED}
		_ = e.mux.send(&pb.ResponseFrame{ExchangeId: e.id, Reset_: reset})
	}
	e.cancel()
}

func (e *muxExchange) Context() context.Context { return e.context }

// Recv gives credit as a chunk is taken, not as it arrives: that is the back-pressure.
func (e *muxExchange) Recv() (*pb.ServeHTTPRequest, error) {
	e.changed.L.Lock()
	for len(e.received) == 0 && e.context.Err() == nil {
		e.changed.Wait()
	}
	if e.context.Err() != nil {
		e.changed.L.Unlock()
		return nil, errAborted
	}
	parts := e.received[0]
	e.received = e.received[1:]
	e.changed.L.Unlock()
	if len(parts.Chunk) == 0 {
		return parts, nil
	}
	return parts, e.mux.send(&pb.ResponseFrame{ExchangeId: e.id, CreditBytes: uint32(len(parts.Chunk))})
}

// Send waits for credit where there is none.
func (e *muxExchange) Send(parts *pb.ServeHTTPResponse) error {
	e.changed.L.Lock()
	for e.creditBytes < len(parts.Chunk) && e.context.Err() == nil {
		e.changed.Wait()
	}
	if e.context.Err() != nil {
		e.changed.L.Unlock()
		return errAborted
	}
	e.creditBytes -= len(parts.Chunk)
	e.changed.L.Unlock()
	return e.mux.send(&pb.ResponseFrame{ExchangeId: e.id, Parts: parts})
}

// endWatch sees whether a response is whole.
type endWatch struct {
	*muxExchange
	seen bool
}

func (w *endWatch) Send(parts *pb.ServeHTTPResponse) error {
	w.seen = w.seen || parts.End != nil
	return w.muxExchange.Send(parts)
}
