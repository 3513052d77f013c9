package props_test

import (
	"errors"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// channelsLast wants its channels side by side. The suite hands it tensors in that layout, and reports in NCHW.
var channelsLast = pool2d.Impl[float32]{
	Name:   "mine",
	Layout: pool2d.NHWC,
	Lacks:  pool2d.MaxOp | pool2d.Dilation | pool2d.CeilMode | pool2d.CountPad | pool2d.DivisorOption,
	Pool2D: func(src pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		out, err := pool2d.OutputShape(src.Shape, p)
		if err := errors.Join(err, src.Validate()); err != nil {
			return pool2d.Tensor[float32]{}, err
		}
		p = p.Normalized()
		dst := pool2d.Tensor[float32]{Shape: out, Data: make([]float32, out.N*out.C*out.H*out.W), Layout: src.Layout}
		for i := 0; i < len(dst.Data); i += out.C { // all channels of one result
			at := dst.CellAt(i)
			top, left := at.H*p.Stride.H-p.Pad.Top, at.W*p.Stride.W-p.Pad.Left
			sums := dst.Data[i : i+out.C]
			taps := 0
			for at.H = max(top, 0); at.H < min(top+p.Kernel.H, src.H); at.H++ {
				for at.W = max(left, 0); at.W < min(left+p.Kernel.W, src.W); at.W++ {
					from := src.Offset(at)
					for c, v := range src.Data[from : from+src.C] {
						sums[c] += v
					}
					taps++
				}
			}
			for c := range sums {
				sums[c] /= float32(taps)
			}
		}
		return dst, nil
	},
}

// An implementation with channels last.
func Example_nhwc() {
	var t *testing.T // of the test that this stands in
	props.Run(t, channelsLast)
}
