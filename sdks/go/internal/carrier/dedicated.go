package carrier

import (
	"net"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

const (
	// dataFrameBytes is the longest DATA frame that is taken: a batch of mux as one.
	dataFrameBytes = 1_114_112
	// controlFrameBytes is the longest of every other frame that a host has a reason to send.
	controlFrameBytes = 16_384
	readBytes         = 65_536
)

// dedicated is a connection of one mux RPC (mux.proto, step 9): as much of HTTP/2 as that needs.
// net/http serves every other connection. decisions/013 measures what it is worth.
//
//	open -> closed [close]
type dedicated struct {
	conn net.Conn
	mux  *Mux
	// awake has a token while there may be something to write.
	awake chan struct{}
	done  chan struct{}

	mu sync.Mutex
	// control are frames of ours that are not DATA.
	control []byte
	// window and streamWindow are what may be sent; initialWindow is what a stream starts with.
	window, streamWindow, initialWindow int64
	frameBytes                          int
	// status is how the RPC ends, once it does.
	status *wire.Status
	closed bool

	// What follows is the reader's own.
	messages wire.MessageReader
	// unsaid has come since the host last heard of it.
	unsaid int
	// head is the frame whose payload is being read; inPayload is what is missing of it, padding
	// what of that is padding.
	head      frameHead
	inPayload int
	padding   int
	payload   []byte
}

func newDedicated(conn net.Conn, accept Accept) *dedicated {
	d := &dedicated{
		conn:          conn,
		awake:         make(chan struct{}, 1),
		done:          make(chan struct{}),
		window:        initialWindowBytes,
		streamWindow:  initialWindowBytes,
		initialWindow: initialWindowBytes,
		frameBytes:    initialFrameBytes,
		messages:      wire.MessageReader{BytesMax: limits.MuxMessageBytes},
	}
	d.mux = newMux(accept, d.wake)
	d.control = opening()
	return d
}

func opening() []byte {
	b := appendSettings(nil,
		[2]uint32{settingHeaderTableSize, 0},
		[2]uint32{settingMaxConcurrentStreams, 1},
		[2]uint32{settingInitialWindowSize, limits.ConnectionWindowBytes},
		[2]uint32{settingMaxFrameSize, dataFrameBytes},
		[2]uint32{settingMaxHeaderListSize, 131_072},
	)
	b = appendNumberFrame(b, typeWindowUpdate, 0, limits.ConnectionWindowBytes-initialWindowBytes)
	// 0x88 is ":status: 200" (RFC 7541, appendix A).
	fields := appendField([]byte{0x88}, "content-type", wire.ContentType)
	return appendFrame(b, typeHeaders, flagEndHeaders, rpcStreamID, fields)
}

// serve reads until the connection ends; first is what came behind the preface so far.
func (d *dedicated) serve(first []byte) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		d.write()
	}()
	d.wake()
	err := d.take(first)
	buffer := make([]byte, readBytes)
	for err == nil && !d.isEnding() {
		var n int
		if n, err = d.conn.Read(buffer); n > 0 {
			err = d.take(buffer[:n])
		} else if err != nil {
			err = errConnectionLost
		}
	}
	if err != nil {
		d.fail(err)
	}
	// What is left to write waits for a host that may read nothing any more.
	timer := time.AfterFunc(limits.LingerTimeout, d.abort)
	<-written
	timer.Stop()
	d.linger()
	d.conn.Close()
}

// refuse ends the RPC of a stranger, before a message of it is read.
func (d *dedicated) refuse(reason *fault.Error) {
	d.end(wire.StatusOf(reason))
	d.write()
	d.linger()
	d.conn.Close()
}

// linger reads what the host still sends: to close while it does could take away again what was
// written.
func (d *dedicated) linger() {
	if half, ok := d.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = d.conn.SetReadDeadline(time.Now().Add(limits.LingerTimeout))
		buffer := make([]byte, 4_096)
		for {
			if _, err := d.conn.Read(buffer); err != nil {
				return
			}
		}
	}
}

// end ends the RPC with a status, behind what was written.
func (d *dedicated) end(status wire.Status) {
	d.mu.Lock()
	if d.status == nil {
		d.status = &status
	}
	d.mu.Unlock()
	d.wake()
}

func (d *dedicated) isEnding() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status != nil || d.closed
}

// fail ends everything, for a reason of the host's or because the connection is lost.
func (d *dedicated) fail(err error) {
	reason := asFault(err)
	d.mux.close(reason)
	if reason.Code == fault.ProtocolViolation {
		d.end(wire.StatusOf(reason))
		return
	}
	d.end(wire.OK)
	if reason == errConnectionLost {
		d.abort()
	}
}

// abort closes the connection at once.
func (d *dedicated) abort() {
	d.mu.Lock()
	already := d.closed
	d.closed = true
	d.mu.Unlock()
	if !already {
		close(d.done)
	}
	d.conn.Close()
}

func (d *dedicated) wake() {
	select {
	case d.awake <- struct{}{}:
	default:
	}
}
