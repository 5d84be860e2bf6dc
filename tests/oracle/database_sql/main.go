// Plays random schedules to the real database/sql and writes what it did, one JSON object a line:
//
//	play FILE SCHEDULES FIRST_SEED
//
// It is to be built with -tags faketime: then Go's runtime lets time leap to the next timer whenever nothing can run. (The
// runtime writes headers of its own to standard output then, so the recordings go to a file.)
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"time"
)

func main() {
	out, err := os.Create(os.Args[1])
	must(err)
	schedules, err := strconv.ParseInt(os.Args[2], 10, 64)
	must(err)
	first, err := strconv.ParseInt(os.Args[3], 10, 64)
	must(err)
	lines := json.NewEncoder(out)
	for seed := first; seed < first+schedules; seed++ {
		must(lines.Encode(play(draw(seed))))
	}
	must(out.Close())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func play(given schedule) map[string]any {
	w := &world{schedule: given, start: time.Now()}
	settings := given.Pool["DatabaseSql"]
	db := sql.OpenDB(w)
	db.SetMaxOpenConns(settings.MaxOpen)
	db.SetMaxIdleConns(settings.MaxIdle)
	db.SetConnMaxLifetime(time.Duration(settings.MaxLifetime))
	db.SetConnMaxIdleTime(time.Duration(settings.MaxIdleTime))
	for number := range given.Requests {
		go arrive(number, db, w)
	}
	time.Sleep(given.End)
	found := w.recording()
	must(db.Close())
	return found
}

func arrive(number int, db *sql.DB, w *world) {
	wanted := w.schedule.Requests[number]
	ctx := context.Background()
	time.Sleep(wanted.At - w.now())
	if wanted.Deadline != nil {
		limited, cancel := context.WithTimeout(ctx, *wanted.Deadline)
		defer cancel()
		ctx = limited
	}
	// Whatever went wrong, its client has gone by then, if giving back took so long.
	if err := work(ctx, number, wanted.Steps, db, w); err != nil && ctx.Err() != nil {
		w.failed(number, "DeadlineExceeded")
	} else if err != nil {
		w.failed(number, err.Error())
	}
}

func work(ctx context.Context, number int, steps []step, db *sql.DB, w *world) error {
	for _, wanted := range steps {
		var err error
		if wanted.name == "session" {
			err = session(ctx, number, wanted.inner, db, w)
		} else {
			err = w.until(ctx, w.now()+wanted.time)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func session(ctx context.Context, number int, steps []step, db *sql.DB, w *world) error {
	lent, err := db.Conn(ctx)
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			w.note("e", number, -1)
		}
		return err
	}
	defer lent.Close()
	must(lent.Raw(func(raw any) error {
		w.note("o", number, raw.(*conn).serial)
		return nil
	}))
	for _, wanted := range steps {
		if wanted.name == "query" {
			_, err = lent.ExecContext(ctx, "", int64(wanted.time))
		} else {
			err = w.until(ctx, w.now()+wanted.time)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
