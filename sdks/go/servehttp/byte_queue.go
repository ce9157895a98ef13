package servehttp

import (
	"os"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/limits"
)

// byteQueue is what has come of a body or a tunnel, at most a window of it, between the carrier, which
// brings it, and the handler, which reads it.
//
//	open -> ended [end]; open, ended -> closed [close]
type byteQueue struct {
	mu      sync.Mutex
	changed sync.Cond
	chunks  []*chunk
	// at is how much of the first chunk was read.
	at int
	// ended is what a read returns behind the last byte.
	ended    error
	deadline time.Time
	timer    *time.Timer
}

// chunk is memory that is used again.
type chunk struct {
	data []byte
}

var chunks = sync.Pool{New: func() any { return &chunk{data: make([]byte, 0, limits.ChunkBytes)} }}

// smallChunkBytes is up to where a chunk gets memory of its own length.
const smallChunkBytes = 8_192

func newChunk(data []byte) *chunk {
	if len(data) <= smallChunkBytes {
		return &chunk{data: append([]byte(nil), data...)}
	}
	c := chunks.Get().(*chunk)
	c.data = append(c.data[:0], data...)
	return c
}

func (c *chunk) free() {
	if cap(c.data) >= limits.ChunkBytes {
		chunks.Put(c)
	}
}

func (q *byteQueue) init() { q.changed.L = &q.mu }

// push adds bytes, of which it keeps a copy. False: nobody reads them.
func (q *byteQueue) push(data []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return false
	}
	q.chunks = append(q.chunks, newChunk(data))
	q.changed.Broadcast()
	return true
}

// end says what reads return behind what has come, or at once where what has come is dropped. It
// returns how many bytes were dropped.
func (q *byteQueue) end(err error, drop bool) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil || drop {
		q.ended = err
	}
	if drop {
		for _, c := range q.chunks {
			dropped += len(c.data)
			c.free()
		}
		dropped -= q.at
		q.chunks, q.at = nil, 0
	}
	q.changed.Broadcast()
	return dropped
}

// hasEnded tells whether all has come that will.
func (q *byteQueue) hasEnded() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ended != nil
}

// read waits for bytes, for the end or for the deadline.
func (q *byteQueue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.deadlinePassed():
			return 0, os.ErrDeadlineExceeded
		case len(q.chunks) > 0:
			return q.take(p), nil
		case q.ended != nil:
			return 0, q.ended
		case len(p) == 0:
			return 0, nil
		}
		q.changed.Wait()
	}
}

func (q *byteQueue) take(p []byte) int {
	n := 0
	for n < len(p) && len(q.chunks) > 0 {
		first := q.chunks[0]
		copied := copy(p[n:], first.data[q.at:])
		n += copied
		if q.at += copied; q.at == len(first.data) {
			first.free()
			q.chunks[0] = nil
			q.chunks, q.at = q.chunks[1:], 0
		}
	}
	return n
}

// setDeadline bounds the waiting of reads. Zero: no bound.
func (q *byteQueue) setDeadline(at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	q.deadline = at
	if !at.IsZero() {
		q.timer = time.AfterFunc(time.Until(at), func() {
			q.mu.Lock()
			q.changed.Broadcast()
			q.mu.Unlock()
		})
	}
	q.changed.Broadcast()
}

func (q *byteQueue) deadlinePassed() bool {
	return !q.deadline.IsZero() && !time.Now().Before(q.deadline)
}
