package props_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

// pasted is what TestCasePastes holds GoString to: Go source, as a report prints it.
var pasted = props.Case[float32]{
	Src:    pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: 2, W: 5}, Data: []float32{0, math.Float32frombits(0x80000000), math.Float32frombits(0x7fc00123), math.Float32frombits(0xffc00000), math.Float32frombits(0x7f800000), math.Float32frombits(0xff800000), math.Float32frombits(0x00000001), math.Float32frombits(0x807fffff), 3.4028235e+38, 0.1}, Layout: pool2d.NHWC},
	Params: pool2d.Params{Op: pool2d.Avg, Kernel: pool2d.HW{H: 2, W: 1}, Stride: pool2d.HW{W: 2}, Pad: pool2d.Pad{Top: 1}, Dilation: pool2d.HW{H: 1}, Ceil: true, CountPad: true, Divisor: 7},
	Seed:   12,
}

var pastedSparse = props.Case[float64]{
	Src:    pool2d.Tensor[float64]{Shape: pool2d.Shape{N: 1, C: 2, H: 4, W: 4}, Data: []float64{3: math.Float64frombits(0x7ff8000000000001), 17: math.Float64frombits(0x8000000000000000), 18: 0.1, 31: 0}},
	Params: pool2d.Params{Kernel: pool2d.HW{H: 1, W: 1}},
}

// A case printed as Go is the source text that it was compiled from: every value survives being pasted.
func TestCasePastes(t *testing.T) {
	source, err := os.ReadFile("case_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"pasted": fmt.Sprintf("%#v", pasted), "pastedSparse": fmt.Sprintf("%#v", pastedSparse)} {
		if want := "\nvar " + name + " = " + got + "\n"; !strings.Contains(string(source), want) {
			t.Errorf("%s prints as\n%s", name, got)
		}
	}
	if len(pastedSparse.Src.Data) != 32 || !math.IsNaN(pastedSparse.Src.Data[3]) || !math.Signbit(pastedSparse.Src.Data[17]) {
		t.Errorf("sparse: %v", pastedSparse.Src.Data)
	}
	if got, want := pasted.String(), "n1c1h2w5_avg_k2x1_s2x2_p1,0,0,0_ceil_countpad_div7_nhwc"; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
}

// Replay judges a literal by every law that speaks of it, and refuses one that is no case.
func TestReplay(t *testing.T) {
	plain := pasted
	plain.Src.Layout = pool2d.NCHW
	props.Replay(t, referenceImpl[float32](pool2d.NHWC), pasted, plain)
	props.Replay(t, referenceImpl[float64](pool2d.NCHW), pastedSparse)
}
