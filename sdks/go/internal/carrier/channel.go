// Package carrier brings exchanges from the host, on mux and on the stream carrier.
package carrier

import (
	"time"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/wire"
)

// Kind says what parts mean for the state of their exchange.
type Kind int

// The kinds of parts.
const (
	// More parts follow.
	More Kind = iota
	// Ends: the last part is the response's end.
	Ends
	// Hijacks: the parts are a hijack.
	Hijacks
	// TunnelEnds: the last part is the tunnel's end.
	TunnelEnds
)

// Parts are what an exchange sends at once. Nothing of it is kept when Send returns.
type Parts struct {
	// Front has encoded parts in front of the chunk.
	Front []byte
	// Chunk is at most 64 KiB of the body, or of the tunnel once there is one.
	Chunk []byte
	// Back has encoded parts behind it.
	Back []byte
	Kind Kind
}

// Channel is an exchange's way to the host.
type Channel interface {
	// Send sends parts, and waits while there is no room for them. It returns the *fault.Error of an
	// exchange that was given up, and os.ErrDeadlineExceeded.
	Send(Parts) error
	// Taken says that the handler has taken so many bytes of the body or the tunnel: the host may
	// send more.
	Taken(size int)
	// Reset gives the exchange up, without a call of the receiver's Abort.
	Reset(*fault.Error)
	// SetWriteDeadline bounds the waiting of Send. Zero: no bound.
	SetWriteDeadline(time.Time)
}

// Receiver is what an exchange receives from the host. Parts come in the order of the contract. No
// method may wait, or call the channel.
type Receiver interface {
	// Receive takes the parts of one message, whose bytes are the carrier's own again behind it. It
	// returns how many bytes of the body or the tunnel it has discarded: they count as taken.
	Receive(*wire.RequestParts) (discarded int)
	// Abort says that the exchange was given up: by the host, or because it was lost. The last call.
	Abort(*fault.Error)
}

// Accept is called for each exchange that the host opens.
type Accept func(Channel) Receiver
