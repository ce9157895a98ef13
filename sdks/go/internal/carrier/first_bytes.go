package carrier

import (
	"bytes"
	"net"
	"time"

	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// dedicatedRequest is the request of a connection that is for one mux RPC.
type dedicatedRequest struct {
	fields map[string]string
	// rest is what came behind the preface.
	rest []byte
}

// readFirst reads what a connection begins with.
func readFirst(conn net.Conn) ([]byte, error) {
	if err := conn.SetReadDeadline(time.Now().Add(limits.FirstBytesTimeout)); err != nil {
		return nil, err
	}
	first := make([]byte, 4_096)
	n, err := conn.Read(first)
	if err != nil {
		return nil, err
	}
	return first[:n], conn.SetReadDeadline(time.Time{})
}

// detectDedicated tells by its first bytes whether a connection is for one mux RPC (mux.proto, step
// 9). It is nil for everything else, and where the request is not all there, because a host writes it
// as one: net/http then serves the same RPC.
func detectDedicated(first []byte) *dedicatedRequest {
	rest, ok := bytes.CutPrefix(first, []byte(preface))
	if !ok {
		return nil
	}
	for at := rest; len(at) >= frameHeadBytes; {
		head := readFrameHead(at)
		at = at[frameHeadBytes:]
		if head.size > len(at) {
			return nil
		}
		if head.kind == typeHeaders {
			if head.flags != flagEndHeaders || head.stream != rpcStreamID {
				return nil
			}
			fields := readLiteralFields(at[:head.size])
			if fields["servehttp-connection"] != "dedicated" || fields[":path"] != wire.ServeHTTPMuxPath ||
				!wire.IsGRPC(fields["content-type"]) {
				return nil
			}
			return &dedicatedRequest{fields: fields, rest: rest}
		}
		at = at[head.size:]
	}
	return nil
}

// startedConn is a connection of which something was read already.
type startedConn struct {
	net.Conn
	first []byte
}

func (c *startedConn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}
