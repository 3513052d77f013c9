//go:build unix

package guard

import (
	"runtime/debug"
	"testing"
)

// TestFences checks that the cells are there, and that those before and behind are not.
func TestFences(t *testing.T) {
	m, err := New(5000)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, s := range [][]float32{m.First(5000), m.Last(5000)} {
		for i := range s {
			s[i] = float32(i)
		}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	faults := func(name string, s []float32) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no fault", name)
			}
		}()
		s[0]++
	}
	page := len(m.all) - len(m.data)
	faults("before", (&Memory{data: m.all[page/2-4:]}).First(1))
	faults("behind", (&Memory{data: m.all[:len(m.all)-page/2+4]}).Last(1))
}
