package servehttp

import (
	"fmt"
	"net/http"

	"servehttp.example/sdks/go/internal/carrier"
	"servehttp.example/sdks/go/internal/fault"
	"servehttp.example/sdks/go/internal/limits"
	"servehttp.example/sdks/go/internal/wire"
)

// inform sends an interim response. Of those with status 100, a client wants one, and only if it has
// said so.
func (w *response) inform(status int) {
	asks := &w.exchange.body.asks
	if status == http.StatusContinue {
		if !asks.CompareAndSwap(true, false) {
			return
		}
	} else if left := limits.InformationalCount - w.interims; left < 1 || left == 1 && asks.Load() {
		w.warn(fmt.Sprintf("WriteHeader is ignored: an exchange has at most %d interim responses", limits.InformationalCount), status)
		return
	}
	w.interims++
	content := wire.AppendStatus(nil, status)
	if status != http.StatusContinue {
		for _, name := range sortedNames(w.header) {
			if name != "Content-Length" && name != "Transfer-Encoding" {
				content = wire.AppendField(content, wire.HeadFieldTag, name, w.header[name])
			}
		}
	}
	_ = w.send(carrier.Parts{Front: wire.AppendInformational(nil, content)})
}

// askForBody sends the 100 (Continue) that the client waits for.
func (w *response) askForBody() error {
	// Once the head has gone, nobody holds the lock for it any more, but a write may hold it for long.
	if !w.headSent.Load() {
		w.mu.Lock()
		defer w.mu.Unlock()
	}
	if w.headSent.Load() {
		if w.exchange.body.asks.Load() {
			return errTooLateToAsk
		}
		return nil
	}
	if w.state == responseOpen || w.state == responseCommitted {
		w.inform(http.StatusContinue)
	}
	return nil
}

var errTooLateToAsk = fault.New(fault.RequestNotNeeded,
	"the client waits for a 100 (Continue), which can't follow the response's head: read the body before you flush the response")

func (w *response) extendHead(milliseconds uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == responseOpen {
		_ = w.send(carrier.Parts{Front: wire.AppendExtendHead(nil, milliseconds)})
	}
}
