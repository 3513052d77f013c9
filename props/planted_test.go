package props_test

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/reference"
)

// planted returns a plain implementation with one bug in it, or none for "".
func planted(bug string) pool2d.Impl[float32] {
	type tensor = pool2d.Tensor[float32]
	// windows calls f for each output with the taps of its window, as offsets into src.Data, and its divisor.
	windows := func(src tensor, p pool2d.Params, out pool2d.Shape, f func(i int, at pool2d.Cell, taps []int, divisor int)) {
		p = p.Normalized()
		if bug == "stride of H for W" {
			p.Stride.W = p.Stride.H
		}
		if bug == "pads of left for right" {
			p.Pad.Left = p.Pad.Right
		}
		y := tensor{Shape: out}
		for i := range out.N * out.C * out.H * out.W {
			at := y.CellAt(i)
			top, left := at.H*p.Stride.H-p.Pad.Top, at.W*p.Stride.W-p.Pad.Left
			var taps []int
			counted := 0
			for a := range min(p.Kernel.H, src.H+p.Pad.Top+p.Pad.Bottom) {
				for b := range min(p.Kernel.W, src.W+p.Pad.Left+p.Pad.Right) {
					h, w := top+a*p.Dilation.H, left+b*p.Dilation.W
					if h < src.H+p.Pad.Bottom && w < src.W+p.Pad.Right || bug == "overhang counts" {
						counted++
					}
					inside := h >= 0 && h < src.H && w >= 0 && w < src.W
					if bug == "reads the next row" {
						inside = h >= 0 && h < src.H && w >= 0 && h*src.W+w < src.H*src.W
					}
					if bug == "loses the last column" && p.Kernel.W == 3 && w == src.W-1 && w > 0 {
						continue
					}
					if inside {
						taps = append(taps, ((at.N*src.C+at.C)*src.H+h)*src.W+w)
					}
				}
			}
			divisor := len(taps)
			if p.CountPad {
				divisor = counted
			}
			if p.Divisor != 0 && !(bug == "divisor ignored" && !p.CountPad) {
				divisor = p.Divisor
			}
			f(i, at, taps, divisor)
		}
	}
	check := func(src tensor, p pool2d.Params) (tensor, error) {
		if bug == "negative stride is accepted" {
			p.Stride.W = max(p.Stride.W, -p.Stride.W)
		}
		if bug == "large pads are accepted" {
			p.Pad.Top = min(p.Pad.Top, 0)
		}
		if err := src.Validate(); err != nil {
			return tensor{}, err
		}
		out, err := pool2d.OutputShape(src.Shape, p)
		if err != nil {
			return tensor{}, err
		}
		switch {
		case bug == "global is refused" && p.Kernel == pool2d.HW{H: src.H, W: src.W}:
			return tensor{}, fmt.Errorf("the kernel %v must be smaller than the plane", p.Kernel)
		case bug == "panics on an empty batch" && src.N == 0:
			panic("no planes")
		case bug == "ceil is not clipped" && p.Ceil:
			p = p.Normalized()
			up := func(a, b int) int { return int(math.Ceil(float64(a) / float64(b))) }
			out.H = up(src.H+p.Pad.Top+p.Pad.Bottom-p.Dilation.H*(p.Kernel.H-1)-1, p.Stride.H) + 1
			out.W = up(src.W+p.Pad.Left+p.Pad.Right-p.Dilation.W*(p.Kernel.W-1)-1, p.Stride.W) + 1
		}
		return tensor{Shape: out, Data: make([]float32, out.N*out.C*out.H*out.W)}, nil
	}
	var calls atomic.Int64
	var scratch []float32
	memo := map[string]int{}
	pool := func(src tensor, p pool2d.Params) (tensor, []int64, error) {
		dst, err := check(src, p)
		if err != nil {
			return tensor{}, nil, err
		}
		call := calls.Add(1)
		if bug == "one buffer for all" {
			if len(scratch) < len(dst.Data) {
				scratch = make([]float32, len(dst.Data))
			}
			dst.Data = scratch[:len(dst.Data)]
		}
		if bug == "writes to the source" && len(src.Data) > 0 {
			src.Data[len(src.Data)-1] += 1
		}
		if p.Normalized() == (pool2d.Params{Kernel: pool2d.HW{H: 1, W: 1}}).Normalized() && bug == "1×1 is no copy" {
			return src, make([]int64, len(src.Data)), nil
		}
		indices := make([]int64, len(dst.Data))
		plane := src.H * src.W
		windows(src, p, dst.Shape, func(i int, at pool2d.Cell, taps []int, divisor int) {
			if bug == "remainder is not written" && i >= len(dst.Data)/4*4 && len(dst.Data) > 4 {
				return
			}
			if p.Op == pool2d.Avg {
				var sum float64
				for _, tap := range taps {
					sum += float64(src.Data[tap])
				}
				if bug == "running sum" && at.W > 0 && len(taps) > 0 { // what an integral image is when a NaN comes by
					for _, v := range src.Data[taps[0]/src.W*src.W : taps[0]] {
						sum = sum + float64(v) - float64(v)
					}
				}
				if bug == "square root of a hair" {
					sum *= 1 + 1e-5
				}
				if bug == "scaled by a constant" && sum > 1000 {
					sum++
				}
				if bug == "divisor cached" {
					key := fmt.Sprint(src.Shape, p.Kernel, at)
					if d, ok := memo[key]; ok {
						divisor = d
					}
					memo[key] = divisor
				}
				if len(taps) > 0 {
					dst.Data[i] = float32(sum / float64(divisor))
				}
				if bug == "adds a constant" {
					dst.Data[i] += 1e-3
				}
				return
			}
			best, index := float32(math.Inf(-1)), -1
			if bug == "padding is zero" && len(taps) < p.Kernel.H*p.Kernel.W {
				best = 0
			}
			if bug == "starts at -1e5" {
				best = -1e5
			}
			for _, tap := range taps {
				v := src.Data[tap]
				better := v > best || v != v && bug != "drops NaN" || index < 0 && best == float32(math.Inf(-1))
				if bug == "last of ties" {
					better = v >= best || v != v
				}
				if better {
					best, index = v, tap
				}
			}
			if bug == "rounds to integers" && best < 1e6 && best > -1e6 {
				best = float32(math.Round(float64(best)))
			}
			if bug == "different in channel 2" && at.C == 2 {
				best = 0
			}
			if bug == "different in batch item 1" && at.N == 1 {
				best = 0
			}
			if bug == "depends on GOMAXPROCS" && procs() > 3 && len(taps) > 0 {
				best = src.Data[taps[0]]
			}
			if bug == "wrong past column 30" && at.W > 30 && len(taps) > 0 {
				best = src.Data[taps[0]]
			}
			if bug == "negates what is great" && best > 100 {
				best = -best
			}
			dst.Data[i], indices[i] = best, -1
			if index >= 0 {
				indices[i] = int64(index % plane)
				if bug == "index of the tensor" {
					indices[i] = int64(index)
				}
			}
		})
		if bug == "keeps state" && call%7 == 0 && len(dst.Data) > 0 {
			dst.Data[0] = 0
		}
		return dst, indices, nil
	}
	var left []float32
	return pool2d.Impl[float32]{
		Name:   "mine",
		Pool2D: func(src tensor, p pool2d.Params) (tensor, error) { y, _, err := pool(src, p); return y, err },
		Indices: func(src tensor, p pool2d.Params) (tensor, []int64, error) {
			if p.Op != pool2d.Max {
				return tensor{}, nil, fmt.Errorf("no indices of %v", p.Op)
			}
			y, indices, err := pool(src, p)
			if bug == "indices drop NaN" {
				for i, v := range y.Data {
					if v != v {
						y.Data[i] = 0
					}
				}
			}
			return y, indices, err
		},
		Grad: func(grad, src tensor, p pool2d.Params) (tensor, error) {
			dx, err := reference.Pool2DGrad(grad, src, p)
			if err != nil {
				return dx, err
			}
			switch {
			case bug == "gradient assigned" || bug == "gradient without divisor":
				out := grad.Shape
				clear(dx.Data)
				windows(src, p, out, func(i int, _ pool2d.Cell, taps []int, divisor int) {
					if p.Op == pool2d.Avg {
						for _, tap := range taps {
							dx.Data[tap] += grad.Data[i] / float32(p.Kernel.H*p.Kernel.W)
						}
						return
					}
					best := -1
					for _, tap := range taps {
						if best < 0 || src.Data[tap] > src.Data[best] {
							best = tap
						}
					}
					if best >= 0 {
						dx.Data[best] = grad.Data[i]
					}
				})
			case bug == "gradient accumulates":
				if len(left) == len(dx.Data) {
					for i, v := range left {
						dx.Data[i] += v
					}
				}
				left = append(left[:0], dx.Data...)
			}
			return dx, nil
		},
	}
}

// plantings say which law finds which bug.
var plantings = []struct{ bug, law string }{
	{"global is refused", "answers"},
	{"panics on an empty batch", "answers"},
	{"ceil is not clipped", "shape_formula"},
	{"negative stride is accepted", "rejects_nonsense"},
	{"large pads are accepted", "keeps_limits"},
	{"square root of a hair", "equals_reference"},
	{"wrong past column 30", "equals_reference"},
	{"overhang counts", "equals_reference"},
	{"divisor ignored", "equals_reference"},
	{"padding is zero", "membership"},
	{"starts at -1e5", "membership"},
	{"drops NaN", "nan_wins"},
	{"loses the last column", "impulse_response"},
	{"reads the next row", "impulse_response"},
	{"running sum", "locality"},
	{"reads the next row", "locality"},
	{"different in channel 2", "channel_preservation"},
	{"different in batch item 1", "batch_preservation"},
	{"loses the last column", "shift_tolerance"},
	{"loses the last column", "detection"},
	{"pads of left for right", "flip"},
	{"stride of H for W", "transpose"},
	{"rounds to integers", "monotone_map"},
	{"negates what is great", "monotone_map"},
	{"loses the last column", "composition"},
	{"adds a constant", "linearity"},
	{"adds a constant", "scaling"},
	{"index of the tensor", "indices_in_window"},
	{"last of ties", "indices_order"},
	{"indices drop NaN", "indices_values"},
	{"gradient assigned", "gradient_of_max"},
	{"gradient assigned", "gradient_sum"},
	{"gradient without divisor", "gradient_of_avg"},
	{"gradient without divisor", "gradient_adjoint"},
	{"gradient accumulates", "gradient_fresh"},
	{"writes to the source", "source_untouched"},
	{"1×1 is no copy", "source_untouched"},
	{"remainder is not written", "every_cell_written"},
	{"loses the last column", "named_windows"},
	{"one buffer for all", "repeatable"},
	{"keeps state", "repeatable"},
	{"divisor cached", "sequences"},
	{"depends on GOMAXPROCS", "same_bits_any_procs"},
	{"keeps state", "concurrent_calls"},
}

// The plain implementation without a bug passes, so that a planted bug is what a law finds.
func TestPlantedNothing(t *testing.T) {
	brief(t, 10)
	props.Run(t, planted(""))
}

// Every law finds a bug that it is there for, and says so in one report.
func TestPlanted(t *testing.T) {
	notUnderRace(t)
	found := map[string]bool{}
	for _, test := range plantings {
		t.Run(test.law+"/"+test.bug, func(t *testing.T) {
			found[test.law] = true
			r := run(t, test.law, planted(test.bug))
			if len(r.errors) != 1 || !strings.HasPrefix(r.errors[0], "mine breaks "+test.law+": ") {
				t.Errorf("reports %q, want one that begins with the law", r.errors)
			}
		})
	}
	found["stays_inside"] = true // see TestFences
	for _, l := range props.All[float32]() {
		if !found[l.Name] {
			t.Errorf("no bug is planted for %s", l.Name)
		}
	}
}
