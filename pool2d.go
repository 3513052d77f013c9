// Package pool2d is the vocabulary of 2-D pooling: parameters, shapes, tensors, and what an implementation is.
// Package reference computes pooling as loops that read like the definition, package optimized computes it fast,
// package props learns whether any implementation is right, and package bench how fast it is.
//
// # The contract
//
// Pooling slides a window over each plane (one channel of one batch item) and reduces the cells under it to one.
// On an axis of extent H, with kernel k, stride s, dilation d, leading pad l and trailing pad t, and span e = d(k−1)+1:
//
//	outputs   o = floor((H+l+t−e)/s) + 1                  floor division, of negative numbers too
//	          o = ceil((H+l+t−e)/s) + 1, in ceil mode;    then, if (o−1)·s ≥ H+l, one less
//	tap a     of window i is cell i·s − l + a·d           0 ≤ a < k; it is real if 0 ≤ cell < H
//
// The last rule says that a window counts only if it starts inside the plane or its leading pad. An o below 1 is an error.
//
//	l=1 |       H=6         | t=1
//	  . 0   1   2   3   4   5 .          k=3 s=2 d=1: e=3, o = floor((6+1+1−3)/2)+1 = 3
//	[ . 0   1 ]
//	        [ 1   2   3 ]
//	                [ 3   4   5 ]        the cell behind 5 is left over: ceil mode would add [5 .]
//
// Max takes the greatest real tap, starting from the first in row-major order; a tap replaces the best if it is
// greater or NaN. So padding never wins, NaN always does, ties keep the first, and of several NaNs the last gives the
// index. −0 and +0 are equal. A window with no real tap (possible only when d > H or d > W) is −Inf, or the least value
// of an integer type, with index −1. An index is h·W+w in the unpadded plane.
//
// Avg divides the sum of the real taps: by Divisor if it is set; else, with CountPad, by the number of taps that lie
// inside plane plus padding (what ceil mode hangs over never counts); else by the number of real taps. A window with no
// real tap is 0. An integer average is the exact quotient, rounded half away from zero and saturated.
//
// A gradient (floating point only) of max is added to the cell that the index names. That of avg is its exact adjoint:
// each real tap receives the output's gradient over the same divisor.
//
// # How exact an average is
//
// A maximum is exact. An average ŷ of m real taps x over divisor D may differ from the exact y by
//
//	|ŷ−y| ≤ γ(m+3)·Σ|x|/D + (m+1)·η        γ(j) = j·u/(1−j·u)
//
// with u = 2⁻²⁴ and η = 2⁻¹⁴⁹ for float32, u = 2⁻⁵³ and η = 2⁻¹⁰⁷⁴ for float64. Any order of summation, separable sums,
// a reciprocal multiply and fused multiply-add stay below it (Higham, Accuracy and Stability of Numerical Algorithms,
// 2nd ed., §3.1, §4.2). Running sums and integral images do not, and are not legal: they let the cells of one window
// change the bits of another. The bound holds while Σ|x| < 2¹²⁷ (float64: 2¹⁰²³); beyond, taps of one sign give that
// infinity or a value within the bound, and anything else is free. A NaN tap, or infinities of both signs, give NaN;
// infinities of one sign give that infinity.
//
// # Names elsewhere
//
//	here           PyTorch                      ONNX                         oneDNN
//	Kernel         kernel_size                  kernel_shape                 kernel
//	Stride         stride (default kernel_size) strides (default 1)          strides
//	Pad            padding (symmetric pair)     pads [t l b r]               padding_l, padding_r
//	Dilation       dilation (max only)          dilations                    dilation, counted from 0
//	Ceil           ceil_mode                    ceil_mode                    a larger padding_r
//	CountPad       count_include_pad (true)     count_include_pad (0)        pooling_avg_include_padding
//	Divisor        divisor_override             none                         none
//	indices        return_indices               Indices, over the whole NCHW the workspace, opaque
//	gradients      backward                     none                         pooling_backward
//
// The zero value of CountPad is ONNX's default; for PyTorch's set it. A framework's SAME padding is resolved by the
// caller: its total is max(0, (ceil(H/s)−1)·s+e−H).
package pool2d

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Elem is the set of element types. It is closed, so that one widening conversion serves all of them.
type Elem interface {
	float32 | float64 | int8 | uint8 | int32
}

// Op is what pooling does with the cells under a window.
type Op uint8

const (
	Max Op = iota // the greatest real tap
	Avg           // the sum of the real taps over a divisor
)

// String returns "max" or "avg".
func (op Op) String() string {
	switch op {
	case Max:
		return "max"
	case Avg:
		return "avg"
	}
	return fmt.Sprintf("op%d", uint8(op))
}

// HW is a pair of one number an axis, height first.
type HW struct{ H, W int }

// Pad is the number of cells added on each side of a plane. They never win a maximum and add nothing to a sum.
type Pad struct{ Top, Left, Bottom, Right int }

// Params are the parameters of a pooling. The zero value of every field but Kernel is its default.
type Params struct {
	Op       Op   // Max or Avg
	Kernel   HW   // window extent in taps, both at least 1
	Stride   HW   // from window to window; a zero axis takes Kernel's, so that windows do not overlap
	Pad      Pad  // each at most half of the span, rounded down
	Dilation HW   // from tap to tap; a zero axis is 1, dense
	Ceil     bool // ceil mode: a partial last window counts, if it starts inside the plane or its leading pad
	CountPad bool // Avg: padding counts in the divisor
	Divisor  int  // Avg: what every sum is divided by; 0 takes the number of taps
}

// Normalized returns p with its defaults spelled out: a zero stride is the kernel's extent, a zero dilation is 1, and
// what a maximum does not read (CountPad and Divisor) is zero. Poolings with equal normalized parameters are the same.
func (p Params) Normalized() Params {
	if p.Stride.H == 0 {
		p.Stride.H = p.Kernel.H
	}
	if p.Stride.W == 0 {
		p.Stride.W = p.Kernel.W
	}
	if p.Dilation.H == 0 {
		p.Dilation.H = 1
	}
	if p.Dilation.W == 0 {
		p.Dilation.W = 1
	}
	if p.Op == Max {
		p.CountPad, p.Divisor = false, 0
	}
	return p
}

// OutputShape returns the shape that pooling in with p yields, by the closed formula of the package doc.
// It is the one place where shapes and parameters are checked: a violated limit is an error that names the field, its
// value and the limit. Sizes may be anything an int holds, and need no memory; where OutputShape returns no error, the
// padded plane, the span and the number of taps of a window are in the range of int too.
func OutputShape(in Shape, p Params) (Shape, error) {
	if err := in.check(); err != nil {
		return Shape{}, err
	}
	if p.Op > Avg {
		return Shape{}, fmt.Errorf("pool2d: Op = %d, want Max (0) or Avg (1)", p.Op)
	}
	for _, f := range []struct {
		name       string
		value, min int
	}{
		{"Kernel.H", p.Kernel.H, 1}, {"Kernel.W", p.Kernel.W, 1},
		{"Stride.H", p.Stride.H, 0}, {"Stride.W", p.Stride.W, 0},
		{"Pad.Top", p.Pad.Top, 0}, {"Pad.Left", p.Pad.Left, 0},
		{"Pad.Bottom", p.Pad.Bottom, 0}, {"Pad.Right", p.Pad.Right, 0},
		{"Dilation.H", p.Dilation.H, 0}, {"Dilation.W", p.Dilation.W, 0},
		{"Divisor", p.Divisor, 0},
	} {
		if f.value < f.min {
			return Shape{}, atLeast(f.name, f.value, f.min)
		}
	}
	if hi, taps := bits.Mul64(uint64(p.Kernel.H), uint64(p.Kernel.W)); hi != 0 || taps > math.MaxInt {
		return Shape{}, fmt.Errorf("pool2d: Kernel.H = %d with Kernel.W = %d: the number of taps is past the range of int", p.Kernel.H, p.Kernel.W)
	}
	p = p.Normalized()
	h, err := outputExtent(axis{"H", "Top", "Bottom", in.H, p.Kernel.H, p.Stride.H, p.Dilation.H, p.Pad.Top, p.Pad.Bottom}, p.Ceil)
	if err != nil {
		return Shape{}, err
	}
	w, err := outputExtent(axis{"W", "Left", "Right", in.W, p.Kernel.W, p.Stride.W, p.Dilation.W, p.Pad.Left, p.Pad.Right}, p.Ceil)
	if err != nil {
		return Shape{}, err
	}
	return Shape{N: in.N, C: in.C, H: h, W: w}, nil
}

// axis is one axis of a pooling, with the names that errors call it by.
type axis struct {
	name, leading, trailing          string
	extent, kernel, stride, dilation int
	lead, trail                      int
}

// outputExtent is the formula of the package doc on one axis whose parameters have the right signs.
func outputExtent(a axis, ceil bool) (int, error) {
	hi, spread := bits.Mul64(uint64(a.dilation), uint64(a.kernel-1))
	if hi != 0 || spread >= math.MaxInt {
		return 0, fmt.Errorf("pool2d: Dilation.%s = %d with Kernel.%[1]s = %[3]d: the span is past the range of int", a.name, a.dilation, a.kernel)
	}
	span := int(spread) + 1
	if a.lead > span/2 {
		return 0, fmt.Errorf("pool2d: Pad.%s = %d, want <= %d, half of the span %d", a.leading, a.lead, span/2, span)
	}
	if a.trail > span/2 {
		return 0, fmt.Errorf("pool2d: Pad.%s = %d, want <= %d, half of the span %d", a.trailing, a.trail, span/2, span)
	}
	// Pads are at most half of the span, so their sum is in range, and so is the padded plane if this one is.
	if a.extent > math.MaxInt-a.lead-a.trail {
		return 0, fmt.Errorf("pool2d: %s = %d with Pad.%s = %d and Pad.%s = %d: the padded plane is past the range of int",
			a.name, a.extent, a.leading, a.lead, a.trailing, a.trail)
	}
	room := a.extent + a.lead + a.trail - span
	last := floorDiv(room, a.stride)
	if ceil {
		last = ceilDiv(room, a.stride)
		if last >= ceilDiv(a.extent+a.lead, a.stride) { // last·stride >= extent+lead, without the product
			last--
		}
	}
	if last < 0 {
		return 0, fmt.Errorf("pool2d: %s = %d with Pad.%s = %d and Pad.%s = %d is %d, want >= %d, the span of the window",
			a.name, a.extent, a.leading, a.lead, a.trailing, a.trail, a.extent+a.lead+a.trail, span)
	}
	return last + 1, nil
}

// floorDiv returns a/b rounded down. Go's operator rounds to zero, which gives an oversized window one output cell.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ceilDiv returns a/b rounded up.
func ceilDiv(a, b int) int {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

func atLeast(field string, value, limit int) error {
	return fmt.Errorf("pool2d: %s = %d, want >= %d", field, value, limit)
}

// ErrIntegerGrad is what a gradient of an integer type returns.
var ErrIntegerGrad = errors.New("pool2d: gradients exist for float32 and float64 only")
