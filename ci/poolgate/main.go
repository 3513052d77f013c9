// Command poolgate is the gate of this module: what must hold before a change is taken, in one command.
//
//	go run ./ci/poolgate            the main job
//	go run ./ci/poolgate help       its subcommands
//
// It prints a verdict first. It exits 0 if all is good, 1 if the gate says no, 2 if it could not run, and 3 where a
// subcommand was asked to be strict and is inconclusive.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"example.com/pool2d/ci/poolgate/internal/peers"
	"example.com/pool2d/ci/poolgate/internal/regress"
	"example.com/pool2d/props"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const (
	exitGood   = 0
	exitNo     = 1 // the gate says no
	exitFailed = 2 // the gate could not run
)

// A command is a subcommand. Help and dispatch read the same table.
type command struct {
	name string
	help string
	run  func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

var commands = []command{
	{"check", "run what must hold before a change is taken: formatting, builds, tests, laws", runCheck},
	{"cases", "list the cases on which frameworks disagree, with what each answers", runCases},
	{"laws", "hold the implementations in the tree against every law", runLaws},
	{"peers", "measure package optimized side by side with other libraries", peers.Run},
	{"regress", "say which benchmarks a change made slower, and prove which it did not", regress.Run},
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return runJob(ctx, args, stdout, stderr)
	}
	if args[0] == "help" {
		usage(stdout)
		return exitGood
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "poolgate: unknown command %q\n\n", args[0])
	usage(stderr)
	return exitFailed
}

// runCases is the subcommand cases.
func runCases(_ context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("cases", "Lists the cases on which frameworks are known to disagree, with what each answers and how that is known.", stderr)
	if code, stop := parse(flags, args); stop {
		return code
	}
	if err := props.WriteCases(stdout); err != nil {
		fmt.Fprintln(stderr, "poolgate cases:", err)
		return exitFailed
	}
	return exitGood
}

func usage(w io.Writer) {
	fmt.Fprintf(w, `usage: poolgate [flags]            the main job: laws, photographs, benchmarks, a report
       poolgate COMMAND [flags]

`)
	for _, c := range commands {
		fmt.Fprintf(w, "    %-10s %s\n", c.name, c.help)
	}
	fmt.Fprintf(w, `
poolgate -h says more of the main job, poolgate COMMAND -h of a command.
`)
}
