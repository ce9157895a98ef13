package wire

import "servehttp.example/sdks/go/internal/fault"

// RequestFrame is a frame that the host sends (mux.proto).
type RequestFrame struct {
	ExchangeID  uint64
	HasParts    bool
	Parts       RequestParts
	CreditBytes uint32
	Reset       *fault.Error
}

// ReadFrames reads a ServeHTTPMuxRequest, and calls take with each of its frames in turn, until that
// returns an error.
func ReadFrames(message []byte, take func(*RequestFrame) error) error {
	r := newReader(message)
	for {
		switch tag := r.next(); tag {
		case 0:
			return r.err
		case 0x0a:
			nested := r.within()
			frame := readFrame(&nested)
			r.take(&nested)
			if r.err != nil {
				return r.err
			}
			if err := take(&frame); err != nil {
				return err
			}
		default:
			r.skip(tag)
		}
	}
}

func readFrame(r *reader) (frame RequestFrame) {
	for {
		switch tag := r.next(); tag {
		case 0:
			if frame.ExchangeID == 0 {
				r.fail("a frame without an exchange")
			}
			return frame
		case 0x08:
			frame.ExchangeID = r.varint()
		case 0x12:
			if frame.HasParts {
				r.fail("parts twice in one frame")
			}
			frame.HasParts = true
			nested := r.within()
			frame.Parts = readRequestParts(&nested)
			r.take(&nested)
		case 0x18:
			frame.CreditBytes = uint32(r.varint())
		case 0x22:
			nested := r.within()
			frame.Reset = readReset(&nested)
			r.take(&nested)
		default:
			r.skip(tag)
		}
	}
}

// AppendPartsFrame appends a frame with parts: those in front of a chunk, a chunk or none with its
// tag, and those behind it, all encoded.
func AppendPartsFrame(b []byte, id uint64, front []byte, tag byte, chunk, back []byte) []byte {
	size := PartsBytes(front, chunk, back)
	b = appendFrameHead(b, id, delimitedBytes(size))
	b = append(b, 0x12)
	b = AppendVarint(b, uint64(size))
	return AppendParts(b, front, tag, chunk, back)
}

// AppendParts appends the content of a ServeHTTPResponse.
func AppendParts(b, front []byte, tag byte, chunk, back []byte) []byte {
	b = append(b, front...)
	if len(chunk) > 0 {
		b = AppendDelimited(b, tag, chunk)
	}
	return append(b, back...)
}

// PartsBytes is the length of what AppendParts appends.
func PartsBytes(front, chunk, back []byte) int {
	size := len(front) + len(back)
	if len(chunk) > 0 {
		size += delimitedBytes(len(chunk))
	}
	return size
}

// AppendCreditFrame appends a frame by which the host may send so much more.
func AppendCreditFrame(b []byte, id uint64, creditBytes int) []byte {
	b = appendFrameHead(b, id, 1+VarintBytes(uint64(creditBytes)))
	return AppendVarint(append(b, 0x18), uint64(creditBytes))
}

// AppendResetFrame appends a frame that gives the exchange up.
func AppendResetFrame(b []byte, id uint64, reason *fault.Error) []byte {
	reset := appendReset(nil, reason)
	b = appendFrameHead(b, id, delimitedBytes(len(reset)))
	return AppendDelimited(b, 0x22, reset)
}

// AppendDraining appends the field by which the plugin says that it is closing.
func AppendDraining(b []byte) []byte { return append(b, 0x10, 0x01) }

func appendFrameHead(b []byte, id uint64, restBytes int) []byte {
	b = append(b, 0x0a)
	b = AppendVarint(b, uint64(1+VarintBytes(id)+restBytes))
	return AppendVarint(append(b, 0x08), id)
}
