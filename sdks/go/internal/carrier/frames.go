package carrier

import "encoding/binary"

// As much of HTTP/2 (RFC 9113) as a connection of one RPC needs.
const (
	preface        = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeadBytes = 9
	// initialWindowBytes and initialFrameBytes hold until SETTINGS say otherwise.
	initialWindowBytes = 65_535
	initialFrameBytes  = 16_384
	windowBytesMax     = 1<<31 - 1
	rpcStreamID        = 1

	typeData         = 0x0
	typeHeaders      = 0x1
	typeRstStream    = 0x3
	typeSettings     = 0x4
	typePushPromise  = 0x5
	typePing         = 0x6
	typeGoaway       = 0x7
	typeWindowUpdate = 0x8
	typeContinuation = 0x9

	flagAck        = 0x1
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8

	settingHeaderTableSize      = 0x1
	settingMaxConcurrentStreams = 0x3
	settingInitialWindowSize    = 0x4
	settingMaxFrameSize         = 0x5
	settingMaxHeaderListSize    = 0x6

	codeNoError            = 0x0
	codeProtocolError      = 0x1
	codeInternalError      = 0x2
	codeFlowControlError   = 0x3
	codeFrameSizeError     = 0x6
	codeRefusedStream      = 0x7
	codeEnhanceYourCalm    = 0xb
	codeInadequateSecurity = 0xc
)

type frameHead struct {
	size   int
	kind   byte
	flags  byte
	stream uint32
}

func readFrameHead(b []byte) frameHead {
	return frameHead{
		size:   int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   b[3],
		flags:  b[4],
		stream: binary.BigEndian.Uint32(b[5:]) & windowBytesMax,
	}
}

func putFrameHead(b []byte, size int, kind, flags byte, stream uint32) {
	b[0], b[1], b[2], b[3], b[4] = byte(size>>16), byte(size>>8), byte(size), kind, flags
	binary.BigEndian.PutUint32(b[5:], stream)
}

func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	var head [frameHeadBytes]byte
	putFrameHead(head[:], len(payload), kind, flags, stream)
	return append(append(b, head[:]...), payload...)
}

func appendSettings(b []byte, settings ...[2]uint32) []byte {
	var payload []byte
	for _, setting := range settings {
		payload = binary.BigEndian.AppendUint16(payload, uint16(setting[0]))
		payload = binary.BigEndian.AppendUint32(payload, setting[1])
	}
	return appendFrame(b, typeSettings, 0, 0, payload)
}

func appendNumberFrame(b []byte, kind byte, stream, number uint32) []byte {
	return appendFrame(b, kind, 0, stream, binary.BigEndian.AppendUint32(nil, number))
}

func appendGoaway(b []byte, lastStream, code uint32) []byte {
	payload := binary.BigEndian.AppendUint32(nil, lastStream)
	return appendFrame(b, typeGoaway, 0, 0, binary.BigEndian.AppendUint32(payload, code))
}

// appendField appends a header field in HPACK that goes into no table (RFC 7541, section 6.2.2).
func appendField(b []byte, name, value string) []byte {
	return appendText(appendText(append(b, 0x00), name), value)
}

func appendText(b []byte, text string) []byte {
	size := len(text)
	if size < 0x7f {
		return append(append(b, byte(size)), text...)
	}
	b = append(b, 0x7f)
	for size -= 0x7f; size >= 0x80; size >>= 7 {
		b = append(b, byte(size)|0x80)
	}
	return append(append(b, byte(size)), text...)
}

// readLiteralFields reads a header section in the one form in which a host writes that of a connection
// of its own: literals that go into no table, names and values as they are. It returns nil for
// everything else.
func readLiteralFields(block []byte) map[string]string {
	fields := map[string]string{}
	for len(block) > 0 {
		if block[0] != 0x00 {
			return nil
		}
		name, rest, ok := readText(block[1:])
		if !ok {
			return nil
		}
		value, rest, ok := readText(rest)
		if !ok {
			return nil
		}
		fields[name] = value
		block = rest
	}
	return fields
}

func readText(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&0x80 != 0 {
		return "", nil, false
	}
	size, at := int(b[0]), 1
	if size == 0x7f {
		for shift := 0; ; shift += 7 {
			if at == len(b) || shift > 21 {
				return "", nil, false
			}
			octet := b[at]
			at++
			size += int(octet&0x7f) << shift
			if octet < 0x80 {
				break
			}
		}
	}
	if size > len(b)-at {
		return "", nil, false
	}
	return string(b[at : at+size]), b[at+size:], true
}
