package servehttp

import (
	"encoding/binary"
	"net/http"
	"sync"
	"testing"
	"time"

	"servehttp.example/sdks/go/internal/wire"
)

// The messages of the contract as a host writes and reads them, for tests. It shares nothing with the
// code under test but the encoding of one field.

func delimited[T ~[]byte | ~string](tag byte, content T) []byte {
	return wire.AppendDelimited(nil, tag, content)
}

func number(tag []byte, value uint64) []byte {
	return wire.AppendVarint(append([]byte{}, tag...), value)
}

func join(pieces ...[]byte) (joined []byte) {
	for _, piece := range pieces {
		joined = append(joined, piece...)
	}
	return joined
}

func headerField(name string, values ...string) []byte {
	content := delimited(0x0a, name)
	for _, value := range values {
		content = append(content, delimited(0x12, value)...)
	}
	return content
}

// initPart is a RequestInit with these fields, and those that every request has.
func initPart(method, url string, fields ...[]byte) []byte {
	content := join(
		delimited(0x0a, method), delimited(0x12, url), delimited(0x1a, "/plugins/notes"+url),
		delimited(0x22, "HTTP/1.1"), number([]byte{0x28}, 1), number([]byte{0x30}, 1),
		delimited(0x3a, "example.org"), delimited(0x42, "192.0.2.1:4711"), delimited(0x62, "r-1"),
		delimited(0x72, "http"),
	)
	content = append(content, join(fields...)...)
	return delimited(0x0a, content)
}

// Fields of a RequestInit.
func field(name string, values ...string) []byte {
	return delimited(0x4a, headerField(name, values...))
}
func length(bytes int64) []byte {
	return number([]byte{0x50}, uint64(bytes<<1)^uint64(bytes>>63))
}
func deadlineAt(at time.Time) []byte { return number([]byte{0x58}, uint64(at.UnixMilli())) }
func expectContinue() []byte         { return []byte{0x78, 1} }
func hijackable() []byte             { return []byte{0x80, 1, 1} }
func tunnelHead(text string) []byte  { return append([]byte{0x8a, 1, byte(len(text))}, text...) }
func basePath(text string) []byte    { return append([]byte{0x92, 1, byte(len(text))}, text...) }
func contextEntry(name, value string) []byte {
	return delimited(0x6a, join(delimited(0x0a, name), delimited(0x12, value)))
}

// Parts of a request.
func chunkPart(data []byte) []byte { return delimited(0x12, data) }
func endPart(trailers ...[]byte) []byte {
	var content []byte
	for _, trailer := range trailers {
		content = append(content, delimited(0x0a, trailer)...)
	}
	return delimited(0x1a, content)
}
func tunnelPart(text string) []byte { return delimited(0x22, text) }
func tunnelEndPart() []byte         { return []byte{0x28, 1} }

func get(url string, fields ...[]byte) []byte {
	return join(initPart("GET", url, fields...), endPart())
}

// protoField is a field of a message: a number, or bytes.
type protoField struct {
	id    int
	value uint64
	bytes []byte
}

func readFields(t testing.TB, message []byte) (fields []protoField) {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		message = message[n:]
		value, n := binary.Uvarint(message)
		if n <= 0 || tag&7 != 0 && tag&7 != 2 {
			t.Errorf("the plugin sent a message that is none: %x", message)
			return fields
		}
		message = message[n:]
		found := protoField{id: int(tag >> 3), value: value}
		if tag&7 == 2 {
			found.bytes, message = message[:value], message[value:]
		}
		fields = append(fields, found)
	}
	return fields
}

// received is what a host has got of a response so far.
type received struct {
	interim     []int
	interimHead http.Header
	status      int
	header      http.Header
	body        []byte
	flushes     int
	messages    int
	ended       bool
	trailer     http.Header
	hijacked    bool
	tunnel      string
	tunnelEnded bool
	extension   uint64
	// reset is the code of a Reset on mux, or the status of the RPC on stream; 0 while there is none.
	reset  int
	credit int
}

func (r *received) over() bool { return r.ended || r.reset != 0 }

// hostExchange is an exchange at the host.
type hostExchange struct {
	t testing.TB
	// send sends parts, cancel gives the exchange up because the client has left.
	send   func(parts []byte)
	cancel func()
	// give gives credit, on mux.
	give func(bytes int)
	// counts: the plugin gives credit, as on mux.
	counts bool
	// keeps: the host does not give credit by itself.
	keeps bool

	mu       sync.Mutex
	response received
	changed  chan struct{}
}

func newHostExchange(t testing.TB) *hostExchange {
	return &hostExchange{t: t, changed: make(chan struct{}), give: func(int) {}}
}

func (e *hostExchange) update(change func(*received)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.response)
	close(e.changed)
	e.changed = make(chan struct{})
}

// until waits for the response to be like that.
func (e *hostExchange) until(what string, condition func(*received) bool) received {
	e.t.Helper()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for {
		e.mu.Lock()
		found, changed := e.response, e.changed
		e.mu.Unlock()
		if condition(&found) {
			return found
		}
		select {
		case <-changed:
		case <-timeout.C:
			found.body = found.body[:min(len(found.body), 100)]
			e.t.Fatalf("waited in vain for %s; there is %+v", what, found)
		}
	}
}

func (e *hostExchange) over() received {
	e.t.Helper()
	return e.until("the end", (*received).over)
}

func (e *hostExchange) untilBody(bytes int) received {
	e.t.Helper()
	return e.until("so much of the body", func(r *received) bool { return len(r.body) >= bytes })
}

// take takes a ServeHTTPResponse.
func (e *hostExchange) take(message []byte) {
	taken := 0
	e.update(func(r *received) {
		r.messages++
		for _, part := range readFields(e.t, message) {
			switch part.id {
			case 1:
				status, header := readHead(e.t, part.bytes)
				r.interim = append(r.interim, status)
				r.interimHead = header
			case 2:
				r.status, r.header = readHead(e.t, part.bytes)
			case 3:
				r.hijacked = true
			case 4:
				r.body = append(r.body, part.bytes...)
				taken += len(part.bytes)
			case 5:
				r.flushes++
			case 6:
				r.ended = true
				r.trailer = readHeader(e.t, part.bytes, 1)
			case 7:
				r.tunnel += string(part.bytes)
				taken += len(part.bytes)
			case 8:
				r.tunnelEnded = true
			case 9:
				r.extension = part.value
			}
		}
	})
	if taken > 0 && !e.keeps {
		e.give(taken)
	}
}

func readHead(t testing.TB, content []byte) (status int, header http.Header) {
	for _, part := range readFields(t, content) {
		if part.id == 1 {
			status = int(part.value)
		}
	}
	return status, readHeader(t, content, 2)
}

func readHeader(t testing.TB, content []byte, id int) http.Header {
	header := http.Header{}
	for _, found := range readFields(t, content) {
		if found.id != id {
			continue
		}
		var name string
		for _, part := range readFields(t, found.bytes) {
			if part.id == 1 {
				name = string(part.bytes)
			} else {
				header[name] = append(header[name], string(part.bytes))
			}
		}
	}
	return header
}
