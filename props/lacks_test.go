package props_test

import (
	"fmt"
	"math"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// Every feature that an implementation may lack, and sets of them that come together.
var lacks = []pool2d.Feature{
	pool2d.MaxOp, pool2d.AvgOp, pool2d.RectWindow, pool2d.Gaps, pool2d.Padding, pool2d.AsymPad, pool2d.CountPad,
	pool2d.ExcludePad, pool2d.DivisorOption, pool2d.Dilation, pool2d.AvgDilation, pool2d.CeilMode, pool2d.EmptyBatch,
	pool2d.NonFinite, pool2d.Subnormals, pool2d.Concurrency, pool2d.Strictness,
	pool2d.CountPad | pool2d.ExcludePad,
	pool2d.Gaps | pool2d.RectWindow | pool2d.CeilMode,
	pool2d.NonFinite | pool2d.Subnormals | pool2d.Dilation,
	pool2d.Padding | pool2d.Dilation | pool2d.CeilMode | pool2d.RectWindow | pool2d.Gaps | pool2d.DivisorOption,
}

// No law makes a valid call that needs what the implementation lacks: an implementation that refuses all of those passes.
func TestLacksAreObeyed(t *testing.T) {
	brief(t, 2)
	for _, lack := range lacks {
		t.Run(lack.String(), func(t *testing.T) { props.Run(t, refusing(referenceImpl[float32](pool2d.NCHW), lack)) })
	}
}

// refusing returns impl, refusing valid calls that need what it lacks.
func refusing(impl pool2d.Impl[float32], lack pool2d.Feature) pool2d.Impl[float32] {
	check := func(x pool2d.Tensor[float32], p pool2d.Params) error {
		if _, err := pool2d.OutputShape(x.Shape, p); err != nil || x.Validate() != nil {
			return nil
		}
		if needs := pool2d.Needs(x.Shape, p) & lack; needs != 0 {
			return fmt.Errorf("a call needs %v", needs)
		}
		for _, v := range x.Data {
			a := math.Abs(float64(v))
			if lack&pool2d.NonFinite != 0 && !(a <= math.MaxFloat32) {
				return fmt.Errorf("a cell is %v", v)
			}
			if lack&pool2d.Subnormals != 0 && a != 0 && a < 0x1p-126 {
				return fmt.Errorf("a cell is %v", v)
			}
		}
		return nil
	}
	pool, indices, grad := impl.Pool2D, impl.Indices, impl.Grad
	impl.Lacks = lack
	impl.Pool2D = func(x pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		if err := check(x, p); err != nil {
			return x, err
		}
		y, err := pool(x, p)
		for _, v := range y.Data {
			if a := math.Abs(float64(v)); err == nil && lack&pool2d.Subnormals != 0 && a != 0 && a < 0x1p-126 {
				err = fmt.Errorf("a result is %v", v)
			}
		}
		return y, err
	}
	impl.Indices = func(x pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], []int64, error) {
		if err := check(x, p); err != nil {
			return x, nil, err
		}
		return indices(x, p)
	}
	impl.Grad = func(g, x pool2d.Tensor[float32], p pool2d.Params) (pool2d.Tensor[float32], error) {
		if err := check(x, p); err != nil {
			return x, err
		}
		return grad(g, x, p)
	}
	return impl
}
