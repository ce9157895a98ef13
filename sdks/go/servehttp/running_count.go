package servehttp

import "sync"

// runningCount counts handlers that run and connections that they took over.
type runningCount struct {
	mu    sync.Mutex
	count int
	// idle is closed when the count is 0 again; nil while nobody waits.
	idle chan struct{}
}

func (r *runningCount) enter() {
	r.mu.Lock()
	r.count++
	r.mu.Unlock()
}

func (r *runningCount) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count--; r.count == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// now is how many run.
func (r *runningCount) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// whenIdle is closed once nothing runs.
func (r *runningCount) whenIdle() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle := r.idle
	if r.count == 0 {
		close(idle)
		r.idle = nil
	}
	return idle
}
