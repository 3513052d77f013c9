//go:build !linux

package peers

import (
	"context"
	"fmt"
	"io"
)

// Run says that it cannot: the peers' packages, and stopping a process between its turns, are Linux's.
func Run(_ context.Context, _ []string, _, stderr io.Writer) int {
	fmt.Fprintln(stderr, "poolgate peers: measures on Linux only")
	return 2
}
