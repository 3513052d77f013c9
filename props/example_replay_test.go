package props_test

import (
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// A failure ends with a literal. It is pasted into a test, and stays there when the bug is fixed.
func ExampleReplay() {
	var t *testing.T // of the test that this stands in
	props.Replay(t, slicesAndDims, props.Case[float32]{
		Src:    pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: 2, W: 3}, Data: []float32{0, 0, 0, 0, 0, 1}},
		Params: pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 1, W: 1}},
	})
}
