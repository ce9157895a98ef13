package servehttp

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"

	"servehttp.example/sdks/go/internal/carrier"
	"servehttp.example/sdks/go/internal/wire"
)

// switchProtocols keeps the head of a 101, as net/http does.
func (w *response) switchProtocols() {
	w.state = responseSwitching
	head := bytes.NewBufferString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = w.header.Write(head)
	head.WriteString("\r\n")
	w.switching = head.Bytes()
}

// Hijack implements http.Hijacker. The connection lives on when the handler returns, as in net/http,
// until it is closed.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.state == responseHijacked:
		return nil, nil, http.ErrHijacked
	case w.state != responseOpen && w.state != responseSwitching:
		return nil, nil, fmt.Errorf("servehttp: the response has begun, so the connection can't be taken over")
	case w.writeError != nil:
		return nil, nil, w.writeError
	case !w.hijackable:
		return nil, nil, fmt.Errorf("servehttp: this connection can't be taken over, because the request is no upgrade that the host allows, or came over HTTP/2: %w", http.ErrNotSupported)
	}
	conn := newTunnelConn(w.exchange, w.tunnelHead)
	// The carrier may bring bytes as soon as the hijack is sent.
	w.exchange.tunnel.Store(conn)
	if err := w.send(carrier.Parts{Front: wire.Hijack, Kind: carrier.Hijacks}); err != nil {
		return nil, nil, err
	}
	w.state = responseHijacked
	w.headSent.Store(true)
	w.exchange.body.drop(http.ErrHijacked)
	w.exchange.service.running.enter()
	if _, err := conn.Write(w.switching); err != nil {
		return nil, nil, err
	}
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}
