package props_test

import (
	"errors"
	"fmt"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// callersBuffer writes into a buffer that the caller owns, which is full of junk when it comes. It does not look whether
// the buffer overlaps its source: a limit of the contract that it does not keep, so it lacks Strictness. Nonsense, a
// buffer of the wrong length among it, it still refuses.
var callersBuffer = pool2d.Impl[float32]{
	Name:  "mine",
	Lacks: pool2d.AvgOp | pool2d.Padding | pool2d.Dilation | pool2d.CeilMode | pool2d.Strictness,
	Pool2DInto: func(dst, src pool2d.Tensor[float32], p pool2d.Params) error {
		out, err := pool2d.OutputShape(src.Shape, p)
		if err := errors.Join(err, src.Validate(), dst.Validate()); err != nil {
			return err
		}
		if dst.Shape != out {
			return fmt.Errorf("dst is %v, want %v", dst.Shape, out)
		}
		p = p.Normalized()
		for i := range dst.Data {
			at := dst.CellAt(i)
			at.H, at.W = at.H*p.Stride.H, at.W*p.Stride.W
			first := src.Offset(at)
			best := src.Data[first]
			for h := range p.Kernel.H {
				for w := range p.Kernel.W {
					best = max(best, src.Data[first+h*src.W+w])
				}
			}
			dst.Data[i] = best
		}
		return nil
	},
}

// An implementation that writes into the caller's buffer.
func Example_callersBuffer() {
	var t *testing.T // of the test that this stands in
	props.Run(t, callersBuffer)
}
