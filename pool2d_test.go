package pool2d

import (
	"math"
	"strings"
	"testing"
)

func TestOutputShape(t *testing.T) {
	for _, test := range []struct{ in, want string }{ // want is h,w
		{"n1c1h3w3_max_k2x2_s1x1", "n1c1h2w2"},
		{"n1c1h4w4_max_k3x3_s3x3", "n1c1h1w1"},
		{"n1c1h4w4_max_k2x3_s2x3_p1,1,1,1", "n1c1h3w2"},
		{"n2c3h5w5_max_k2x2_s2x2", "n2c3h2w2"},
		{"n1c1h5w5_max_k2x2_s2x2_ceil", "n1c1h3w3"},
		{"n1c1h2w2_max_k1x1_s2x2_ceil", "n1c1h1w1"},               // the second window would start behind the plane
		{"n1c1h2w2_max_k3x3_s3x3_p1,1,1,1_ceil", "n1c1h1w1"},      // ... or in the trailing pad
		{"n1c1h1w3_max_k1x2_s1x2_ceil", "n1c1h1w2"},               // starts at the last cell: counts
		{"n1c1h3w3_max_k4x4_s2x2_ceil", "n1c1h1w1"},               // one partial window
		{"n1c1h4w4_max_k2x2_s1x1_d2x2", "n1c1h2w2"},               // span 3
		{"n1c1h6w6_max_k2x2_s3x3_d2x2_ceil", "n1c1h2w2"},          //
		{"n1c1h3w3_max_k2x2_s1x1_p0,0,1,1", "n1c1h3w3"},           // asymmetric
		{"n0c2h3w3_avg_k2x2_s1x1", "n0c2h2w2"},                    // empty batch
		{"n1c1h1w8_max_k3x3_s6x6_p1,1,1,1_d2x2_ceil", "n1c1h1w2"}, // windows that step over the plane
		{"n1c1h1w16777218_max_k1x1_s1x1_ceil", "n1c1h1w16777218"}, // past the integers of a float32
		{"n1c1h2147483648w2147483648_max_k2x2_s2x2", "n1c1h1073741824w1073741824"},
		{"n1c1h9223372036854775807w9223372036854775807_max_k1x1_s1x1_ceil", "n1c1h9223372036854775807w9223372036854775807"},
		{"n1c1h9223372036854775805w1_max_k3x1_s2x1_p1,0,1,0_ceil", "n1c1h4611686018427387903w1"},
		{"n1c1h1w1_max_k9223372036854775807x1_s1x1_p4611686018427387903,0,4611686018427387903,0", "n1c1h1w1"},
		{"n1c1h5w1_max_k2x1_s9223372036854775807x1_ceil", "n1c1h1w1"},
	} {
		d, err := ParseDescriptor(test.in)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := OutputShape(d.Shape, d.Params)
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
			continue
		}
		if s, _, _ := strings.Cut((Descriptor{Shape: got}).String(), "_"); s != test.want {
			t.Errorf("%s: got %s, want %s", test.in, s, test.want)
		}
	}
}

// Each limit is refused by an error that names the field, its value and the limit.
func TestOutputShapeRefuses(t *testing.T) {
	in := Shape{N: 1, C: 1, H: 4, W: 4}
	with := func(change func(*Params)) Params {
		p := Params{Kernel: HW{2, 2}, Stride: HW{1, 1}}
		change(&p)
		return p
	}
	for _, test := range []struct {
		in   Shape
		p    Params
		want []string
	}{
		{Shape{N: -1, C: 1, H: 4, W: 4}, with(func(p *Params) {}), []string{"N = -1", ">= 0"}},
		{Shape{N: 1, C: 0, H: 4, W: 4}, with(func(p *Params) {}), []string{"C = 0", ">= 1"}},
		{Shape{N: 1, C: 1, H: 0, W: 4}, with(func(p *Params) {}), []string{"H = 0", ">= 1"}},
		{Shape{N: 1, C: 1, H: 4, W: -7}, with(func(p *Params) {}), []string{"W = -7", ">= 1"}},
		{in, with(func(p *Params) { p.Op = 2 }), []string{"Op = 2"}},
		{in, with(func(p *Params) { p.Kernel.H = 0 }), []string{"Kernel.H = 0", ">= 1"}},
		{in, with(func(p *Params) { p.Kernel.W = -1 }), []string{"Kernel.W = -1", ">= 1"}},
		{in, with(func(p *Params) { p.Stride.H = -1 }), []string{"Stride.H = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Stride.W = -2 }), []string{"Stride.W = -2", ">= 0"}},
		{in, with(func(p *Params) { p.Pad.Top = -1 }), []string{"Pad.Top = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Pad.Left = -1 }), []string{"Pad.Left = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Pad.Bottom = -1 }), []string{"Pad.Bottom = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Pad.Right = -1 }), []string{"Pad.Right = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Dilation.H = -1 }), []string{"Dilation.H = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Dilation.W = -1 }), []string{"Dilation.W = -1", ">= 0"}},
		{in, with(func(p *Params) { p.Divisor = -3 }), []string{"Divisor = -3", ">= 0"}},
		{in, with(func(p *Params) { p.Pad.Top = 2 }), []string{"Pad.Top = 2", "<= 1"}},
		{in, with(func(p *Params) { p.Pad.Right = 2 }), []string{"Pad.Right = 2", "<= 1"}},
		{in, with(func(p *Params) { p.Pad.Left = math.MaxInt }), []string{"Pad.Left = 9223372036854775807", "<= 1"}},
		{in, with(func(p *Params) { p.Kernel.H = 5 }), []string{"H = 4", ">= 5"}},
		{in, with(func(p *Params) { p.Kernel.W, p.Stride.W = 5, 2 }), []string{"W = 4", ">= 5"}}, // truncating division says one window
		{in, with(func(p *Params) { p.Kernel.H, p.Stride.H, p.Ceil = 7, 2, true }), []string{"H = 4", ">= 7"}},
		{in, with(func(p *Params) { p.Dilation.W = 4 }), []string{"W = 4", ">= 5"}},
		{in, with(func(p *Params) { p.Kernel.H, p.Dilation.H = 5, 1<<62 }), []string{"Dilation.H = 4611686018427387904", "Kernel.H = 5", "range of int"}},
		{Shape{N: 1, C: 1, H: math.MaxInt, W: 4}, with(func(p *Params) { p.Pad.Top, p.Pad.Bottom = 1, 1 }), []string{"H = 9223372036854775807", "range of int"}},
		{in, with(func(p *Params) { p.Kernel, p.Ceil = HW{1 << 32, 1 << 32}, true }), []string{"Kernel.H = 4294967296", "Kernel.W = 4294967296", "range of int"}},
	} {
		got, err := OutputShape(test.in, test.p)
		if err == nil {
			t.Errorf("%v %+v: got %v, want an error with %q", test.in, test.p, got, test.want)
			continue
		}
		if got != (Shape{}) {
			t.Errorf("%v %+v: shape %v beside an error", test.in, test.p, got)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v %+v: error %q, want it to contain %q", test.in, test.p, err, want)
			}
		}
	}
}

func TestTensorValidate(t *testing.T) {
	for _, test := range []struct {
		t    Tensor[int8]
		want string // part of the error, or empty
	}{
		{Tensor[int8]{Shape: Shape{1, 2, 3, 4}, Data: make([]int8, 24)}, ""},
		{Tensor[int8]{Shape: Shape{0, 2, 3, 4}}, ""},
		{Tensor[int8]{Shape: Shape{1, 2, 3, 4}, Data: make([]int8, 23)}, "len(Data) = 23, want 24"},
		{Tensor[int8]{Shape: Shape{1, 2, 3, 4}, Data: make([]int8, 24), Layout: 2}, "Layout = 2"},
		{Tensor[int8]{Shape: Shape{1, 0, 3, 4}}, "C = 0"},
		{Tensor[int8]{Shape: Shape{1, 1 << 32, 1 << 32, 1}}, "want <= 9223372036854775807"},
		{Tensor[int8]{Shape: Shape{1, 1, 1 << 32, 1 << 31}}, "want <= 9223372036854775807"},
	} {
		err := test.t.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %v, want %q", test.t.Shape, err, test.want)
		}
	}
}

// Offset and CellAt are each other's inverse, and count through Data in the order of the layout.
func TestOffsets(t *testing.T) {
	for _, layout := range []Layout{NCHW, NHWC} {
		x := Tensor[int32]{Shape: Shape{2, 3, 5, 7}, Data: make([]int32, 210), Layout: layout}
		for i := range x.Data {
			x.Data[i] = int32(i)
			if got := x.Offset(x.CellAt(i)); got != i {
				t.Fatalf("%v: Offset(CellAt(%d)) = %d", layout, i, got)
			}
		}
		y := x.In(1 - layout)
		for i := range x.Data {
			if c := x.CellAt(i); y.Data[y.Offset(c)] != int32(i) {
				t.Fatalf("%v to %v: cell %v: got %d, want %d", layout, y.Layout, c, y.Data[y.Offset(c)], i)
			}
		}
	}
	x := Tensor[int32]{Shape: Shape{2, 3, 5, 7}, Layout: NHWC}
	if got, want := x.Offset(Cell{1, 2, 3, 4}), ((1*5+3)*7+4)*3+2; got != want {
		t.Errorf("NHWC offset: got %d, want %d", got, want)
	}
}

func TestNeeds(t *testing.T) {
	for _, test := range []struct {
		name string
		want Feature
	}{
		{"n1c1h4w4_max_k2x2_s2x2", MaxOp},
		{"n0c1h4w4_max_k2x3_s2x2", MaxOp | RectWindow | EmptyBatch},
		{"n1c1h9w9_max_k2x2_s4x4_d2x2_ceil", MaxOp | Gaps | Dilation | CeilMode},
		{"n1c1h9w9_max_k2x2_s3x3_d2x2", MaxOp | Dilation},
		{"n1c1h4w4_avg_k2x2_s2x2_p1,1,1,1", AvgOp | Padding | ExcludePad},
		{"n1c1h4w4_avg_k2x2_s2x2_p1,1,1,1_countpad", AvgOp | Padding | CountPad},
		{"n1c1h4w4_avg_k2x2_s2x2_p1,1,0,0_div3", AvgOp | Padding | AsymPad | DivisorOption},
		{"n1c1h4w4_avg_k2x2_s2x2_p1,0,1,0_d2x2", AvgOp | Padding | RectWindow | ExcludePad | Dilation | AvgDilation},
	} {
		d, err := ParseDescriptor(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := Needs(d.Shape, d.Params); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
	if got, want := (MaxOp | Strictness | 1<<20).String(), "MaxOp|Strictness|0x100000"; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
}

func TestImplValidate(t *testing.T) {
	pool := func(src Tensor[float32], p Params) (Tensor[float32], error) { return src, nil }
	into := func(dst, src Tensor[float32], p Params) error { return nil }
	for _, test := range []struct {
		im Impl[float32]
		ok bool
	}{
		{Impl[float32]{Name: "a", Pool2D: pool}, true},
		{Impl[float32]{Name: "a", Pool2DInto: into}, true},
		{Impl[float32]{Name: "a", Pool2D: pool, Pool2DInto: into}, false},
		{Impl[float32]{Name: "a"}, false},
		{Impl[float32]{Pool2D: pool}, false},
		{Impl[float32]{Name: "a", Pool2D: pool, Layout: 9}, false},
	} {
		if err := test.im.Validate(); (err == nil) != test.ok {
			t.Errorf("%+v: got %v", test.im, err)
		}
	}
}
