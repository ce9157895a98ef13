package wire

import (
	"net/http"
	"net/textproto"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
)

// RequestInit is the head of a request (exchange.proto).
type RequestInit struct {
	Method, URL, RequestURI       string
	Protocol                      string
	ProtocolMajor, ProtocolMinor  int
	Host, RemoteAddr, Scheme      string
	Header                        http.Header
	ContentLength                 int64
	DeadlineUnixMs                int64
	RequestID, BasePath, CalledBy string
	Context                       map[string]string
	ExpectContinue, Hijackable    bool
	FullPath                      bool
	TunnelHead                    string
}

// RequestParts is one message of the host's direction. What is not in it is nil or false. Its bytes
// lie within the message.
type RequestParts struct {
	Init        *RequestInit
	Chunk       []byte
	End         bool
	Trailer     http.Header
	TunnelChunk []byte
	TunnelEnd   bool
	Reset       *fault.Error
}

// ReadRequestParts reads a ServeHTTPRequest.
func ReadRequestParts(message []byte) (RequestParts, error) {
	r := newReader(message)
	parts := readRequestParts(&r)
	return parts, r.err
}

func readRequestParts(r *reader) (parts RequestParts) {
	for {
		switch tag := r.next(); tag {
		case 0:
			return parts
		case 0x0a:
			if parts.Init != nil {
				r.fail("init twice in one message")
			}
			nested := r.within()
			parts.Init = readInit(&nested)
			r.take(&nested)
		case 0x12:
			if parts.Chunk != nil {
				r.fail("chunk twice in one message")
			}
			parts.Chunk = r.bytes()
		case 0x1a:
			if parts.End {
				r.fail("end twice in one message")
			}
			parts.End = true
			nested := r.within()
			parts.Trailer = readTrailer(&nested)
			r.take(&nested)
		case 0x22:
			if parts.TunnelChunk != nil {
				r.fail("tunnel_chunk twice in one message")
			}
			parts.TunnelChunk = r.bytes()
		case 0x28:
			parts.TunnelEnd = r.varint() != 0
		case 0x32:
			nested := r.within()
			parts.Reset = readReset(&nested)
			r.take(&nested)
		default:
			r.skip(tag)
		}
	}
}

func readInit(r *reader) *RequestInit {
	// One allocation for all texts, which are parts of it.
	message := string(r.data[r.at:r.end])
	base := r.at
	text := func() string {
		begin, end := r.span()
		return message[begin-base : end-base]
	}
	init := &RequestInit{Method: "GET", URL: "/", Protocol: "HTTP/1.1", ProtocolMajor: 1, ProtocolMinor: 1, Scheme: "http"}
	fields := fieldReader{header: make(http.Header, 12), values: make([]string, 0, 16)}
	for {
		switch tag := r.next(); tag {
		case 0:
			init.Header = fields.header
			return init
		case 0x0a:
			init.Method = text()
		case 0x12:
			init.URL = text()
		case 0x1a:
			init.RequestURI = text()
		case 0x22:
			init.Protocol = text()
		case 0x28:
			init.ProtocolMajor = int(r.varint())
		case 0x30:
			init.ProtocolMinor = int(r.varint())
		case 0x3a:
			init.Host = text()
		case 0x42:
			init.RemoteAddr = text()
		case 0x4a:
			nested := r.within()
			fields.read(&nested, message, base)
			r.take(&nested)
		case 0x50:
			init.ContentLength = zigzag(r.varint())
		case 0x58:
			init.DeadlineUnixMs = int64(r.varint())
		case 0x62:
			init.RequestID = text()
		case 0x6a:
			nested := r.within()
			name, value := readEntry(&nested, message, base)
			r.take(&nested)
			if init.Context == nil {
				init.Context = map[string]string{}
			}
			init.Context[name] = value
		case 0x72:
			init.Scheme = text()
		case 0x78:
			init.ExpectContinue = r.varint() != 0
		case 0x80:
			init.Hijackable = r.varint() != 0
		case 0x8a:
			init.TunnelHead = text()
		case 0x92:
			init.BasePath = text()
		case 0x98:
			init.FullPath = r.varint() != 0
		case 0xa2:
			init.CalledBy = text()
		default:
			r.skip(tag)
		}
	}
}

// fieldReader collects header fields. A value is a part of one slice until there is a second of its
// name.
type fieldReader struct {
	header http.Header
	values []string
}

// read reads one HeaderField; message is the text of the reader's bytes from base on.
func (f *fieldReader) read(r *reader, message string, base int) {
	var name string
	for {
		switch tag := r.next(); tag {
		case 0:
			return
		case 0x0a:
			begin, end := r.span()
			name = textproto.CanonicalMIMEHeaderKey(message[begin-base : end-base])
		case 0x12:
			begin, end := r.span()
			f.add(r, name, message[begin-base:end-base])
		default:
			r.skip(tag)
		}
	}
}

func (f *fieldReader) add(r *reader, name, value string) {
	if len(f.values) >= limits.FieldCount {
		r.fail("more header fields than are allowed")
		return
	}
	f.values = append(f.values, value)
	if before, ok := f.header[name]; ok {
		f.header[name] = append(before, value)
		return
	}
	last := len(f.values)
	f.header[name] = f.values[last-1 : last : last]
}

func readTrailer(r *reader) http.Header {
	if r.at == r.end {
		return nil
	}
	message := string(r.data[r.at:r.end])
	base := r.at
	fields := fieldReader{header: http.Header{}}
	for {
		switch tag := r.next(); tag {
		case 0:
			return fields.header
		case 0x0a:
			nested := r.within()
			fields.read(&nested, message, base)
			r.take(&nested)
		default:
			r.skip(tag)
		}
	}
}

func readEntry(r *reader, message string, base int) (name, value string) {
	for {
		switch tag := r.next(); tag {
		case 0:
			return name, value
		case 0x0a, 0x12:
			begin, end := r.span()
			if tag == 0x0a {
				name = message[begin-base : end-base]
			} else {
				value = message[begin-base : end-base]
			}
		default:
			r.skip(tag)
		}
	}
}

// A code that is not known means that the client left.
var resetCodes = map[uint64]fault.Code{
	2: fault.Deadline,
	3: fault.HostStopping,
	4: fault.PluginClosing,
	5: fault.HandlerFailed,
	6: fault.ProtocolViolation,
}

func readReset(r *reader) *fault.Error {
	code, message := fault.ClientDisconnected, ""
	for {
		switch tag := r.next(); tag {
		case 0:
			if message == "" {
				message = "the host gave the exchange up: " + string(code)
			}
			return fault.New(code, message)
		case 0x08:
			code = fault.ClientDisconnected
			if known, ok := resetCodes[r.varint()]; ok {
				code = known
			}
		case 0x12:
			text := r.bytes()
			message = string(text[:min(len(text), 1_024)])
		default:
			r.skip(tag)
		}
	}
}
