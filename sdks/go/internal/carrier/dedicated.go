package carrier

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
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

// write sends what there is, until the RPC has ended or the connection is lost.
func (d *dedicated) write() {
	// batch is what is left of a message, behind room for the head of a frame.
	var message, batch []byte
	for {
		if batch == nil {
			if message != nil {
				d.mux.written(message)
			}
			if message = d.mux.nextBatch(); message != nil {
				batch = message
			}
		}
		control, size, status, ok := d.nextWrite(len(batch) - frameHeadBytes)
		switch {
		case !ok:
			return
		case status != nil && size == 0 && len(control) == 0 && batch == nil:
			d.writeAll(endingFrames(*status))
			return
		case len(control) == 0 && size == 0:
			if !d.sleep() {
				return
			}
			continue
		}
		if len(control) > 0 && !d.writeAll(control) {
			return
		}
		if size > 0 {
			putFrameHead(batch, size, typeData, 0, rpcStreamID)
			if !d.writeAll(batch[:frameHeadBytes+size]) {
				return
			}
			// The bytes in front of what is left have been sent, so the next head takes their place.
			if batch = batch[size:]; len(batch) == frameHeadBytes {
				batch = nil
			}
		}
	}
}

// sleep waits until there may be something to write. It then lets handlers go first that are ready to
// run: what they have to say goes out in the same write.
func (d *dedicated) sleep() bool {
	select {
	case <-d.awake:
		runtime.Gosched()
		return true
	case <-d.done:
		return false
	}
}

// nextWrite takes what may be written: control frames, and so many bytes of the wanted.
func (d *dedicated) nextWrite(wanted int) (control []byte, size int, status *wire.Status, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	control, d.control = d.control, nil
	if wanted > 0 {
		size = int(max(0, min(int64(wanted), d.window, d.streamWindow, int64(d.frameBytes))))
		d.window -= int64(size)
		d.streamWindow -= int64(size)
	}
	return control, size, d.status, !d.closed
}

func (d *dedicated) writeAll(b []byte) bool {
	if _, err := d.conn.Write(b); err != nil {
		d.abort()
		return false
	}
	return true
}

func endingFrames(status wire.Status) []byte {
	fields := appendField(nil, "grpc-status", status.Code)
	if status.Message != "" {
		fields = appendField(fields, "grpc-message", status.Message)
	}
	return appendFrame(nil, typeHeaders, flagEndHeaders|flagEndStream, rpcStreamID, fields)
}

// take takes bytes of the host's.
func (d *dedicated) take(data []byte) error {
	for len(data) > 0 {
		if d.inPayload == 0 {
			missing := min(frameHeadBytes-len(d.payload), len(data))
			d.payload = append(d.payload, data[:missing]...)
			data = data[missing:]
			if len(d.payload) < frameHeadBytes {
				return nil
			}
			d.head = readFrameHead(d.payload)
			d.payload = d.payload[:0]
			if err := d.beginFrame(); err != nil {
				return err
			}
			if d.inPayload > 0 {
				continue
			}
			if err := d.endFrame(); err != nil {
				return err
			}
			continue
		}
		piece := data[:min(d.inPayload, len(data))]
		data = data[len(piece):]
		if err := d.takePayload(piece); err != nil {
			return err
		}
		if d.inPayload == 0 {
			if err := d.endFrame(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *dedicated) beginFrame() error {
	d.inPayload = d.head.size
	d.padding = 0
	if d.head.kind != typeData {
		if d.head.size > controlFrameBytes {
			return d.violation(codeFrameSizeError, fmt.Sprintf("a frame of %d bytes", d.head.size))
		}
		return nil
	}
	if d.head.stream != rpcStreamID {
		return d.violation(codeProtocolError, fmt.Sprintf("DATA on stream %d", d.head.stream))
	}
	if d.head.size > dataFrameBytes {
		return d.violation(codeFrameSizeError, fmt.Sprintf("a frame of %d bytes", d.head.size))
	}
	if d.unsaid += d.head.size; d.unsaid > limits.ConnectionWindowBytes {
		return d.violation(codeFlowControlError, "more bytes than the window allows")
	}
	if d.head.flags&flagPadded != 0 {
		d.padding = -1 // Its length comes first.
		if d.head.size == 0 {
			return d.violation(codeProtocolError, "padding without its length")
		}
	}
	return nil
}

func (d *dedicated) takePayload(piece []byte) error {
	d.inPayload -= len(piece)
	if d.head.kind != typeData {
		d.payload = append(d.payload, piece...)
		return nil
	}
	if d.padding < 0 {
		d.padding = int(piece[0])
		piece = piece[1:]
		if d.padding > d.inPayload+len(piece) {
			return d.violation(codeProtocolError, "more padding than bytes")
		}
	}
	if content := d.inPayload + len(piece) - d.padding; content < len(piece) {
		piece = piece[:max(0, content)]
	}
	return d.messages.Push(piece, d.mux.receive)
}

func (d *dedicated) endFrame() error {
	payload := d.payload
	d.payload = d.payload[:0]
	head := d.head
	switch head.kind {
	case typeData:
		return d.endData()
	case typeHeaders:
		if head.stream != rpcStreamID {
			return d.answer(appendNumberFrame(nil, typeRstStream, head.stream, codeRefusedStream))
		}
		if head.flags&flagEndStream != 0 {
			d.hostEnded()
		}
	case typeSettings:
		if head.stream != 0 || len(payload)%6 != 0 {
			return d.violation(codeFrameSizeError, "SETTINGS that can't be")
		}
		if head.flags&flagAck == 0 {
			return d.takeSettings(payload)
		}
	case typeWindowUpdate:
		if len(payload) != 4 {
			return d.violation(codeFrameSizeError, "a WINDOW_UPDATE of another length than 4")
		}
		return d.widen(head.stream, int64(binary.BigEndian.Uint32(payload)&windowBytesMax))
	case typePing:
		if head.stream != 0 || len(payload) != 8 {
			return d.violation(codeFrameSizeError, "a PING that can't be")
		}
		if head.flags&flagAck == 0 {
			return d.answer(appendFrame(nil, typePing, flagAck, 0, payload))
		}
	case typeRstStream:
		if head.stream == rpcStreamID {
			return errConnectionLost
		}
	case typeGoaway:
		if len(payload) < 8 || binary.BigEndian.Uint32(payload[4:]) != codeNoError {
			return errConnectionLost
		}
	case typePushPromise, typeContinuation:
		return d.violation(codeProtocolError, fmt.Sprintf("a frame of type %d", head.kind))
	}
	return nil
}

func (d *dedicated) endData() error {
	if d.unsaid*2 > limits.ConnectionWindowBytes {
		update := appendNumberFrame(nil, typeWindowUpdate, 0, uint32(d.unsaid))
		update = appendNumberFrame(update, typeWindowUpdate, rpcStreamID, uint32(d.unsaid))
		d.unsaid = 0
		if err := d.answer(update); err != nil {
			return err
		}
	}
	if d.head.flags&flagEndStream != 0 {
		d.hostEnded()
	}
	return nil
}

// hostEnded: the host sends nothing more. What is open is cut off.
func (d *dedicated) hostEnded() {
	d.mux.close(fault.New(fault.HostStopping, "the host ended the mux RPC"))
	d.end(wire.OK)
}

func (d *dedicated) takeSettings(payload []byte) error {
	d.mu.Lock()
	for ; len(payload) > 0; payload = payload[6:] {
		value := binary.BigEndian.Uint32(payload[2:])
		switch binary.BigEndian.Uint16(payload) {
		case settingInitialWindowSize:
			if value > windowBytesMax {
				d.mu.Unlock()
				return d.violation(codeFlowControlError, "a window that can't be")
			}
			d.streamWindow += int64(value) - d.initialWindow
			d.initialWindow = int64(value)
		case settingMaxFrameSize:
			d.frameBytes = int(min(max(value, initialFrameBytes), 1<<24-1))
		}
	}
	d.mu.Unlock()
	return d.answer(appendFrame(nil, typeSettings, flagAck, 0, nil))
}

func (d *dedicated) widen(stream uint32, size int64) error {
	d.mu.Lock()
	switch stream {
	case 0:
		d.window += size
	case rpcStreamID:
		d.streamWindow += size
	}
	tooWide := max(d.window, d.streamWindow) > windowBytesMax
	d.mu.Unlock()
	if tooWide {
		return d.violation(codeFlowControlError, "a window that can't be")
	}
	d.wake()
	return nil
}

// answer answers what the host may ask for without end. Who does not read the answers is cut off.
func (d *dedicated) answer(frames []byte) error {
	d.mu.Lock()
	d.control = append(d.control, frames...)
	tooMany := len(d.control) > limits.ControlBytes
	d.mu.Unlock()
	if tooMany {
		return errConnectionLost
	}
	d.wake()
	return nil
}

// violation: the host broke HTTP/2 (RFC 9113, section 7). It is told so by GOAWAY.
func (d *dedicated) violation(code uint32, message string) error {
	d.mu.Lock()
	d.control = appendGoaway(d.control, rpcStreamID, code)
	d.mu.Unlock()
	return fault.Violation("the host broke HTTP/2: " + message)
}
