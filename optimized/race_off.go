//go:build !race

package optimized

const raceEnabled = false

func noteRead([]float32)  {}
func noteWrite([]float32) {}
