package carrier

import (
	"fmt"
	"os"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// muxExchange is the plugin's end of one exchange. The lock of its mux guards it.
//
//	open -> closed [close]: everything was sent, or either end has given up
type muxExchange struct {
	mux      *Mux
	id       uint64
	receiver Receiver
	closed   bool
	// reason is why the exchange was given up, if it was.
	reason   *fault.Error
	order    requestOrder
	progress progress

	// credit is what may be sent, mayCome what the host may send.
	credit, mayCome int
	// taken was taken by the handler since credit was last given, takenInAll from the start.
	taken, takenInAll int
	grown             int

	waiting      []waitingParts
	waitingBytes int
	// lastReset goes out behind what waits.
	lastReset *fault.Error
	// inTurn: it is among the turns of the mux.
	inTurn bool
	// room is where senders wait.
	room     sync.Cond
	deadline writeDeadline
}

// waitingParts are a copy of parts that wait for their turn or for credit.
type waitingParts struct {
	front, chunk, back []byte
	tag                byte
}

func newMuxExchange(mux *Mux, id uint64) *muxExchange {
	e := &muxExchange{mux: mux, id: id, credit: limits.WindowBytes, mayCome: limits.WindowBytes}
	e.room.L = &mux.mu
	return e
}

// Send implements Channel.
func (e *muxExchange) Send(parts Parts) error {
	m := e.mux
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := e.waitForRoom(); err != nil {
		return err
	}
	tag := e.progress.chunkTag()
	if parts.Kind != More {
		e.progress = e.progress.afterPlugin(parts.Kind)
	}
	size := len(parts.Chunk)
	if len(e.waiting) == 0 && size <= e.credit && m.hasRoom() {
		e.put(parts.Front, tag, parts.Chunk, parts.Back)
		if e.progress == over {
			e.close(nil)
		}
		return nil
	}
	e.enqueue(parts, tag)
	return nil
}

// waitForRoom waits until parts may wait, or returns why there won't be room.
func (e *muxExchange) waitForRoom() error {
	enough := limits.WaitingBytes - 1
	for {
		switch {
		case e.reason != nil:
			return e.reason
		case e.closed || e.progress.pluginHasEnded():
			return errOver
		case e.deadline.passed():
			return os.ErrDeadlineExceeded
		case e.waitingBytes <= enough:
			return nil
		}
		// Whoever had to wait goes on when half has gone.
		enough = limits.WaitingBytes / 2
		e.room.Wait()
	}
}

func (e *muxExchange) enqueue(parts Parts, tag byte) {
	front, chunk := len(parts.Front), len(parts.Chunk)
	memory := make([]byte, 0, front+chunk+len(parts.Back))
	memory = append(append(append(memory, parts.Front...), parts.Chunk...), parts.Back...)
	e.waiting = append(e.waiting, waitingParts{
		front: memory[:front],
		chunk: memory[front : front+chunk],
		back:  memory[front+chunk:],
		tag:   tag,
	})
	e.waitingBytes += len(memory)
	e.mux.wantsTurn(e)
}

// sendWaiting puts the next of what waits into the batch. It returns whether more can go at once.
func (e *muxExchange) sendWaiting() bool {
	if len(e.waiting) == 0 {
		return false
	}
	next := &e.waiting[0]
	front, chunk, back := next.front, next.chunk, next.back
	if len(chunk) > e.credit {
		if e.credit == 0 {
			return false
		}
		chunk, back = chunk[:e.credit], nil
		next.front, next.chunk = nil, next.chunk[e.credit:]
	} else {
		tag := next.tag
		*next = waitingParts{tag: tag}
		e.waiting = e.waiting[1:]
		e.waitingBytes -= len(front) + len(chunk) + len(back)
		e.put(front, tag, chunk, back)
		return e.sentWaiting()
	}
	e.waitingBytes -= len(front) + len(chunk)
	e.put(front, next.tag, chunk, back)
	return e.sentWaiting()
}

func (e *muxExchange) sentWaiting() bool {
	if e.waitingBytes <= limits.WaitingBytes/2 {
		e.room.Broadcast()
	}
	if len(e.waiting) > 0 {
		return e.credit > 0 || len(e.waiting[0].chunk) == 0
	}
	e.waiting = nil
	if e.progress == over {
		if e.lastReset != nil {
			e.putReset(e.lastReset)
		}
		e.close(nil)
	}
	return false
}

func (e *muxExchange) put(front []byte, tag byte, chunk, back []byte) {
	e.credit -= len(chunk)
	e.mux.batch = wire.AppendPartsFrame(e.mux.batch, e.id, front, tag, chunk, back)
	e.mux.wake()
}

func (e *muxExchange) putReset(reason *fault.Error) {
	e.mux.batch = wire.AppendResetFrame(e.mux.batch, e.id, reason)
	e.mux.wake()
}

// Taken implements Channel.
func (e *muxExchange) Taken(size int) {
	e.mux.mu.Lock()
	defer e.mux.mu.Unlock()
	e.give(size)
}

// give gives the host credit for bytes that were taken, in steps.
func (e *muxExchange) give(size int) {
	if e.closed {
		return
	}
	m := e.mux
	e.taken += size
	e.takenInAll += size
	if e.taken < limits.CreditStepBytes {
		return
	}
	if e.takenInAll >= limits.GrowthAfterBytes && e.grown == 0 {
		e.grown = m.takeGrowth()
		e.taken += e.grown
	}
	e.mayCome += e.taken
	m.batch = wire.AppendCreditFrame(m.batch, e.id, e.taken)
	e.taken = 0
	m.wake()
}

// Reset implements Channel.
func (e *muxExchange) Reset(reason *fault.Error) {
	e.mux.mu.Lock()
	defer e.mux.mu.Unlock()
	e.reset(reason)
}

func (e *muxExchange) reset(reason *fault.Error) {
	if e.closed {
		return
	}
	if reason.Code == fault.RequestNotNeeded && e.progress.pluginHasEnded() {
		// Behind the last bytes of the tunnel, which may still need credit.
		e.progress = over
		if len(e.waiting) > 0 {
			e.lastReset = reason
			return
		}
		e.putReset(reason)
		e.close(nil)
		return
	}
	e.putReset(reason)
	e.close(reason)
}

// SetWriteDeadline implements Channel.
func (e *muxExchange) SetWriteDeadline(at time.Time) {
	e.mux.mu.Lock()
	defer e.mux.mu.Unlock()
	e.deadline.set(at, &e.room)
}

func (e *muxExchange) receiveFrame(frame *wire.RequestFrame) error {
	if frame.HasParts {
		if err := e.receiveParts(&frame.Parts); err != nil {
			return err
		}
	}
	if frame.CreditBytes > 0 {
		e.credit += int(frame.CreditBytes)
		if e.credit > limits.CreditBytes {
			return fault.Violation("more credit than may be open")
		}
		if len(e.waiting) > 0 {
			e.mux.wantsTurn(e)
		}
	}
	if frame.Reset != nil {
		e.abort(frame.Reset)
	}
	return nil
}

func (e *muxExchange) receiveParts(parts *wire.RequestParts) error {
	size := len(parts.Chunk) + len(parts.TunnelChunk)
	if size > e.mayCome {
		return fault.Violation(fmt.Sprintf("%d bytes of body on a credit of %d", size, e.mayCome))
	}
	e.mayCome -= size
	if e.closed {
		return nil
	}
	order, err := e.order.advance(parts, e.progress)
	if err != nil {
		// Parts out of order end this exchange alone.
		e.giveUp(asFault(err))
		return nil
	}
	e.order = order
	e.progress = e.progress.afterHost(parts)
	e.give(e.receiver.Receive(parts))
	if e.progress == over && len(e.waiting) == 0 {
		e.close(nil)
	}
	return nil
}

// giveUp gives the exchange up and tells both ends.
func (e *muxExchange) giveUp(reason *fault.Error) {
	if !e.closed {
		e.putReset(reason)
		e.abort(reason)
	}
}

// abort: the host has given the exchange up, or the RPC is over.
func (e *muxExchange) abort(reason *fault.Error) {
	if !e.closed {
		e.close(reason)
		e.receiver.Abort(reason)
	}
}

func (e *muxExchange) close(reason *fault.Error) {
	if e.closed {
		return
	}
	e.closed = true
	e.reason = reason
	e.waiting = nil
	e.waitingBytes = 0
	e.deadline.stop()
	e.mux.growthLeft += e.grown
	delete(e.mux.exchanges, e.id)
	e.room.Broadcast()
}
