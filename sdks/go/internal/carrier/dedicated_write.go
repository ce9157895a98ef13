package carrier

import (
	"runtime"

	"servehttp.example/sdks/go/internal/wire"
)

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
