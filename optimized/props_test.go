package optimized

import (
	"flag"
	"strconv"
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

// TestLaws runs the suite on the best kernel set; and so that go test stays below two minutes, two fifths of its checks on
// the others, each of which poolgate check holds against all of it, and on the element types that have none, which run the Go
// loops that float32 has run.
func TestLaws(t *testing.T) {
	checks := flag.Lookup("rapid.checks").Value
	all := checks.String()
	n, err := strconv.Atoi(all)
	if err != nil {
		t.Fatal(err)
	}
	defer checks.Set(all)
	for _, s := range KernelSets() {
		t.Run("float32/set="+s, func(t *testing.T) {
			undo, ok := force(s)
			if !ok {
				t.Fatalf("the set %s does not run", s)
			}
			defer undo()
			props.Run(t, impl[float32]("optimized-"+s))
		})
		if raceEnabled { // fifteen times as slow; goroutines and what they share are the same for all
			return
		}
		checks.Set(strconv.Itoa((2*n + 4) / 5))
	}
	t.Run("float64", func(t *testing.T) { props.Run(t, impl[float64]("optimized")) })
	t.Run("int8", func(t *testing.T) { props.Run(t, impl[int8]("optimized")) })
	t.Run("uint8", func(t *testing.T) { props.Run(t, impl[uint8]("optimized")) })
	t.Run("int32", func(t *testing.T) { props.Run(t, impl[int32]("optimized")) })
}

// TestOnceWrong replays what a kernel once had wrong: rows of a vector's width, whose windows hang over its end.
func TestOnceWrong(t *testing.T) {
	x := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: 4, W: 16}, Data: make([]float32, 64)}
	for i := range x.Data {
		x.Data[i] = float32(i * 37 % 64)
	}
	p := pool2d.Params{Kernel: pool2d.HW{H: 4, W: 5}, Stride: pool2d.HW{H: 5, W: 4}, Pad: pool2d.Pad{Left: 2, Right: 2}, Ceil: true}
	for _, s := range KernelSets() {
		undo, _ := force(s)
		for _, p.Op = range []pool2d.Op{pool2d.Max, pool2d.Avg} {
			props.Replay(t, impl[float32]("optimized-"+s), props.Case[float32]{Src: x, Params: p})
		}
		undo()
	}
}
