package carrier

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"servehttp.example/sdks/go/internal/limits"
)

// tellEvery bounds how often the log hears of hosts that are refused.
const tellEvery = time.Second

// shakeHands agrees on TLS. It is nil for a host that is refused, which has been told why: by an
// alert, or where TLS has no word for it by GOAWAY (RFC 9113, section 6.8).
func (s *Server) shakeHands(raw net.Conn) net.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), limits.FirstBytesTimeout)
	defer cancel()
	conn := tls.Server(raw, s.options.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		// Who connects and goes, as probes do, wants no TLS.
		if !errors.Is(err, io.EOF) && !isLost(err) {
			s.tell("a host was refused: "+err.Error(), raw)
		}
		linger(raw)
		return nil
	}
	if s.options.RefusalOf == nil {
		return conn
	}
	why := s.options.RefusalOf(conn.ConnectionState())
	if why == "" {
		return conn
	}
	s.tell("a host's certificate was refused: "+why, raw)
	_ = conn.SetWriteDeadline(time.Now().Add(limits.LingerTimeout))
	_, _ = conn.Write(appendFrame(appendSettings(nil), typeGoaway, 0, 0, append([]byte{0, 0, 0, 0, 0, 0, 0, codeInadequateSecurity}, why...)))
	_ = conn.CloseWrite()
	linger(raw)
	return nil
}

// linger lets the other side read what was written: to close before it has could take that away
// again, by a reset.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(limits.LingerTimeout))
	_, _ = io.Copy(io.Discard, conn)
	conn.Close()
}

func isLost(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "read"
}

func (s *Server) tell(message string, conn net.Conn) {
	s.mu.Lock()
	now := time.Now()
	isDue := now.Sub(s.told) >= tellEvery
	if isDue {
		s.told = now
	}
	s.mu.Unlock()
	if isDue {
		s.options.Logger.Warn(message, "remoteAddress", conn.RemoteAddr().String())
	}
}
