package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// The server, its connections, and the trace of what is done to them.
//
// Every message takes half a round trip. A server that restarts ends its sessions and refuses others while it is down; a
// driver knows half a round trip later. So what becomes of a call is known when it begins.
type world struct {
	schedule schedule
	start    time.Time
	lock     sync.Mutex
	opened   int
	last     time.Duration
	words    []string
	errors   []string
	// When timers are to ring.
	promised []time.Duration
}

var (
	errRefused = errors.New("refused")
	errLost    = errors.New("lost")
)

const never = time.Duration(1 << 62)

func (w *world) now() time.Duration { return time.Since(w.start) }

// Something happens: a letter, a request's number, a connection's; or neither, below 0.
func (w *world) note(letter string, request, conn int) {
	w.lock.Lock()
	defer w.lock.Unlock()
	now := w.now()
	if now >= w.schedule.End {
		return
	}
	word := letter
	if now > w.last {
		word = fmt.Sprint(int64(now-w.last), letter)
	}
	w.last = now
	if request >= 0 {
		word += fmt.Sprint(request)
	}
	if conn >= 0 {
		word += fmt.Sprintf("/%d", conn)
	}
	w.words = append(w.words, word)
}

func (w *world) failed(request int, why string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.errors = append(w.errors, fmt.Sprint(request, " ", why))
}

func (w *world) recording() map[string]any {
	failures := append([]string{}, w.errors...)
	return map[string]any{
		"schedule": w.schedule, "trace": strings.Join(w.words, " "), "counters": "", "ties": w.ties(), "errors": failures,
	}
}

// The instants at which more than one timer was to ring: who comes first then is nobody's rule.
func (w *world) ties() string {
	sort.Slice(w.promised, func(one, other int) bool { return w.promised[one] < w.promised[other] })
	var found []string
	for place := 1; place < len(w.promised); place++ {
		if w.promised[place] == w.promised[place-1] {
			found = append(found, fmt.Sprint(int64(w.promised[place])))
		}
	}
	return strings.Join(found, " ")
}

// Sleeps until a time, or until the context is done.
func (w *world) until(ctx context.Context, at time.Duration) error {
	if at > w.now() {
		w.lock.Lock()
		w.promised = append(w.promised, at)
		w.lock.Unlock()
	}
	timer := time.NewTimer(at - w.now())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *world) Driver() driver.Driver { return nil }

// Connect is asked by the pool.
func (w *world) Connect(ctx context.Context) (driver.Conn, error) {
	w.lock.Lock()
	w.opened++
	serial := w.opened
	w.lock.Unlock()
	w.note("s", -1, serial)
	half := w.schedule.RoundTrip / 2
	arrives := w.now() + half
	admitted, ends := arrives+w.schedule.Connect, never
	at, err := admitted+half, error(nil)
	for _, restart := range w.schedule.Faults {
		if restart.at <= arrives && arrives < restart.at+restart.down {
			at, err = arrives+half, errRefused
		} else if restart.at > arrives && restart.at < ends {
			ends = restart.at
		}
	}
	if err == nil && ends <= admitted {
		at, err = ends+half, errLost
	}
	if cut := w.until(ctx, at); cut != nil {
		return nil, cut
	}
	if err != nil {
		w.note("f", -1, serial)
		return nil, err
	}
	w.note("d", -1, serial)
	return &conn{world: w, serial: serial, ends: ends}, nil
}

// A connection of the driver.
type conn struct {
	world      *world
	serial     int
	ends       time.Duration
	busy, lost bool
}

func (c *conn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("nothing is prepared") }
func (c *conn) Begin() (driver.Tx, error)           { return nil, errors.New("nothing is begun") }

// IsValid says whether it can carry another statement.
func (c *conn) IsValid() bool { return !c.busy && !c.lost }

func (c *conn) Close() error {
	c.world.note("c", -1, c.serial)
	return c.world.until(context.Background(), c.world.now()+time.Duration(c.world.schedule.Driver["close"]))
}

// ExecContext carries a statement that demands so many nanoseconds.
func (c *conn) ExecContext(ctx context.Context, _ string, given []driver.NamedValue) (driver.Result, error) {
	half := c.world.schedule.RoundTrip / 2
	told := never
	if c.ends < never {
		told = c.ends + half
	}
	if c.lost || c.world.now() >= told {
		c.lost = true
		return nil, errLost
	}
	finished := c.world.now() + half + time.Duration(given[0].Value.(int64))
	c.busy, c.lost = true, finished >= c.ends
	at := finished + half
	if c.lost {
		at = told
	}
	if cut := c.world.until(ctx, at); cut != nil {
		return nil, cut
	}
	c.busy = false
	if c.lost {
		return nil, errLost
	}
	return driver.ResultNoRows, nil
}
