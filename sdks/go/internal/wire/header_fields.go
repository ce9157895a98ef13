package wire

import (
	"strings"

	"servehttp.example/sdks/go/internal/limits"
)

// AppendField appends a header field with all its values, behind the tag that it has in its message.
// As net/http does, it leaves a field out whose name is none, and puts a space for what no value may
// hold.
func AppendField(b []byte, tag byte, name string, values []string) []byte {
	if len(values) == 0 || !isFieldName(name) {
		return b
	}
	size := delimitedBytes(len(name))
	for _, value := range values {
		size += delimitedBytes(len(trimmed(value)))
	}
	b = append(b, tag)
	b = AppendVarint(b, uint64(size))
	b = AppendDelimited(b, 0x0a, name)
	for _, value := range values {
		b = AppendDelimited(b, 0x12, cleaned(trimmed(value)))
	}
	return b
}

// White space around a value is no part of it (RFC 9110, section 5.5).
func trimmed(value string) string {
	if value == "" || !isSpace(value[0]) && !isSpace(value[len(value)-1]) {
		return value
	}
	return strings.Trim(value, " \t\r\n\x00")
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 }

func cleaned(value string) string {
	if !strings.ContainsAny(value, "\r\n\x00") {
		return value
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(value)
}

func isFieldName(name string) bool {
	if name == "" || len(name) > limits.FieldNameBytes {
		return false
	}
	for at := range len(name) {
		if !tokenBytes[name[at]] {
			return false
		}
	}
	return true
}

// Those of a token (RFC 9110, section 5.6.2).
var tokenBytes = func() (table [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		table[c] = true
	}
	return table
}()
