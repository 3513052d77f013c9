package regress

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// cpuPressure returns for how long, since the machine started, something was ready to run and had to wait for a
// processor; zero where the kernel does not say (only Linux does). It belongs to the machine and not to a side, so it may
// explain a verdict but never weighs on one.
func cpuPressure() time.Duration {
	text, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	some, _, _ := strings.Cut(string(text), "\n")
	_, total, _ := strings.Cut(some, "total=")
	us, _ := strconv.ParseInt(total, 10, 64)
	return time.Duration(us) * time.Microsecond
}
