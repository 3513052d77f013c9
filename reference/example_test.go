package reference_test

import (
	"fmt"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// print prints each plane of t as rows.
func print(t pool2d.Tensor[float32], err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := 0; i < len(t.Data); i += t.W {
		if i > 0 && i%(t.H*t.W) == 0 {
			fmt.Println()
		}
		fmt.Println(t.Data[i : i+t.W])
	}
}

// arange returns a tensor whose cells count from 0.
func arange(n, c, h, w int) pool2d.Tensor[float32] {
	t := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: n, C: c, H: h, W: w}, Data: make([]float32, n*c*h*w)}
	for i := range t.Data {
		t.Data[i] = float32(i)
	}
	return t
}

// A window of 2×2 slides over a plane of 3×3, one cell at a time.
func ExamplePool2D() {
	x := arange(1, 1, 3, 3)
	window := pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 1, W: 1}}
	print(reference.Pool2D(x, window))

	window.Op = pool2d.Avg
	fmt.Println()
	print(reference.Pool2D(x, window))
	// Output:
	// [4 5]
	// [7 8]
	//
	// [2 3]
	// [5 6]
}

// Without a stride, windows do not overlap: one window of 3×3 fits a plane of 4×4.
func ExamplePool2D_stride() {
	print(reference.Pool2D(arange(1, 1, 4, 4), pool2d.Params{Kernel: pool2d.HW{H: 3, W: 3}}))
	// Output:
	// [10]
}

// Padding lets windows hang over the edge. It never wins a maximum.
func ExamplePool2D_padding() {
	print(reference.Pool2D(arange(1, 1, 4, 4), pool2d.Params{
		Kernel: pool2d.HW{H: 3, W: 3}, Stride: pool2d.HW{H: 2, W: 2},
		Pad: pool2d.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1},
	}))
	// Output:
	// [5 7]
	// [13 15]
}

// Window, stride and padding need not be square.
func ExamplePool2D_rectangular() {
	print(reference.Pool2D(arange(1, 1, 4, 4), pool2d.Params{
		Kernel: pool2d.HW{H: 2, W: 3}, Stride: pool2d.HW{H: 2, W: 3},
		Pad: pool2d.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1},
	}))
	// Output:
	// [1 3]
	// [9 11]
	// [13 15]
}

// Each channel is pooled by itself: two channels in, two channels out. Here the second is the first, plus one.
func ExamplePool2D_channels() {
	x := arange(1, 2, 4, 4)
	for i := range 16 {
		x.Data[16+i] = x.Data[i] + 1
	}
	print(reference.Pool2D(x, pool2d.Params{
		Kernel: pool2d.HW{H: 3, W: 3}, Stride: pool2d.HW{H: 2, W: 2},
		Pad: pool2d.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1},
	}))
	// Output:
	// [5 7]
	// [13 15]
	//
	// [6 8]
	// [14 16]
}

// The position of each maximum, counted through the plane.
func ExamplePool2DIndices() {
	_, indices, err := reference.Pool2DIndices(arange(1, 1, 4, 4), pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}})
	fmt.Println(indices, err)
	// Output:
	// [5 7 13 15] <nil>
}

// Overlapping windows add up where they share a maximum.
func ExamplePool2DGrad() {
	x := arange(1, 1, 3, 3)
	x.Data[4] = 9
	grad := arange(1, 1, 2, 2)
	print(reference.Pool2DGrad(grad, x, pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 1, W: 1}}))
	// Output:
	// [0 0 0]
	// [0 6 0]
	// [0 0 0]
}

// Why pooling at all: a detector of vertical edges answers one column off when the image moves by one pixel.
// After 2×2 max pooling at stride 1 the edge is still there at the old place.
func ExamplePool2D_shift() {
	edges := func(row string) pool2d.Tensor[float32] { // cross-correlation of three equal rows with [1, −1]
		t := arange(1, 1, 3, len(row)-1)
		for i := range t.Data {
			t.Data[i] = float32(row[i%t.W]) - float32(row[i%t.W+1])
		}
		return t
	}
	pool := func(t pool2d.Tensor[float32]) []float32 {
		y, err := reference.Pool2D(t, pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 1, W: 1}})
		if err != nil {
			fmt.Println(err)
		}
		return y.Data[:y.W]
	}
	image, moved := edges("1110000"), edges("1111000")
	fmt.Println("edge    ", image.Data[:image.W], "pooled", pool(image))
	fmt.Println("moved   ", moved.Data[:moved.W], "pooled", pool(moved))
	// Output:
	// edge     [0 0 1 0 0 0] pooled [0 1 1 0 0]
	// moved    [0 0 0 1 0 0] pooled [0 0 1 1 0]
}
