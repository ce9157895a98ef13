// Package fault has the one error of this module, with its closed set of codes.
package fault

import (
	"context"
	"io"
	"os"
)

// Code says why an exchange was given up, or what else went wrong.
type Code string

// The codes. Those of exchanges are the ones of the contract (exchange.proto, ResetCode).
const (
	ClientDisconnected Code = "client-disconnected"
	Deadline           Code = "deadline"
	HostStopping       Code = "host-stopping"
	PluginClosing      Code = "plugin-closing"
	HandlerFailed      Code = "handler-failed"
	ProtocolViolation  Code = "protocol-violation"
	RequestNotNeeded   Code = "request-not-needed"
	Overload           Code = "overload"
	Unauthenticated    Code = "unauthenticated"
	InvalidArgument    Code = "invalid-argument"
	CallRefused        Code = "call-refused"
)

// Error is what this module returns where it is not an error of net/http's own.
type Error struct {
	// Code is for programs.
	Code Code
	// Message is for people.
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Is lets code that was written for net/http recognise an exchange that was given up: all such errors
// are io.ErrUnexpectedEOF, as a body is that was cut off; a deadline is also
// context.DeadlineExceeded and os.ErrDeadlineExceeded, and everything else context.Canceled.
func (e *Error) Is(target error) bool {
	switch e.Code {
	case Deadline:
		return target == io.ErrUnexpectedEOF || target == context.DeadlineExceeded ||
			target == os.ErrDeadlineExceeded
	case ClientDisconnected, HostStopping, PluginClosing, HandlerFailed, ProtocolViolation:
		return target == io.ErrUnexpectedEOF || target == context.Canceled
	}
	return false
}

// New makes an error.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Violation is an error of the host's: it broke a rule of the contract.
func Violation(message string) *Error { return New(ProtocolViolation, message) }
