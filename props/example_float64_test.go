package props_test

import (
	"errors"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// generic is one function for all element types; it is plugged in once for each. This one serves no dilation.
func generic[T pool2d.Elem]() pool2d.Impl[T] {
	return pool2d.Impl[T]{
		Name:  "mine",
		Lacks: pool2d.AvgOp | pool2d.Dilation,
		Pool2D: func(src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
			out, err := pool2d.OutputShape(src.Shape, p)
			if err := errors.Join(err, src.Validate()); err != nil {
				return pool2d.Tensor[T]{}, err
			}
			p = p.Normalized()
			dst := pool2d.Tensor[T]{Shape: out, Data: make([]T, out.N*out.C*out.H*out.W)}
			for i := range dst.Data {
				at := dst.CellAt(i)
				top, left := at.H*p.Stride.H-p.Pad.Top, at.W*p.Stride.W-p.Pad.Left
				at.H, at.W = max(top, 0), max(left, 0)
				best := src.Data[src.Offset(at)] // without dilation, every window has a real tap
				for at.H = max(top, 0); at.H < min(top+p.Kernel.H, src.H); at.H++ {
					for at.W = max(left, 0); at.W < min(left+p.Kernel.W, src.W); at.W++ {
						best = max(best, src.Data[src.Offset(at)])
					}
				}
				dst.Data[i] = best
			}
			return dst, nil
		},
	}
}

// An implementation of float64, and of every other element type, without dilation.
func Example_float64() {
	var t *testing.T // of the test that this stands in
	props.Run(t, generic[float64]())
	props.Run(t, generic[uint8]())
}
