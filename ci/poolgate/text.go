package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// newFlags returns the flags of a subcommand, with its help.
func newFlags(name, help string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet("poolgate "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: poolgate %s [flags]\n\n%s\n\n", name, help)
		flags.PrintDefaults()
	}
	return flags
}

// parse parses the flags of a subcommand that takes no arguments. If stop, the subcommand is over, with that exit code.
func parse(flags *flag.FlagSet, args []string) (code int, stop bool) {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitGood, true
	case err != nil:
		return exitFailed, true
	case flags.NArg() > 0:
		fmt.Fprintf(flags.Output(), "%s: unexpected argument %q\n", flags.Name(), flags.Arg(0))
		return exitFailed, true
	}
	return exitGood, false
}

// A table is lined up in columns, the first ones to the left and the others to the right.
type table struct {
	header []string
	right  int // the first column that is lined up to the right
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	lines := append([][]string{t.header}, t.rows...)
	widths := make([]int, len(t.header))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			blank := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			if i < t.right {
				b.WriteString(cell + blank)
			} else {
				b.WriteString(blank + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// progress is one line that is written over and over, on a terminal; nothing anywhere else.
type progress struct {
	w     io.Writer // nil: silent
	start time.Time
	mu    sync.Mutex
}

func newProgress(stderr io.Writer) *progress {
	p := &progress{start: time.Now()}
	if f, ok := stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
			p.w = stderr
		}
	}
	return p
}

func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil {
		line := fmt.Sprintf("%4ds  ", int(time.Since(p.start).Seconds())) + fmt.Sprintf(format, args...)
		fmt.Fprintf(p.w, "\r\x1b[K%.79s", line)
	}
}

// done clears the line.
func (p *progress) done() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func rounded(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Microsecond)
}
