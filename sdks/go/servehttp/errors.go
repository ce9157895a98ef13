package servehttp

import "servehttp.example/sdks/go/internal/fault"

// Error is what this package returns where it is not an error of net/http's own: from Read of a
// request's body, from Write of its response, as [context.Cause] of its context, and from Serve. Its
// fields are Code, of type [Code], for programs, and Message for people.
//
// An exchange that was given up is [io.ErrUnexpectedEOF] for errors.Is, as an upload is in net/http
// that was cut off. One whose deadline has passed is [context.DeadlineExceeded] as well, and every
// other [context.Canceled].
type Error = fault.Error

// Code says why an exchange was given up, or what else went wrong.
type Code = fault.Code

// The codes of errors.
const (
	// ClientDisconnected: the client left, or its upload was cut off.
	ClientDisconnected = fault.ClientDisconnected
	// Deadline: one of the host's times ran out.
	Deadline = fault.Deadline
	// HostStopping: the host stops, has removed the plugin, or is lost.
	HostStopping = fault.HostStopping
	// PluginClosing: the plugin closes, and the time for what still ran is over.
	PluginClosing = fault.PluginClosing
	// HandlerFailed: the handler panicked.
	HandlerFailed = fault.HandlerFailed
	// ProtocolViolation: the host broke a rule of the contract.
	ProtocolViolation = fault.ProtocolViolation
	// InvalidArgument: an address, a token or a call that can't be.
	InvalidArgument = fault.InvalidArgument
	// CallRefused: the host makes no such call to another plugin. The message says what to do.
	CallRefused = fault.CallRefused
)
