package reference

import (
	"math"
	"slices"
	"strings"
	"testing"

	"example.com/pool2d"
)

// The closed formula and the enumeration agree on every axis of a small scope: on how many windows there are, or on
// there being none.
func TestOutputShapeAgainstEnumeration(t *testing.T) {
	axes, empty := 0, 0
	for extent := 1; extent <= 9; extent++ {
		for kernel := 1; kernel <= 6; kernel++ {
			for dilation := 1; dilation <= 4; dilation++ {
				span := dilation*(kernel-1) + 1
				for stride := 1; stride <= 7; stride++ {
					for lead := 0; lead <= span/2; lead++ {
						for trail := 0; trail <= span/2; trail++ {
							for _, ceil := range []bool{false, true} {
								all := windows(extent, kernel, stride, dilation, lead, trail, ceil)
								axes++
								got, err := pool2d.OutputShape(pool2d.Shape{N: 1, C: 1, H: extent, W: 1}, pool2d.Params{
									Kernel: pool2d.HW{H: kernel, W: 1}, Stride: pool2d.HW{H: stride}, Dilation: pool2d.HW{H: dilation},
									Pad: pool2d.Pad{Top: lead, Bottom: trail}, Ceil: ceil,
								})
								if err != nil && len(all) == 0 {
									empty++
								} else if err != nil || got.H != len(all) {
									t.Fatalf("extent %d kernel %d dilation %d stride %d pads %d,%d ceil %v: formula says %d (%v), enumeration %d",
										extent, kernel, dilation, stride, lead, trail, ceil, got.H, err, len(all))
								}
							}
						}
					}
				}
			}
		}
	}
	if axes < 50_000 || empty < 1000 {
		t.Errorf("%d axes of which %d have no window: the scope is too small to tell", axes, empty)
	}
}

// Sizes far beyond any memory cost nothing where the plane is small.
func TestHugeWindows(t *testing.T) {
	x := pool2d.Tensor[float64]{Shape: pool2d.Shape{N: 1, C: 1, H: 2, W: 3}, Data: []float64{1, 2, 3, 4, 5, 6}}
	y, err := Pool2D(x, pool2d.Params{
		Kernel: pool2d.HW{H: 1 << 40, W: 2}, Stride: pool2d.HW{H: 1, W: 1}, Dilation: pool2d.HW{H: 1, W: 2},
		Pad: pool2d.Pad{Top: 1 << 39, Bottom: 1 << 39},
	})
	if want := []float64{6, 6, 6}; err != nil || len(y.Data) != 3 || y.Data[0] != want[0] || y.Data[1] != want[1] || y.Data[2] != want[2] {
		t.Errorf("got %v, %v, want %v", y.Data, err, want)
	}
}

func TestIntegerAverage(t *testing.T) {
	test := func(name string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	test("half rounds away from zero", averageOf(int8(1), 2), int8(2))
	test("... below it too", averageOf(int8(-1), -2), int8(-2))
	test("less than half does not", averageOf(int8(1), 1, 2), int8(1))
	test("... below zero too", averageOf(int8(-1), -1, -2), int8(-1))
	test("more than half does", averageOf(uint8(1), 2, 2), uint8(2))
	test("... below zero too", averageOf(int8(-1), -2, -2), int8(-2))
	test("a sum past the type", averageOf(int8(127), 127, 127, 127), int8(127))
	test("the least value", averageOf(int32(math.MinInt32), math.MinInt32), int32(math.MinInt32))
	test("the greatest value", averageOf(uint8(255), 255), uint8(255))
	test("saturates above", sumOf(int8(100), 100), int8(127))
	test("saturates below", sumOf(int8(-100), -100), int8(-128))
	test("saturates an unsigned type", sumOf(uint8(200), 100), uint8(255))
	test("saturates 32 bits", sumOf(int32(math.MaxInt32), 1), int32(math.MaxInt32))
}

func row[T pool2d.Elem](cells []T) pool2d.Tensor[T] {
	return pool2d.Tensor[T]{Shape: pool2d.Shape{N: 1, C: 1, H: 1, W: len(cells)}, Data: cells}
}

func averageOf[T pool2d.Elem](cells ...T) T {
	y, _ := Pool2D(row(cells), pool2d.Params{Op: pool2d.Avg, Kernel: pool2d.HW{H: 1, W: len(cells)}})
	return y.Data[0]
}

func sumOf[T pool2d.Elem](cells ...T) T {
	y, _ := Pool2D(row(cells), pool2d.Params{Op: pool2d.Avg, Kernel: pool2d.HW{H: 1, W: len(cells)}, Divisor: 1})
	return y.Data[0]
}

// A window that steps over a plane thinner than its dilation has no real tap.
func TestEmptyWindow(t *testing.T) {
	p := pool2d.Params{Kernel: pool2d.HW{H: 1, W: 2}, Dilation: pool2d.HW{H: 1, W: 2}, Pad: pool2d.Pad{Left: 1, Right: 1}}
	y, indices, err := Pool2DIndices(row([]float32{5}), p)
	if err != nil || y.Data[0] != float32(math.Inf(-1)) || indices[0] != -1 {
		t.Errorf("max: got %v at %v, %v, want -Inf at -1", y.Data, indices, err)
	}
	if y, _, err := Pool2DIndices(row([]uint8{5}), p); err != nil || y.Data[0] != 0 {
		t.Errorf("max of uint8: got %v, %v, want 0", y.Data, err)
	}
	if dx, err := Pool2DGrad(row([]float32{3}), row([]float32{5}), p); err != nil || dx.Data[0] != 0 {
		t.Errorf("gradient: got %v, %v, want 0", dx.Data, err)
	}
	p.Op, p.CountPad = pool2d.Avg, true
	if y, err := Pool2D(row([]float32{5}), p); err != nil || y.Data[0] != 0 {
		t.Errorf("avg: got %v, %v, want 0", y.Data, err)
	}
	p.CountPad = false
	if y, err := Pool2D(row([]float32{5}), p); err != nil || y.Data[0] != 0 {
		t.Errorf("avg, padding excluded: got %v, %v, want 0", y.Data, err)
	}
}

func TestErrors(t *testing.T) {
	x := row([]float32{1, 2, 3})
	ints := row([]int8{1, 2, 3})
	short := pool2d.Tensor[float32]{Shape: x.Shape, Data: x.Data[:2]}
	pair := pool2d.Params{Kernel: pool2d.HW{H: 1, W: 2}, Stride: pool2d.HW{H: 1, W: 1}}
	avg := pair
	avg.Op = pool2d.Avg
	wide := pool2d.Params{Kernel: pool2d.HW{H: 1, W: 4}}
	for _, test := range []struct {
		name string
		call func() (any, error)
		want string
	}{
		{"short source", func() (any, error) { y, err := Pool2D(short, pair); return y.Data, err }, "len(Data) = 2"},
		{"wide window", func() (any, error) { y, err := Pool2D(x, wide); return y.Data, err }, "W = 3"},
		{"indices of an average", func() (any, error) { _, i, err := Pool2DIndices(x, avg); return i, err }, "Op = avg"},
		{"indices of a wide window", func() (any, error) { _, i, err := Pool2DIndices(x, wide); return i, err }, "W = 3"},
		{"gradient of another shape", func() (any, error) { y, err := Pool2DGrad(x, x, pair); return y.Data, err }, "{1 1 1 3} nchw, want {1 1 1 2} nchw"},
		{"short gradient", func() (any, error) { y, err := Pool2DGrad(short, x, pair); return y.Data, err }, "len(Data) = 2"},
		{"gradient of integers", func() (any, error) { y, err := Pool2DGrad(row([]int8{1, 2}), ints, pair); return y.Data, err }, "float32 and float64 only"},
	} {
		if got, err := test.call(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, %v, want an error with %q", test.name, got, err, test.want)
		}
	}
}

// What an average is divided by, on rows of ones: the window's taps, those in the padded plane, or what the caller says.
func TestDivisor(t *testing.T) {
	for _, test := range []struct {
		name string
		want []float32
	}{
		{"n1c1h1w3_avg_k1x3_s1x1_p0,1,0,1", []float32{1, 1, 1}},
		{"n1c1h1w3_avg_k1x3_s1x1_p0,1,0,1_countpad", []float32{2. / 3, 1, 2. / 3}},
		{"n1c1h1w3_avg_k1x3_s1x1_p0,1,0,1_countpad_div2", []float32{1, 1.5, 1}},
		{"n1c1h1w5_avg_k1x2_s1x2_ceil_countpad", []float32{1, 1, 1}},                            // hanging over never counts
		{"n1c1h1w4_avg_k1x3_s1x2_p0,1,0,1_ceil_countpad", []float32{2. / 3, 1, 1. / 2}},         // ... behind the pad
		{"n1c1h1w5_avg_k1x3_s1x2_p0,2,0,2_d1x2_countpad", []float32{2. / 3, 1, 2. / 3}},         // dilated
		{"n1c1h1w4_avg_k1x3_s1x2_p0,2,0,1_d1x2_countpad", []float32{2. / 3, 2. / 3}},            // ... and asymmetric
		{"n1c1h2w2_avg_k2x3_s2x1_p1,1,1,1_countpad", []float32{1. / 3, 1. / 3, 1. / 3, 1. / 3}}, // both axes
	} {
		d, err := pool2d.ParseDescriptor(test.name)
		if err != nil {
			t.Fatal(err)
		}
		x := pool2d.Tensor[float32]{Shape: d.Shape, Data: make([]float32, d.Shape.H*d.Shape.W)}
		for i := range x.Data {
			x.Data[i] = 1
		}
		y, err := Pool2D(x, d.Params)
		if err != nil || !slices.Equal(y.Data, test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.name, y.Data, err, test.want)
		}
	}
}

// What a cell gets of an average's gradient is each of its windows' over that window's divisor; of a maximum's, where it is
// the first of the greatest, all of it.
func TestGradient(t *testing.T) {
	for _, test := range []struct {
		name string
		want []float32
	}{
		{"n1c1h1w3_avg_k1x2_s1x2", []float32{3, 3, 0}}, // the last cell is left over
		{"n1c1h1w3_avg_k1x2_s1x1", []float32{3, 9, 6}},
		{"n1c1h1w3_avg_k1x3_s1x1_p0,1,0,1", []float32{7, 16, 13}},
		{"n1c1h1w3_avg_k1x3_s1x1_p0,1,0,1_countpad", []float32{6, 12, 10}},
		{"n1c1h1w3_avg_k1x3_s1x1_p0,1,0,1_div1", []float32{18, 36, 30}},
		{"n1c1h1w3_avg_k1x3_s1x2_p0,2,0,2_d1x2_div1", []float32{18, 0, 18}},
		{"n1c1h1w3_max_k1x2_s1x1", []float32{0, 18, 0}},
		{"n1c1h1w3_max_k1x3_s1x1_p0,1,0,1", []float32{0, 36, 0}},
	} {
		d, err := pool2d.ParseDescriptor(test.name)
		if err != nil {
			t.Fatal(err)
		}
		x := row([]float32{1, 2, 2})
		grad, err := Pool2D(x, d.Params)
		if err != nil {
			t.Fatal(err)
		}
		for i := range grad.Data {
			grad.Data[i] = float32(6 * (i + 1))
		}
		dx, err := Pool2DGrad(grad, x, d.Params)
		if err != nil || !slices.Equal(dx.Data, test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.name, dx.Data, err, test.want)
		}
	}
}

// A layout changes where cells stand, and nothing else.
func TestLayouts(t *testing.T) {
	x := pool2d.Tensor[float64]{Shape: pool2d.Shape{N: 2, C: 3, H: 5, W: 4}, Data: make([]float64, 120)}
	for i := range x.Data {
		x.Data[i] = float64(i * 37 % 101)
	}
	for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
		p := pool2d.Params{Op: op, Kernel: pool2d.HW{H: 3, W: 2}, Stride: pool2d.HW{H: 2, W: 1}, Pad: pool2d.Pad{Top: 1, Left: 1}}
		planes, err := Pool2D(x, p)
		if err != nil {
			t.Fatal(err)
		}
		last, err := Pool2D(x.In(pool2d.NHWC), p)
		if err != nil || last.Layout != pool2d.NHWC || !slices.Equal(last.In(pool2d.NCHW).Data, planes.Data) {
			t.Errorf("%v: NHWC gives %v, %v, want %v", op, last, err, planes)
		}
		grad, err := Pool2DGrad(planes, x, p)
		if err != nil {
			t.Fatal(err)
		}
		gradLast, err := Pool2DGrad(last, x.In(pool2d.NHWC), p)
		if err != nil || gradLast.Layout != pool2d.NHWC || !slices.Equal(gradLast.In(pool2d.NCHW).Data, grad.Data) {
			t.Errorf("%v: gradient in NHWC gives %v, %v, want %v", op, gradLast, err, grad)
		}
	}
}
