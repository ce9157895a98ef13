package carrier

import (
	"sync"
	"time"
)

// writeDeadline wakes those that wait for room when it passes.
type writeDeadline struct {
	at    time.Time
	timer *time.Timer
}

// set is called with the lock of the condition.
func (d *writeDeadline) set(at time.Time, room *sync.Cond) {
	d.stop()
	d.at = at
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), func() {
			room.L.Lock()
			room.Broadcast()
			room.L.Unlock()
		})
		room.Broadcast()
	}
}

// stop ends the timer, and keeps the deadline.
func (d *writeDeadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (d *writeDeadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }
