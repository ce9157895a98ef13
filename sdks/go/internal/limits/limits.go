// Package limits has every bound of this module, with its unit and its reason. Units are the last
// word of each name.
package limits

import "time"

// ContractVersion is the version of the contract that this module speaks.
const ContractVersion = 1

const (
	// ChunkBytes is the longest chunk of a body or a tunnel (exchange.proto).
	ChunkBytes = 65_536

	// WindowBytes is the credit that each direction of an exchange on mux starts with (mux.proto,
	// step 4).
	WindowBytes = 262_144

	// CreditStepBytes is the least credit that is given back: a frame for each small read would cost
	// more than it moves.
	CreditStepBytes = 65_536

	// CreditBytes is the most credit that may be open in one direction of an exchange on mux.
	CreditBytes = 16_777_216

	// WindowGrowthBytes is how much the window of an exchange grows when its handler keeps up: to
	// 1 MiB, for bulk.
	WindowGrowthBytes = 786_432

	// GrowthAfterBytes is what a handler must have read before its window grows; a client that
	// stalls never gets there.
	GrowthAfterBytes = 16_777_216

	// GrowthBytes is what all windows of one connection may grow by together.
	GrowthBytes = 16_777_216

	// BatchBytes is what one message of mux holds at most, so that no batch delays the next for
	// long.
	BatchBytes = 262_144

	// UnreadBatchBytes is how long a batch may get by credit and resets, which wait for nothing: three
	// quarters of a message. A host that reads no answers for so long is cut off.
	UnreadBatchBytes = 786_432

	// WaitingBytes is what waits of one exchange before its writer waits. The writer goes on when
	// half of it has gone.
	WaitingBytes = 131_072

	// MuxMessageBytes is the longest message of mux: a longer one is refused unread.
	MuxMessageBytes = 1_048_576

	// StreamMessageBytes is the longest message of ServeHTTP: a chunk and two header sections.
	StreamMessageBytes = 327_680

	// RPCMessageBytes is the longest message of Describe and health, both of which are small.
	RPCMessageBytes = 65_536

	// FieldCount is how many header fields a section may have.
	FieldCount = 1_000

	// FieldNameBytes is the longest name of a header field.
	FieldNameBytes = 256

	// FieldSectionBytes is the longest header or trailer section on the wire.
	FieldSectionBytes = 131_072

	// InformationalCount is how many interim responses an exchange may have.
	InformationalCount = 16

	// Exchanges is how many may be open at once on one connection of mux; the next is refused with
	// OVERLOAD.
	Exchanges = 16_384

	// Streams is how many exchanges may be open at once on one connection of the stream carrier. A
	// host opens more connections.
	Streams = 250

	// StreamWindowBytes is what a host may send on one stream before the handler has read it. All
	// streams of a connection together have less than ConnectionWindowBytes, so that uploads which
	// nobody reads never stop another exchange.
	StreamWindowBytes = 65_536

	// ConnectionWindowBytes is what a host may send on one connection before it was read.
	ConnectionWindowBytes = 16_777_216

	// ResponseBufferBytes is what a response collects before it is sent, as in net/http. A response
	// that is shorter gets a Content-Length.
	ResponseBufferBytes = 4_096

	// ControlBytes is what may wait of answers to the host's own control frames. A host that does
	// not read them is cut off.
	ControlBytes = 65_536

	// LogTextBytes is the longest text in a line of the log, and LogStackBytes the longest stack:
	// hosts cut a line behind 8 KiB.
	LogTextBytes  = 2_048
	LogStackBytes = 4_096

	// FreeCallConnections is how many connections wait for the next call to another plugin.
	FreeCallConnections = 64
)

const (
	// DrainTimeout is how long a closing plugin waits for its handlers.
	DrainTimeout = 10 * time.Second

	// LingerTimeout is how long a connection that is done with may take to bring its last bytes to
	// the host, and how long a host may take to hear that its plugin drains.
	LingerTimeout = time.Second

	// FirstBytesTimeout is how long a connection may stay silent at its start.
	FirstBytesTimeout = 10 * time.Second

	// ResetReasonTimeout is how long to wait for the reset that says why a request stopped: it
	// follows the end at once.
	ResetReasonTimeout = 20 * time.Millisecond
)
