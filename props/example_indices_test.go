package props_test

import (
	"errors"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// argmax returns the maxima of src and where they stand; the first of equals, the last of NaNs.
func argmax(src pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], []int64, error) {
	out, err := pool2d.OutputShape(src.Shape, p)
	if p.Op != pool2d.Max {
		err = errors.New("only a maximum has indices")
	}
	if err := errors.Join(err, src.Validate()); err != nil {
		return pool2d.Tensor[float32]{}, nil, err
	}
	p = p.Normalized()
	dst := pool2d.Tensor[float32]{Shape: out, Data: make([]float32, out.N*out.C*out.H*out.W)}
	indices := make([]int64, len(dst.Data))
	for i := range dst.Data {
		at := dst.CellAt(i)
		top, left := at.H*p.Stride.H, at.W*p.Stride.W
		indices[i] = -1
		for at.H = top; at.H < top+p.Kernel.H; at.H++ {
			for at.W = left; at.W < left+p.Kernel.W; at.W++ {
				if v := src.Data[src.Offset(at)]; v > dst.Data[i] || v != v || indices[i] < 0 {
					dst.Data[i], indices[i] = v, int64(at.H*src.W+at.W)
				}
			}
		}
	}
	return dst, indices, nil
}

// withIndices offers indices and gradients too; the laws on them run because the functions are set.
var withIndices = pool2d.Impl[float32]{
	Name:    "mine",
	Lacks:   pool2d.AvgOp | pool2d.Padding | pool2d.Dilation | pool2d.CeilMode | pool2d.Strictness,
	Indices: argmax,
	Pool2D: func(src pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		dst, _, err := argmax(src, p)
		return dst, err
	},
	Grad: func(grad, src pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		dst, indices, err := argmax(src, p)
		if err := errors.Join(err, grad.Validate()); err != nil {
			return pool2d.Tensor[float32]{}, err
		}
		dx := pool2d.Tensor[float32]{Shape: src.Shape, Data: make([]float32, len(src.Data))}
		for i, g := range grad.Data {
			at := dst.CellAt(i)
			at.H, at.W = int(indices[i])/src.W, int(indices[i])%src.W
			dx.Data[dx.Offset(at)] += g
		}
		return dx, nil
	},
}

// An implementation that has indices and gradients too.
func Example_indicesAndGradients() {
	var t *testing.T // of the test that this stands in
	props.Run(t, withIndices)
}
