//go:build linux

package peers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A driver is how to start one implementation.
type driver struct {
	name string // what reports call it
	argv []string
	env  []string
	onnx bool // it is handed a model
}

// A contender is a driver's running process with one layout and one number of threads. While it is not asked anything it
// is stopped, so that threads that spin for their next work do not take a core from the one that is measured.
type contender struct {
	driver
	layout  string
	threads int

	version string
	layouts []string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errs    strings.Builder
}

// errSlow is what a contender answers that did not within its limit; it is killed, and starts again for the next load.
var errSlow = errors.New("takes too long")

func (c *contender) String() string {
	return fmt.Sprintf("%s/%s", c.name, c.layout)
}

// start runs the process and reads its hello.
func (c *contender) start(ctx context.Context, env []string) error {
	c.errs.Reset()
	c.cmd = exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	c.cmd.Env = append(append(append(c.cmd.Environ(), env...), c.env...),
		fmt.Sprintf("OMP_NUM_THREADS=%d", c.threads), fmt.Sprintf("GOMAXPROCS=%d", c.threads),
		"OMP_WAIT_POLICY=active", "OMP_PROC_BIND=true", "POOL2D_SPIN=10ms") // threads of all may wait awake
	c.cmd.Stderr = &c.errs
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return err
	}
	words, err := c.answer(30 * time.Second)
	if err == nil && (len(words) < 4 || words[0] != "hello") {
		err = fmt.Errorf("said %q, want hello NAME VERSION LAYOUT", strings.Join(words, " "))
	}
	if err != nil {
		c.stop()
		return fmt.Errorf("%s: %w%s", c.name, err, lastLine(c.errs.String()))
	}
	c.version, c.layouts = words[2], words[3:]
	return nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + last
	}
	return ""
}

func (c *contender) stop() {
	if c.cmd != nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		c.cmd = nil
	}
}

// answer lets the process go on until it has answered in one line, or the limit is over.
func (c *contender) answer(limit time.Duration) ([]string, error) {
	c.cmd.Process.Signal(syscall.SIGCONT)
	defer func() {
		if c.cmd != nil {
			c.cmd.Process.Signal(syscall.SIGSTOP)
		}
	}()
	type reply struct {
		line string
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		line, err := c.out.ReadString('\n')
		replies <- reply{line, err}
	}()
	select {
	case r := <-replies:
		if r.err != nil {
			c.stop() // which waits for the end of its stderr
			return nil, fmt.Errorf("ended%s", lastLine(c.errs.String()))
		}
		return strings.Fields(r.line), nil
	case <-time.After(limit):
		c.stop()
		return nil, errSlow
	}
}

// ask sends a line and returns the answer.
func (c *contender) ask(limit time.Duration, format string, args ...any) ([]string, error) {
	c.cmd.Process.Signal(syscall.SIGCONT)
	if _, err := fmt.Fprintf(c.in, format+"\n", args...); err != nil {
		return nil, err
	}
	return c.answer(limit)
}

// A checksum is the sum of a result's cells, and one that weighs them by their place.
type checksum struct{ sum, weighted float64 }

// load hands the contender a workload; lacks is its reason not to take it.
func (c *contender) load(w workload, op, model string, limit time.Duration) (sum checksum, lacks string, err error) {
	p := w.params(op).Normalized()
	words, err := c.ask(limit, "load %s %s %d %d %d %d %d %d %d %d %d %d %d %d %d %s", op, c.layout, c.threads,
		w.N, w.C, w.H, w.W, p.Kernel.H, p.Kernel.W, p.Stride.H, p.Stride.W, p.Pad.Top, p.Pad.Left, p.Pad.Bottom, p.Pad.Right, model)
	switch {
	case err != nil:
		return sum, "", err
	case len(words) > 0 && words[0] == "lacks":
		return sum, strings.Join(words[1:], " "), nil
	case len(words) == 3 && words[0] == "ok":
		sum.sum, err = strconv.ParseFloat(words[1], 64)
		if err == nil {
			sum.weighted, err = strconv.ParseFloat(words[2], 64)
		}
		return sum, "", err
	}
	return sum, "", fmt.Errorf("%v: answered %q to load", c, strings.Join(words, " "))
}

// warmUp is how long a contender is called before it is timed. With several threads, that is longer than a kernel takes to give those of a
// process that was stopped a core each: where they are not bound to one, after 20 ms 6 % of samples took twice the median, and 1 % after 50.
func (c *contender) warmUp() time.Duration {
	if c.threads > 1 {
		return 50 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// time returns how long reps calls took.
func (c *contender) time(reps int, limit time.Duration) (time.Duration, error) {
	words, err := c.ask(limit, "time %d %d", c.warmUp().Nanoseconds(), reps)
	if err != nil {
		return 0, err
	}
	if len(words) != 1 {
		return 0, fmt.Errorf("%v: answered %q to time", c, strings.Join(words, " "))
	}
	ns, err := strconv.ParseInt(words[0], 10, 64)
	return time.Duration(ns), err
}
