package carrier

import (
	"fmt"
	"sync"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// batchHeadBytes is the room in front of a batch: for the head of a frame of HTTP/2 and that of a
// gRPC message, so that both go out in one write with it.
const batchHeadBytes = frameHeadBytes + wire.MessageHeadBytes

// Mux is the plugin's end of a ServeHTTPMux RPC (mux.proto). What its exchanges have to say while a
// batch is being written becomes the next batch.
type Mux struct {
	accept Accept
	// wake tells the writer that there may be something to send. It must not wait.
	wake func()

	mu        sync.Mutex
	exchanges map[uint64]*muxExchange
	lastID    uint64
	// growthLeft is what the windows of exchanges may still grow by.
	growthLeft int
	// batch is the next message behind batchHeadBytes; spare is one that was written.
	batch, spare []byte
	hasHello     bool
	// turns are the exchanges that wait for room in a batch, each once.
	turns  []*muxExchange
	closed bool
}

func newMux(accept Accept, wake func()) *Mux {
	return &Mux{
		accept:     accept,
		wake:       wake,
		exchanges:  map[uint64]*muxExchange{},
		growthLeft: limits.GrowthBytes,
		batch:      make([]byte, batchHeadBytes, 4_096),
		spare:      make([]byte, batchHeadBytes, 4_096),
	}
}

// exchangeCount is how many exchanges are open.
func (m *Mux) exchangeCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.exchanges)
}

// receive takes one message of the host's. An error ends the RPC.
func (m *Mux) receive(message []byte) error {
	if err := wire.ReadFrames(message, m.receiveFrame); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.batch) > limits.UnreadBatchBytes {
		// Bodies wait long before. The host asks for answers and reads none.
		return errConnectionLost
	}
	return nil
}

func (m *Mux) receiveFrame(frame *wire.RequestFrame) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	exchange := m.exchanges[frame.ExchangeID]
	if exchange == nil {
		if frame.ExchangeID <= m.lastID {
			return nil // It came too late for an exchange that is over.
		}
		if !frame.HasParts {
			if frame.Reset != nil {
				m.lastID = frame.ExchangeID
				return nil // The host has changed its mind before init.
			}
			return fault.Violation(fmt.Sprintf("a frame of exchange %d, which was never opened", frame.ExchangeID))
		}
		m.lastID = frame.ExchangeID
		if len(m.exchanges) >= limits.Exchanges {
			m.batch = wire.AppendResetFrame(m.batch, frame.ExchangeID, errOverload)
			m.wake()
			return nil
		}
		exchange = newMuxExchange(m, frame.ExchangeID)
		m.exchanges[frame.ExchangeID] = exchange
		exchange.receiver = m.accept(exchange)
	}
	return exchange.receiveFrame(frame)
}

// nextBatch is the next message to send, behind batchHeadBytes. Nil: there is none.
func (m *Mux) nextBatch() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.hasHello {
		// It is empty, whatever there is to say already.
		m.hasHello = true
		hello := make([]byte, batchHeadBytes, 4_096)
		wire.PutMessageHead(hello[frameHeadBytes:], 0)
		return hello
	}
	for len(m.turns) > 0 && len(m.batch) < limits.BatchBytes {
		exchange := m.turns[0]
		m.turns = m.turns[1:]
		if exchange.sendWaiting() {
			m.turns = append(m.turns, exchange)
		} else {
			exchange.inTurn = false
		}
	}
	if len(m.batch) == batchHeadBytes {
		return nil
	}
	batch := m.batch
	m.batch = m.spare
	m.spare = nil
	if m.batch == nil {
		m.batch = make([]byte, batchHeadBytes, 4_096)
	}
	wire.PutMessageHead(batch[frameHeadBytes:], len(batch)-batchHeadBytes)
	return batch
}

// written gives the memory of a batch back.
func (m *Mux) written(batch []byte) {
	m.mu.Lock()
	m.spare = batch[:batchHeadBytes]
	m.mu.Unlock()
}

// drain tells the host to open no more exchanges here.
func (m *Mux) drain() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.batch = wire.AppendDraining(m.batch)
		m.wake()
	}
}

// giveUp gives up all exchanges. The RPC goes on until the host ends it.
func (m *Mux) giveUp(reason *fault.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, exchange := range m.exchanges {
		exchange.giveUp(reason)
	}
}

// close aborts all exchanges: the RPC is over.
func (m *Mux) close(reason *fault.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	for _, exchange := range m.exchanges {
		exchange.abort(reason)
	}
	m.turns = nil
}

// hasRoom tells whether parts may go into the batch that is being made.
func (m *Mux) hasRoom() bool { return len(m.batch) < limits.BatchBytes && len(m.turns) == 0 }

func (m *Mux) wantsTurn(exchange *muxExchange) {
	if !exchange.inTurn {
		exchange.inTurn = true
		m.turns = append(m.turns, exchange)
		m.wake()
	}
}

// takeGrowth is by how much the window of an exchange may grow: 0 where others have taken all there
// is.
func (m *Mux) takeGrowth() int {
	if m.growthLeft < limits.WindowGrowthBytes {
		return 0
	}
	m.growthLeft -= limits.WindowGrowthBytes
	return limits.WindowGrowthBytes
}

var errOverload = fault.New(fault.Overload, "more exchanges than one connection takes")
