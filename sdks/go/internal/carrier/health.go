package carrier

import (
	"sync"

	"servehttp.example/sdks/go/internal/wire"
)

// health is whether the plugin serves, as grpc.health.v1 tells it.
//
//	serving -> stopped [stop]
type health struct {
	once    sync.Once
	stopped chan struct{}
}

func (h *health) stop() { h.once.Do(func() { close(h.stopped) }) }

func (h *health) serving() bool {
	select {
	case <-h.stopped:
		return false
	default:
		return true
	}
}

func (c *rpc) describe(software string) {
	c.answer(func(message []byte) ([]byte, wire.Status, error) {
		answer, err := wire.AnswerDescribe(message, software)
		return answer, wire.OK, err
	})
}

func (c *rpc) checkHealth(h *health) {
	c.answer(func(message []byte) ([]byte, wire.Status, error) {
		return healthAnswer(h, message)
	})
}

// watchHealth says how it is, and again once the plugin closes. A watch that went on would keep the
// connection open.
func (c *rpc) watchHealth(h *health) {
	known := false
	c.answer(func(message []byte) ([]byte, wire.Status, error) {
		answer, status, err := healthAnswer(h, message)
		known = answer != nil
		return answer, status, err
	})
	if !known || !h.serving() {
		return
	}
	select {
	case <-h.stopped:
		_ = c.send(withHead(wire.HealthAnswer(false)))
	case <-c.r.Context().Done():
	}
}

func healthAnswer(h *health, message []byte) ([]byte, wire.Status, error) {
	service, err := wire.ReadHealthService(message)
	if err != nil {
		return nil, wire.OK, err
	}
	if service != "" && service != "servehttp.v1.PluginService" {
		return nil, wire.NewStatus(notFound, "there is no such service"), nil
	}
	return wire.HealthAnswer(h.serving()), wire.OK, nil
}

// notFound is the status for a service that does not exist.
const notFound = 5

// answer answers a unary RPC: with a message where there is one, and a status.
func (c *rpc) answer(of func(message []byte) ([]byte, wire.Status, error)) {
	message, err := c.one()
	if err != nil {
		c.end(wire.StatusOf(asFault(err)))
		return
	}
	answer, status, err := of(message)
	if err != nil {
		c.end(wire.StatusOf(asFault(err)))
		return
	}
	if answer != nil {
		_ = c.send(withHead(answer))
	}
	c.end(status)
}

func withHead(message []byte) []byte {
	return append(make([]byte, wire.MessageHeadBytes), message...)
}
