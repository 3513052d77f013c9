//go:build race

package optimized

import (
	"runtime"
	"unsafe"
)

const raceEnabled = true

// noteRead tells the race detector that assembly reads s.
func noteRead(s []float32) {
	if len(s) > 0 {
		runtime.RaceReadRange(unsafe.Pointer(&s[0]), 4*len(s))
	}
}

// noteWrite tells the race detector that assembly writes s.
func noteWrite(s []float32) {
	if len(s) > 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&s[0]), 4*len(s))
	}
}
