package props_test

import (
	"errors"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// quantized averages int8: the exact quotient, rounded half away from zero. Such averages have no tolerance.
var quantized = pool2d.Impl[int8]{
	Name:  "mine",
	Lacks: pool2d.MaxOp | pool2d.Padding | pool2d.Dilation | pool2d.CeilMode | pool2d.DivisorOption,
	Pool2D: func(src pool2d.Tensor[int8], p pool2d.Params) (pool2d.Tensor[int8], error) {
		out, err := pool2d.OutputShape(src.Shape, p)
		if err := errors.Join(err, src.Validate()); err != nil {
			return pool2d.Tensor[int8]{}, err
		}
		p = p.Normalized()
		dst := pool2d.Tensor[int8]{Shape: out, Data: make([]int8, out.N*out.C*out.H*out.W)}
		n := p.Kernel.H * p.Kernel.W
		for i := range dst.Data {
			at := dst.CellAt(i)
			at.H, at.W = at.H*p.Stride.H, at.W*p.Stride.W
			sum := 0
			for h := range p.Kernel.H {
				for w := range p.Kernel.W {
					sum += int(src.Data[src.Offset(at)+h*src.W+w])
				}
			}
			if sum < 0 {
				sum -= n / 2
			} else {
				sum += n / 2
			}
			dst.Data[i] = int8(sum / n)
		}
		return dst, nil
	},
}

// An implementation of int8. The suite is the same for every element type.
func Example_int8() {
	var t *testing.T // of the test that this stands in
	props.Run(t, quantized)
}
