package optimized

import (
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// impl is this package as the suite sees it.
func impl[T pool2d.Elem](name string) pool2d.Impl[T] {
	im := pool2d.Impl[T]{Name: name, Pool2DInto: Pool2DInto[T], Indices: Pool2DIndices[T]}
	if isFloat[T]() {
		im.Grad = Pool2DGrad[T]
	}
	return im
}

// TestLaws runs the suite on each kernel set, and on the element types that have none.
func TestLaws(t *testing.T) {
	sets := KernelSets()
	if raceEnabled {
		sets = sets[:1] // fifteen times as slow; goroutines and what they share are the same for all
	}
	for _, s := range sets {
		t.Run("float32/set="+s, func(t *testing.T) {
			undo, ok := force(s)
			if !ok {
				t.Fatalf("the set %s does not run", s)
			}
			defer undo()
			props.Run(t, impl[float32]("optimized-"+s))
		})
	}
	if raceEnabled {
		return
	}
	t.Run("float64", func(t *testing.T) { props.Run(t, impl[float64]("optimized")) })
	t.Run("int8", func(t *testing.T) { props.Run(t, impl[int8]("optimized")) })
	t.Run("uint8", func(t *testing.T) { props.Run(t, impl[uint8]("optimized")) })
	t.Run("int32", func(t *testing.T) { props.Run(t, impl[int32]("optimized")) })
}
