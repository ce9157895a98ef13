package carrier

import (
	"fmt"

	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// requestOrder is what of a request has come:
//
//	unopened -> inBody [init] -> ended [end] -> tunnelEnded [tunnel_end, once hijacked]
type requestOrder int

const (
	unopened requestOrder = iota
	inBody
	ended
	tunnelEnded
)

func (o requestOrder) String() string {
	return [...]string{"unopened", "body", "ended", "tunnel-ended"}[o]
}

// progress is who is done, as advance-exchange.ts of the contract has it:
//
//	open -> over [end]; open -> tunnel [hijack]; tunnel -> pluginDone, hostDone -> over [tunnel_end]
type progress int

const (
	open progress = iota
	tunnel
	hostDone
	pluginDone
	over
)

// advance applies one message of the host's. The error is a violation.
func (o requestOrder) advance(parts *wire.RequestParts, state progress) (requestOrder, error) {
	following := o
	if parts.Init != nil {
		if following != unopened {
			return o, outOfOrder("init", o)
		}
		following = inBody
	}
	if parts.Chunk != nil {
		if following != inBody {
			return o, outOfOrder("chunk", o)
		}
		if err := checkSize(parts.Chunk); err != nil {
			return o, err
		}
	}
	if parts.End {
		if following != inBody {
			return o, outOfOrder("end", o)
		}
		following = ended
	}
	inTunnel := following == ended && (state == tunnel || state == pluginDone)
	if parts.TunnelChunk != nil {
		if !inTunnel {
			return o, outOfOrder("tunnel_chunk", o)
		}
		if err := checkSize(parts.TunnelChunk); err != nil {
			return o, err
		}
	}
	if parts.TunnelEnd {
		if !inTunnel {
			return o, outOfOrder("tunnel_end", o)
		}
		following = tunnelEnded
	}
	if following == o && parts.Chunk == nil && parts.TunnelChunk == nil {
		return o, fault.Violation("a request message without parts")
	}
	return following, nil
}

// isOver tells whether nothing more can come from the host.
func (o requestOrder) isOver(state progress) bool {
	return o == tunnelEnded || o == ended && state != tunnel && state != pluginDone
}

// afterPlugin is the state once the plugin has sent parts of this kind.
func (p progress) afterPlugin(kind Kind) progress {
	switch {
	case kind == Ends:
		return over
	case kind == Hijacks:
		return tunnel
	case kind == TunnelEnds && p == hostDone:
		return over
	case kind == TunnelEnds:
		return pluginDone
	}
	return p
}

// afterHost is the state once the host has sent these parts.
func (p progress) afterHost(parts *wire.RequestParts) progress {
	switch {
	case !parts.TunnelEnd:
		return p
	case p == pluginDone:
		return over
	}
	return hostDone
}

// pluginHasEnded tells whether the plugin has nothing more to send.
func (p progress) pluginHasEnded() bool { return p >= pluginDone }

// chunkTag is that of the chunks which the plugin sends.
func (p progress) chunkTag() byte {
	if p == tunnel || p == hostDone {
		return wire.TunnelChunkTag
	}
	return wire.BodyChunkTag
}

func outOfOrder(part string, order requestOrder) error {
	return fault.Violation(fmt.Sprintf("request %s in state %q", part, order))
}

func checkSize(chunk []byte) error {
	if len(chunk) == 0 || len(chunk) > limits.ChunkBytes {
		return fault.Violation(fmt.Sprintf("a request chunk of %d bytes: allowed are 1 to %d", len(chunk), limits.ChunkBytes))
	}
	return nil
}

// asFault is an error of the wire's as the reason why an exchange or an RPC ends.
func asFault(err error) *fault.Error {
	if reason, ok := err.(*fault.Error); ok {
		return reason
	}
	return fault.New(fault.HostStopping, "the connection to the host was lost")
}

var errConnectionLost = fault.New(fault.HostStopping, "the connection to the host was lost")

// errOver is what a writer gets whose exchange is over in good order.
var errOver = fault.New(fault.RequestNotNeeded, "the exchange is over")
