package servehttp

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"servehttp.example/sdks/go/internal/wire"
)

// commit makes the head of what the handler has set. What follows from the body is added as it is
// sent.
func (w *response) commit(status int) {
	w.state = responseCommitted
	w.status = status
	w.buffer = responseBuffers.Get().(*responseBuffer)
	w.head = wire.AppendStatus(w.buffer.head[:0], status)
	for _, name := range sortedNames(w.header) {
		if w.belongsToHead(name) {
			w.head = wire.AppendField(w.head, wire.HeadFieldTag, name, w.header[name])
		}
	}
}

// belongsToHead notes what the fields say.
func (w *response) belongsToHead(name string) bool {
	values := w.header[name]
	switch name {
	case "Content-Length":
		return w.declareLength(values)
	case "Content-Type":
		w.hasType = true
	case "Content-Encoding":
		w.hasCoding = w.hasCoding || len(values) > 0 && values[0] != ""
	case "Transfer-Encoding":
		// The framing is the host's business.
		w.hasCoding = true
		return false
	case "Trailer":
		w.declareTrailers(values)
	}
	return !strings.HasPrefix(name, http.TrailerPrefix)
}

func (w *response) declareLength(values []string) bool {
	if len(values) == 0 {
		return false
	}
	length, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || length < 0 {
		w.exchange.service.logger.Warn("the Content-Length is left out: it is no length",
			requestIDKey, w.exchange.info.ID, "length", values[0])
		return false
	}
	w.hasLength = true
	w.declared = length
	return true
}

func (w *response) declareTrailers(values []string) {
	for _, line := range values {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			switch name {
			case "", "Transfer-Encoding", "Content-Length", "Trailer":
			default:
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

func sortedNames(header http.Header) []string {
	if len(header) == 0 {
		return nil
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func allowsBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// completeHead adds what net/http adds by looking at the beginning of the body, or at all of it.
func (w *response) completeHead(first []byte, isAll bool) {
	if !allowsBody(w.status) {
		return
	}
	if !w.hasType && !w.hasCoding && len(first) > 0 {
		w.head = wire.AppendField(w.head, wire.HeadFieldTag, "Content-Type", []string{http.DetectContentType(first)})
	}
	if isAll && !w.hasLength && !w.hasTrailers() && (!w.isHead || len(first) > 0) && w.written == int64(len(first)) {
		w.head = wire.AppendField(w.head, wire.HeadFieldTag, "Content-Length", []string{formatInt(w.written)})
	}
}

func formatInt(number int64) string { return strconv.FormatInt(number, 10) }

func (w *response) hasTrailers() bool {
	if len(w.trailers) > 0 {
		return true
	}
	for name := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// trailerFields are the fields that the handler has announced, and those with http.TrailerPrefix.
func (w *response) trailerFields() []byte {
	var fields []byte
	for _, name := range w.trailers {
		fields = wire.AppendField(fields, wire.TrailerFieldTag, name, w.header[name])
	}
	for _, key := range sortedNames(w.header) {
		if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok {
			fields = wire.AppendField(fields, wire.TrailerFieldTag, http.CanonicalHeaderKey(name), w.header[key])
		}
	}
	return fields
}
