// Package wire reads and writes the messages of the contract: protobuf, and the framing of gRPC.
package wire

import "servehttp.example/sdks/go/internal/fault"

// reader reads the fields of one message (https://protobuf.dev/programming-guides/encoding/). The
// first error sticks, and ends the loop over the fields.
type reader struct {
	data []byte
	at   int
	end  int
	err  error
}

// The wire types.
const (
	varintType    = 0
	fixed64Type   = 1
	delimitedType = 2
	fixed32Type   = 5
)

func newReader(data []byte) reader { return reader{data: data, end: len(data)} }

// next reads the tag of the next field. It is 0 behind the last one, and after an error.
func (r *reader) next() uint64 {
	if r.err != nil || r.at >= r.end {
		return 0
	}
	tag := r.varint()
	if r.err == nil && tag>>3 == 0 {
		r.fail("a field with the number 0")
	}
	if r.err != nil {
		return 0
	}
	return tag
}

func (r *reader) varint() uint64 {
	var value uint64
	for shift := uint(0); shift < 70; shift += 7 {
		if r.at >= r.end {
			r.fail("a field beyond its message")
			return 0
		}
		b := r.data[r.at]
		r.at++
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
	r.fail("a number of more than 10 bytes")
	return 0
}

// span reads a delimited field, and returns where its content begins and ends.
func (r *reader) span() (begin, end int) {
	size := r.varint()
	if r.err != nil {
		return r.at, r.at
	}
	if size > uint64(r.end-r.at) {
		r.fail("a field beyond its message")
		return r.at, r.at
	}
	begin = r.at
	r.at += int(size)
	return begin, r.at
}

// within is a reader of a nested message.
func (r *reader) within() reader {
	begin, end := r.span()
	return reader{data: r.data, at: begin, end: end, err: r.err}
}

func (r *reader) bytes() []byte {
	begin, end := r.span()
	return r.data[begin:end:end]
}

// skip passes over a field that is not known.
func (r *reader) skip(tag uint64) {
	switch tag & 7 {
	case varintType:
		r.varint()
	case delimitedType:
		r.span()
	case fixed64Type:
		r.pass(8)
	case fixed32Type:
		r.pass(4)
	default:
		r.fail("a field of an unknown wire type")
	}
}

func (r *reader) pass(size int) {
	if size > r.end-r.at {
		r.fail("a field beyond its message")
		return
	}
	r.at += size
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = malformed(what)
	}
}

// take keeps the error of a nested reader.
func (r *reader) take(nested *reader) {
	if r.err == nil {
		r.err = nested.err
	}
}

func malformed(what string) error { return fault.Violation("malformed message: " + what) }

func zigzag(value uint64) int64 { return int64(value>>1) ^ -int64(value&1) }

// AppendVarint appends a number.
func AppendVarint(b []byte, value uint64) []byte {
	for value >= 0x80 {
		b = append(b, byte(value)|0x80)
		value >>= 7
	}
	return append(b, byte(value))
}

// VarintBytes is how long a number is.
func VarintBytes(value uint64) int {
	size := 1
	for value >= 0x80 {
		value >>= 7
		size++
	}
	return size
}

// AppendDelimited appends a field of bytes, of text or of a nested message.
func AppendDelimited[T ~[]byte | ~string](b []byte, tag byte, content T) []byte {
	b = append(b, tag)
	b = AppendVarint(b, uint64(len(content)))
	return append(b, content...)
}

func delimitedBytes(size int) int { return 1 + VarintBytes(uint64(size)) + size }
