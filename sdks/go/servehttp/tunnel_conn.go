package servehttp

import (
	"io"
	"net"
	"sync"
	"time"

	"servehttp.example/sdks/go/internal/carrier"
	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// tunnelConn is the client's connection that a handler took over: raw bytes both ways. Each way ends
// on its own; CloseWrite ends the plugin's.
type tunnelConn struct {
	exchange *exchange
	local    net.Addr
	remote   net.Addr
	queue    byteQueue
	left     sync.Once

	mu sync.Mutex
	// head came with the upgrade request, and is read first.
	head string
	// clientEnded: the client has ended its way.
	clientEnded bool
	// writeEnded is what a write returns, once none is possible.
	writeEnded error
	closed     bool
}

func newTunnelConn(e *exchange, head string) *tunnelConn {
	c := &tunnelConn{
		exchange: e,
		local:    e.service.address,
		remote:   clientAddress(e.request.RemoteAddr),
		head:     head,
	}
	c.queue.init()
	return c
}

func clientAddress(text string) net.Addr {
	if address, err := net.ResolveTCPAddr("tcp", text); err == nil && text != "" {
		return address
	}
	return &net.UnixAddr{Name: text, Net: "unix"}
}

// receive takes parts from the carrier. It returns how many bytes of them nobody reads.
func (c *tunnelConn) receive(parts *wire.RequestParts) (discarded int) {
	if parts.TunnelChunk != nil && !c.queue.push(parts.TunnelChunk) {
		discarded = len(parts.TunnelChunk)
	}
	if parts.TunnelEnd {
		c.mu.Lock()
		c.clientEnded = true
		c.mu.Unlock()
		c.queue.end(io.EOF, false)
	}
	return discarded
}

// abort: the exchange was given up.
func (c *tunnelConn) abort(reason *fault.Error) {
	c.mu.Lock()
	if c.writeEnded == nil {
		c.writeEnded = reason
	}
	c.mu.Unlock()
	c.queue.end(reason, true)
	c.leave()
}

// fail: the handler has panicked.
func (c *tunnelConn) fail() {
	reason := fault.New(fault.HandlerFailed, "the handler failed")
	c.exchange.channel.Reset(reason)
	c.abort(reason)
}

// Read implements net.Conn.
func (c *tunnelConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.head != "" && !c.closed {
		n := copy(p, c.head)
		c.head = c.head[n:]
		c.mu.Unlock()
		return n, nil
	}
	c.mu.Unlock()
	n, err := c.queue.read(p)
	if n > 0 {
		c.exchange.channel.Taken(n)
	}
	return n, err
}

// Write implements net.Conn. It waits while the client takes no more.
func (c *tunnelConn) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if err := c.whyEnded(); err != nil {
			return n, err
		}
		chunk := p[n:min(n+limits.ChunkBytes, len(p))]
		if err := c.exchange.channel.Send(carrier.Parts{Chunk: chunk}); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	return n, nil
}

func (c *tunnelConn) whyEnded() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeEnded
}

// CloseWrite ends the plugin's way. The client's goes on.
func (c *tunnelConn) CloseWrite() error {
	c.mu.Lock()
	if c.writeEnded != nil {
		c.mu.Unlock()
		return nil
	}
	c.writeEnded = net.ErrClosed
	clientEnded := c.clientEnded
	c.mu.Unlock()
	err := c.exchange.channel.Send(carrier.Parts{Back: wire.TunnelEnd, Kind: carrier.TunnelEnds})
	if clientEnded {
		c.leave()
	}
	return err
}

// Close implements net.Conn. It ends both ways, behind what was written.
func (c *tunnelConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	clientEnded := c.clientEnded
	c.mu.Unlock()
	err := c.CloseWrite()
	if !clientEnded {
		c.exchange.channel.Reset(fault.New(fault.RequestNotNeeded, "the plugin closed the tunnel"))
	}
	c.queue.end(net.ErrClosed, true)
	c.leave()
	return err
}

// leave: the connection no longer keeps a closing plugin.
func (c *tunnelConn) leave() { c.left.Do(c.exchange.service.running.leave) }

// LocalAddr implements net.Conn: where the plugin listens.
func (c *tunnelConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn: the client's address.
func (c *tunnelConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *tunnelConn) SetDeadline(at time.Time) error {
	c.queue.setDeadline(at)
	c.exchange.channel.SetWriteDeadline(at)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *tunnelConn) SetReadDeadline(at time.Time) error {
	c.queue.setDeadline(at)
	return nil
}

// SetWriteDeadline implements net.Conn. On the stream carrier, a deadline that passes within a write
// breaks the connection.
func (c *tunnelConn) SetWriteDeadline(at time.Time) error {
	c.exchange.channel.SetWriteDeadline(at)
	return nil
}
