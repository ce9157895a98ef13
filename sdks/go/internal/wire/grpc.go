package wire

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"

	"servehttp.example/sdks/go/internal/fault"
)

// The paths of the RPCs.
const (
	ServeHTTPPath    = "/servehttp.v1.PluginService/ServeHTTP"
	ServeHTTPMuxPath = "/servehttp.v1.PluginService/ServeHTTPMux"
	DescribePath     = "/servehttp.v1.PluginService/Describe"
	HealthCheckPath  = "/grpc.health.v1.Health/Check"
	HealthWatchPath  = "/grpc.health.v1.Health/Watch"
)

// ContentType is what the plugin answers in.
const ContentType = "application/grpc+proto"

// MessageHeadBytes is the length of what stands in front of each message.
const MessageHeadBytes = 5

// PutMessageHead writes the head of a message of so many bytes, not compressed.
func PutMessageHead(b []byte, size int) {
	b[0] = 0
	binary.BigEndian.PutUint32(b[1:], uint32(size))
}

// MessageReader takes messages apart as their bytes come.
type MessageReader struct {
	// BytesMax is the longest message that is taken.
	BytesMax int
	held     []byte
}

// Push takes bytes, and calls take with each message that is complete. The message is the reader's
// own again when take returns.
func (m *MessageReader) Push(data []byte, take func(message []byte) error) error {
	for len(data) > 0 || len(m.held) > 0 {
		if len(m.held) > 0 {
			wanted, err := m.wanted(m.held)
			if err != nil {
				return err
			}
			missing := min(wanted-len(m.held), len(data))
			m.held = append(m.held, data[:missing]...)
			data = data[missing:]
			if len(m.held) < wanted {
				return nil
			}
			if wanted > MessageHeadBytes || isEmptyMessage(m.held) {
				message := m.held[MessageHeadBytes:]
				m.held = m.held[:0]
				if err := take(message); err != nil {
					return err
				}
			}
			continue
		}
		wanted, err := m.wanted(data)
		if err != nil {
			return err
		}
		if len(data) < wanted || len(data) < MessageHeadBytes {
			if cap(m.held) < wanted {
				m.held = make([]byte, 0, wanted)
			}
			m.held = append(m.held, data...)
			return nil
		}
		message := data[MessageHeadBytes:wanted]
		data = data[wanted:]
		if err := take(message); err != nil {
			return err
		}
	}
	return nil
}

// wanted is how many bytes are needed next: the head, or the message with it.
func (m *MessageReader) wanted(data []byte) (int, error) {
	if len(data) < MessageHeadBytes {
		return MessageHeadBytes, nil
	}
	if data[0] != 0 {
		return 0, fault.Violation("a compressed message")
	}
	size := int64(binary.BigEndian.Uint32(data[1:]))
	if size > int64(m.BytesMax) {
		return 0, fault.Violation(fmt.Sprintf("a message of %d bytes; allowed are %d", size, m.BytesMax))
	}
	return MessageHeadBytes + int(size), nil
}

func isEmptyMessage(head []byte) bool { return binary.BigEndian.Uint32(head[1:]) == 0 }

// Status is how an RPC ends.
type Status struct {
	// Code is that of gRPC, as a number.
	Code string
	// Message is percent-encoded.
	Message string
}

// OK is the status of an RPC that went well.
var OK = Status{Code: "0"}

// NewStatus makes a status with a message for people.
func NewStatus(code int, message string) Status {
	return Status{fmt.Sprint(code), encodeMessage(message)}
}

var statusCodes = map[fault.Code]int{
	fault.ProtocolViolation: 3,
	fault.InvalidArgument:   9,
	fault.PluginClosing:     14,
	fault.Overload:          14,
	fault.Unauthenticated:   16,
	fault.Deadline:          4,
}

// StatusOf is the status of an RPC that failed. What a handler said does not travel.
func StatusOf(reason *fault.Error) Status {
	code, ok := statusCodes[reason.Code]
	if !ok {
		code = 13
	}
	message := string(reason.Code)
	switch reason.Code {
	case fault.ProtocolViolation, fault.Unauthenticated, fault.InvalidArgument:
		message = reason.Message
	}
	return NewStatus(code, message)
}

func encodeMessage(message string) string {
	return strings.ReplaceAll(url.PathEscape(message[:min(len(message), 256)]), "%20", " ")
}

// IsGRPC tells whether a request is in gRPC with protobuf.
func IsGRPC(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/grpc" || kind == "application/grpc+proto"
}
