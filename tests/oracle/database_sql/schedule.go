package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"sort"
	"time"
)

// What poolcast and the real pool are both given. All times are nanoseconds.
type schedule struct {
	Seed      int64            `json:"seed"`
	Pool      map[string]pool  `json:"pool"`
	RoundTrip time.Duration    `json:"round_trip"`
	Connect   time.Duration    `json:"connect"`
	Slots     int              `json:"slots"`
	Timeout   int              `json:"statement_timeout"`
	Driver    map[string]int64 `json:"driver"`
	Faults    []restart        `json:"faults"`
	Requests  []request        `json:"requests"`
	End       time.Duration    `json:"end"`
}

type pool struct {
	MaxOpen     int  `json:"max_open_conns"`
	MaxIdle     int  `json:"max_idle_conns"`
	MaxLifetime span `json:"conn_max_lifetime"`
	MaxIdleTime span `json:"conn_max_idle_time"`
}

// A time as poolcast's files write it.
type span time.Duration

func (s span) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprintf("%dns", int64(s))) }

type restart struct{ at, down time.Duration }

func (r restart) MarshalJSON() ([]byte, error) { return json.Marshal([]any{"restart", r.at, r.down}) }

type request struct {
	At       time.Duration  `json:"at"`
	Deadline *time.Duration `json:"deadline"`
	Steps    []step         `json:"steps"`
}

// A session with steps of its own, a statement that demands so long, or a pause.
type step struct {
	name  string
	time  time.Duration
	inner []step
}

func (s step) MarshalJSON() ([]byte, error) {
	if s.name == "session" {
		return json.Marshal([]any{s.name, s.inner})
	}
	return json.Marshal([]any{s.name, s.time})
}

type dice struct{ *rand.Rand }

// A length between two times, log-uniform, odd, so that sums rarely meet.
func (d dice) span(low, high time.Duration) time.Duration {
	return time.Duration(float64(low)*math.Pow(float64(high)/float64(low), d.Float64())) | 1
}

func (d dice) some(probability float64, low, high time.Duration) time.Duration {
	if d.Float64() < probability {
		return d.span(low, high)
	}
	return 0
}

const ms = time.Millisecond

// The schedule of a seed. A waiter is served at random: where requests can wait, all are alike, so that it does not
// matter who; where they differ, there is room for all.
func draw(seed int64) schedule {
	d := dice{rand.New(rand.NewSource(seed))}
	settings := pool{
		MaxIdle:     []int{0, 1, 2, 2, 2, 3, 5}[d.Intn(7)],
		MaxLifetime: span(d.some(0.5, 300*ms, 20*time.Second)),
		MaxIdleTime: span(d.some(0.5, 300*ms, 20*time.Second)),
	}
	alike := d.Intn(2) == 0
	if alike {
		settings.MaxOpen = 1 + d.Intn(4)
		if settings.MaxIdle > settings.MaxOpen {
			settings.MaxIdle = settings.MaxOpen
		}
	}
	length := d.span(2*time.Second, 20*time.Second)
	drawn := schedule{
		Seed:      seed,
		Pool:      map[string]pool{"DatabaseSql": settings},
		RoundTrip: 2 * d.span(ms/20, 10*ms),
		Connect:   d.span(ms, 400*ms),
		Slots:     1000,
		Driver:    map[string]int64{"checkout": 0, "statement": 0, "ping": 0, "reset": 0, "close": int64(d.some(0.5, ms, 100*ms))},
		Faults:    []restart{},
		End:       length + 60*time.Second,
	}
	if d.Intn(2) == 0 {
		drawn.Faults = append(drawn.Faults, restart{d.span(length/20, length), d.some(0.5, ms, 2*time.Second)})
	}
	same := d.span(5*ms, 1500*ms)
	for number := 4 + d.Intn(20); number > 0; number-- {
		wanted := request{At: time.Duration(d.Float64()*float64(length)) | 1}
		if alike {
			wanted.Steps = []step{{name: "session", inner: []step{{name: "query", time: same}}}}
		} else {
			wanted.Steps = steps(d)
			if deadline := d.some(0.4, 2*ms, 3*time.Second); deadline > 0 {
				wanted.Deadline = &deadline
			}
		}
		drawn.Requests = append(drawn.Requests, wanted)
	}
	sort.SliceStable(drawn.Requests, func(one, other int) bool { return drawn.Requests[one].At < drawn.Requests[other].At })
	return drawn
}

func steps(d dice) []step {
	var found []step
	for number := 1 + d.Intn(2); number > 0; number-- {
		held := step{name: "session"}
		for inner := 1 + d.Intn(2); inner > 0; inner-- {
			name := []string{"query", "query", "await"}[d.Intn(3)]
			held.inner = append(held.inner, step{name: name, time: d.span(2*ms, 1500*ms)})
		}
		found = append(found, held, step{name: "await", time: d.span(ms, 500*ms)})
	}
	return found
}
