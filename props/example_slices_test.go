package props_test

import (
	"errors"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// maxPool pools planes of h×w with a k×k window every s cells, as many programs do: slices and dims, nothing else.
func maxPool(dst, src []float32, planes, h, w, k, s int) {
	for plane := range planes {
		x := src[plane*h*w:]
		for y := 0; y+k <= h; y += s {
			for z := 0; z+k <= w; z += s {
				best := x[y*w+z]
				for i := range k * k {
					best = max(best, x[(y+i/k)*w+z+i%k])
				}
				dst[0], dst = best, dst[1:]
			}
		}
	}
}

// slicesAndDims plugs it in. What it does not do, it says in Lacks: the suite asks for nothing of that.
var slicesAndDims = pool2d.Impl[float32]{
	Name:  "mine",
	Lacks: pool2d.AvgOp | pool2d.RectWindow | pool2d.Padding | pool2d.Dilation | pool2d.CeilMode,
	Pool2D: func(src pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		out, err := pool2d.OutputShape(src.Shape, p) // answers shapes, and refuses what is out of bounds
		if err != nil || src.Validate() != nil {
			return pool2d.Tensor[float32]{}, errors.Join(err, src.Validate())
		}
		dst := pool2d.Tensor[float32]{Shape: out, Data: make([]float32, out.N*out.C*out.H*out.W)}
		maxPool(dst.Data, src.Data, src.N*src.C, src.H, src.W, p.Kernel.H, p.Normalized().Stride.H)
		return dst, nil
	},
}

// An implementation over slices and dims, plugged in.
func Example_slicesAndDims() {
	var t *testing.T // of the test that this stands in: func TestMine(t *testing.T)
	props.Run(t, slicesAndDims)
}
