package pool2d

import (
	"strings"
	"testing"
)

func TestDescriptor(t *testing.T) {
	for _, test := range []struct {
		d    Descriptor
		want string
	}{
		{Descriptor{Shape: Shape{1, 64, 112, 112}, Params: Params{Kernel: HW{3, 3}, Stride: HW{2, 2}, Pad: Pad{1, 1, 1, 1}}},
			"n1c64h112w112_max_k3x3_s2x2_p1,1,1,1"},
		{Descriptor{Shape: Shape{2, 3, 5, 7}, Params: Params{Op: Avg, Kernel: HW{2, 3}, Dilation: HW{2, 1}, Ceil: true, CountPad: true, Divisor: 7}, Layout: NHWC},
			"n2c3h5w7_avg_k2x3_s2x3_d2x1_ceil_countpad_div7_nhwc"},
		{Descriptor{Shape: Shape{1, 1, 1, 5}, Params: Params{Kernel: HW{1, 1}, Stride: HW{1, 2}, CountPad: true, Divisor: 3}}, // a maximum reads neither
			"n1c1h1w5_max_k1x1_s1x2"},
		{Descriptor{Shape: Shape{-1, 0, 3, 3}, Params: Params{Kernel: HW{-2, 2}, Stride: HW{1, -1}, Pad: Pad{0, -1, 0, 0}}}, // invalid calls have names too
			"n-1c0h3w3_max_k-2x2_s1x-1_p0,-1,0,0"},
	} {
		if got := test.d.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
		back, err := ParseDescriptor(test.want)
		if err != nil {
			t.Error(err)
			continue
		}
		normal := test.d
		normal.Params = normal.Params.Normalized()
		if back != normal {
			t.Errorf("%s: parsed %+v, want %+v", test.want, back, normal)
		}
	}
}

func TestParseDescriptorRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"":                                     "shape first",
		"n1c1h1w1":                             "max or avg",
		"n1c1h1w1_min_k1x1_s1x1":               `"min", want max or avg`,
		"n1c1h1w1_max_k1_s1x1":                 "kernel",
		"n1c1h1w1_max_k1x1":                    "stride",
		"n1c1h1w1_max_k1x1_s1x1_p1,1,1":        `"p1,1,1"`,
		"n1c1h1w1_max_k1x1_s1x1_ceil_d2x2":     `"d2x2"`,
		"n1c1h1w1_max_k1x1_s1x1_p0,0,0,0":      `spelling "n1c1h1w1_max_k1x1_s1x1"`,
		"n1c1h1w1_max_k1x1_s0x0":               `spelling "n1c1h1w1_max_k1x1_s1x1"`,
		"n1c1h1w1_max_k1x1_s1x1_d0x2":          `spelling "n1c1h1w1_max_k1x1_s1x1_d1x2"`,
		"n01c1h1w1_max_k1x1_s1x1":              "spelling",
		"n1c1h1w1_max_k1x1_s1x1_countpad":      "spelling",
		"n99999999999999999999c1h1w1_max_k1x1": "shape first",
	} {
		d, err := ParseDescriptor(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, want an error with %q", name, d, err, want)
		}
	}
}

// Every string is either refused or the name of what it parses to, and every descriptor is what its name parses to.
func FuzzDescriptor(f *testing.F) {
	f.Add("n1c64h112w112_max_k3x3_s2x2_p1,1,1,1", 1, 2, 3, 4, uint8(0), uint8(0))
	f.Add("n2c3h5w7_avg_k2x3_s2x3_d2x1_ceil_countpad_div7_nhwc", -1, 0, 7, 2, uint8(1), uint8(7))
	f.Fuzz(func(t *testing.T, s string, a, b, c, d int, op, flags uint8) {
		if got, err := ParseDescriptor(s); err == nil && got.String() != s {
			t.Errorf("%q parses to %q", s, got)
		}
		x := Descriptor{
			Shape:  Shape{a, b, c, d},
			Params: Params{Op: Op(op % 2), Kernel: HW{b, c}, Stride: HW{d, a}, Pad: Pad{a, b, c, d}, Dilation: HW{c, b}, Divisor: d, Ceil: flags&1 != 0, CountPad: flags&2 != 0},
			Layout: Layout(flags >> 2 & 1),
		}
		x.Params = x.Params.Normalized()
		if got, err := ParseDescriptor(x.String()); err != nil || got != x {
			t.Errorf("%+v: %q parses to %+v, %v", x, x, got, err)
		}
	})
}
