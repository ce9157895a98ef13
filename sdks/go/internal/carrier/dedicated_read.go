package carrier

import (
	"encoding/binary"
	"fmt"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

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
