package wire

import "servehttp.example/sdks/go/internal/fault"

// Parts of the response without content, encoded (exchange.proto).
var (
	Hijack    = []byte{0x1a, 0x00}
	Flush     = []byte{0x28, 0x01}
	TunnelEnd = []byte{0x40, 0x01}
	// End is one without trailers.
	End = []byte{0x32, 0x00}
)

// The tags of parts with content.
const (
	BodyChunkTag   = 0x22
	TunnelChunkTag = 0x3a

	informationalTag = 0x0a
	initTag          = 0x12
	endTag           = 0x32
	extendHeadTag    = 0x48

	// HeadFieldTag is that of a header field in a head, TrailerFieldTag that in an End.
	HeadFieldTag    = 0x12
	TrailerFieldTag = 0x0a
)

// AppendStatus begins the content of a head.
func AppendStatus(b []byte, status int) []byte {
	return AppendVarint(append(b, 0x08), uint64(status))
}

// AppendInit appends the final head, of the content that AppendStatus and AppendField have made.
func AppendInit(b, content []byte) []byte { return AppendDelimited(b, initTag, content) }

// AppendInformational appends an interim response, likewise.
func AppendInformational(b, content []byte) []byte {
	return AppendDelimited(b, informationalTag, content)
}

// AppendEnd appends the end with its trailers, of the fields that AppendField has made.
func AppendEnd(b, trailers []byte) []byte { return AppendDelimited(b, endTag, trailers) }

// AppendExtendHead appends the wish for more time until the head.
func AppendExtendHead(b []byte, milliseconds uint32) []byte {
	return AppendVarint(append(b, extendHeadTag), uint64(milliseconds))
}

var resetNumbers = map[fault.Code]byte{
	fault.PluginClosing:     4,
	fault.HandlerFailed:     5,
	fault.ProtocolViolation: 6,
	fault.RequestNotNeeded:  7,
	fault.Overload:          8,
}

// appendReset appends the content of a Reset. A message travels only with a violation, which is about
// the host's own frames; what a handler said does not travel.
func appendReset(b []byte, reason *fault.Error) []byte {
	number, ok := resetNumbers[reason.Code]
	if !ok {
		number = resetNumbers[fault.HandlerFailed]
	}
	b = append(b, 0x08, number)
	if reason.Code == fault.ProtocolViolation {
		b = AppendDelimited(b, 0x12, reason.Message[:min(len(reason.Message), 256)])
	}
	return b
}
