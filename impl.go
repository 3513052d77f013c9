package pool2d

import (
	"errors"
	"fmt"
	"strings"
)

// Impl is one implementation of pooling, as package props and package bench see it: a struct of functions to fill in.
// Name and one of the forward functions are needed. The zero value of every other field claims the whole contract.
//
// Every function must be safe for concurrent calls unless Lacks says Concurrency, must not write to its source or keep
// it, and answers bad input with an error.
type Impl[T Elem] struct {
	Name string

	// Pool2D returns a new tensor of src's layout. Exactly one of Pool2D and Pool2DInto is set.
	Pool2D func(src Tensor[T], p Params) (Tensor[T], error)

	// Pool2DInto writes into the caller's dst, which has the shape OutputShape gives and src's layout, is filled with
	// junk, and does not overlap src. It checks that itself, and errs with nothing written if it is not so.
	Pool2DInto func(dst, src Tensor[T], p Params) error

	// Indices is Pool2D for Max, with the index of each maximum in the order of the result's Data. Nil: not offered.
	Indices func(src Tensor[T], p Params) (Tensor[T], []int64, error)

	// Grad returns the gradient at src of a pooling whose outputs have the gradient grad (OutputShape's shape, src's
	// layout); the result has src's shape and layout. Floating point only. Nil: not offered.
	Grad func(grad, src Tensor[T], p Params) (Tensor[T], error)

	Layout Layout  // of the tensors that it wants to be handed
	Lacks  Feature // what it does not offer; the generators obey it

	// Close ends the implementation, if there is something to end.
	Close func() error
}

// Validate returns an error if the implementation has no name or not exactly one forward function.
func (im Impl[T]) Validate() error {
	switch {
	case im.Name == "":
		return errors.New(`pool2d: Impl.Name = "", want a name`)
	case im.Pool2D == nil && im.Pool2DInto == nil:
		return fmt.Errorf("pool2d: Impl %q has neither Pool2D nor Pool2DInto, want one of them", im.Name)
	case im.Pool2D != nil && im.Pool2DInto != nil:
		return fmt.Errorf("pool2d: Impl %q has both Pool2D and Pool2DInto, want one of them", im.Name)
	case im.Layout > NHWC:
		return fmt.Errorf("pool2d: Impl %q: Layout = %d, want NCHW (0) or NHWC (1)", im.Name, im.Layout)
	}
	return nil
}

// Feature is a set of things that an implementation may lack.
type Feature uint32

const (
	MaxOp         Feature = 1 << iota // Op Max
	AvgOp                             // Op Avg
	RectWindow                        // kernel, stride, dilation or padding that differ between the axes
	Gaps                              // a stride beyond the span, so that cells between windows are not read
	Padding                           // any padding
	AsymPad                           // Top other than Bottom, or Left other than Right
	CountPad                          // Avg that counts padding in the divisor
	ExcludePad                        // Avg that, with padding, does not
	DivisorOption                     // Avg with a Divisor
	Dilation                          // a dilation above 1
	AvgDilation                       // a dilation above 1 in Avg
	CeilMode                          // Ceil
	EmptyBatch                        // N = 0
	NonFinite                         // NaN and infinities among the cells
	Subnormals                        // subnormal cells and results
	Concurrency                       // calls at the same time
	Strictness                        // refusal of calls that only a limit of the contract forbids; nonsense it still refuses
)

var featureNames = []string{
	"MaxOp", "AvgOp", "RectWindow", "Gaps", "Padding", "AsymPad", "CountPad", "ExcludePad", "DivisorOption",
	"Dilation", "AvgDilation", "CeilMode", "EmptyBatch", "NonFinite", "Subnormals", "Concurrency", "Strictness",
}

// String returns the names in f, joined by "|", or "none".
func (f Feature) String() string {
	var names []string
	for i, name := range featureNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := f >> len(featureNames) << len(featureNames); rest != 0 {
		names = append(names, fmt.Sprintf("%#x", uint32(rest)))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "|")
}

// Needs returns the features that pooling a tensor of shape in with p calls for. What depends on the cells (NonFinite,
// Subnormals) or on the caller (Concurrency, Strictness) is not among them. It trusts that p is valid.
func Needs(in Shape, p Params) Feature {
	p = p.Normalized()
	var f Feature
	need := func(is bool, feature Feature) {
		if is {
			f |= feature
		}
	}
	padded := p.Pad != Pad{}
	dilated := p.Dilation.H > 1 || p.Dilation.W > 1
	avg := p.Op == Avg
	need(p.Op == Max, MaxOp)
	need(avg, AvgOp)
	need(p.Kernel.H != p.Kernel.W || p.Stride.H != p.Stride.W || p.Dilation.H != p.Dilation.W ||
		p.Pad.Top != p.Pad.Left || p.Pad.Bottom != p.Pad.Right, RectWindow)
	need(p.Stride.H-1 > p.Dilation.H*(p.Kernel.H-1) || p.Stride.W-1 > p.Dilation.W*(p.Kernel.W-1), Gaps)
	need(padded, Padding)
	need(p.Pad.Top != p.Pad.Bottom || p.Pad.Left != p.Pad.Right, AsymPad)
	need(avg && p.CountPad, CountPad)
	need(avg && padded && !p.CountPad && p.Divisor == 0, ExcludePad)
	need(avg && p.Divisor != 0, DivisorOption)
	need(dilated, Dilation)
	need(avg && dilated, AvgDilation)
	need(p.Ceil, CeilMode)
	need(in.N == 0, EmptyBatch)
	return f
}
