package regress

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A progress is one line on a terminal that says what goes on and how long it may yet take. In a log it is silent.
type progress struct {
	w     io.Writer // nil: silent
	shown time.Time
}

func newProgress(w io.Writer) *progress {
	if f, is := w.(*os.File); is {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
			return &progress{w: w}
		}
	}
	return &progress{}
}

// show replaces the line, five times a second at most.
func (p *progress) show(text string) {
	if p.w == nil || time.Since(p.shown) < 200*time.Millisecond {
		return
	}
	p.shown = time.Now()
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

func (p *progress) round(at stage, number, who, of int, deadline time.Time) {
	p.show(fmt.Sprintf("%s: pair %d of %d of %d benchmarks, at most %s left", at, number, who, of, time.Until(deadline).Round(time.Second)))
}

// clear takes the line away.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
