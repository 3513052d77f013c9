package props

import (
	"fmt"
	"math"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// answers demands a result of every valid call, in bounded time: a tensor of the source's layout, and no error, panic or
// hang. It has no condition: what an implementation lacks is not drawn. It stays because it is the gate: where it
// fails, Run skips the laws after it, and a refusal has one report instead of one from each.
func answers[T pool2d.Elem](s *subject[T], c Case[T]) error {
	for _, r := range offered(s, c) {
		a := s.do(r)
		if a.fault != nil {
			return say(c.Src, c.Params, "%v", a.fault)
		}
		if a.err != nil {
			return say(c.Src, c.Params, "%v refused a valid call: %v", r.what, a.err)
		}
	}
	return nil
}

// offered returns the calls that the implementation offers for a case: Pool2D; Indices, of a maximum; Grad.
func offered[T pool2d.Elem](s *subject[T], c Case[T]) []request[T] {
	all := []request[T]{{what: forward, src: c.Src, p: c.Params}}
	if s.impl.Indices != nil && c.Params.Op == pool2d.Max {
		all = append(all, request[T]{what: indexed, src: c.Src, p: c.Params})
	}
	if s.impl.Grad != nil && isFloat[T]() {
		all = append(all, request[T]{what: backward, src: c.Src, grad: gradientFor(c, false), p: c.Params})
	}
	return all
}

// shapeFormula demands the shape of pool2d.OutputShape, and that the reference, which enumerates windows instead, has
// the same. It has no condition. It stays because it alone judges OutputShape, which every other law has its shapes
// from.
func shapeFormula[T pool2d.Elem](s *subject[T], c Case[T]) error {
	for _, r := range offered(s, c) {
		if _, err := s.valid(r); err != nil {
			return err
		}
	}
	want, err := pool2d.OutputShape(c.Src.Shape, c.Params)
	if err != nil {
		return say(c.Src, c.Params, "OutputShape refuses the case: %v", err)
	}
	y, err := reference.Pool2D(c.Src, c.Params)
	if err != nil {
		return say(c.Src, c.Params, "the reference refuses the case: %v", err)
	}
	if y.Shape != want {
		return say(c.Src, c.Params, "OutputShape says %s, the reference enumerates %s", shapeName(want), shapeName(y.Shape))
	}
	return nil
}

// badCall is one way to spoil a valid call.
type badCall[T pool2d.Elem] struct {
	name  string
	limit bool // a limit of the contract, which an implementation that lacks Strictness need not keep; else nonsense
	of    what // backward: of gradients only
	into  bool // of Pool2DInto only
	spoil func(*spoiled[T])
}

// badCalls is every way in which the suite spoils calls. No size in it is such that an implementation that believes it
// could allocate real memory: it overflows, or the runtime refuses it.
func badCalls[T pool2d.Elem]() []badCall[T] {
	var all []badCall[T]
	const lowest = math.MinInt
	params := func(limit bool, name string, value int, set func(*pool2d.Params, int)) {
		all = append(all, badCall[T]{name: fmt.Sprintf("%s = %d", name, value), limit: limit, spoil: func(x *spoiled[T]) { set(&x.p, value) }})
	}
	// Signs.
	for _, v := range []int{0, -1, lowest} {
		params(false, "Kernel.H", v, func(p *pool2d.Params, v int) { p.Kernel.H = v })
		params(false, "Kernel.W", v, func(p *pool2d.Params, v int) { p.Kernel.W = v })
	}
	params(false, "Kernel.H and Kernel.W", 0, func(p *pool2d.Params, v int) { p.Kernel = pool2d.HW{} })
	for _, v := range []int{-1, lowest} {
		params(false, "Stride.H", v, func(p *pool2d.Params, v int) { p.Stride.H = v })
		params(false, "Stride.W", v, func(p *pool2d.Params, v int) { p.Stride.W = v })
		params(false, "Dilation.H", v, func(p *pool2d.Params, v int) { p.Dilation.H = v })
		params(false, "Dilation.W", v, func(p *pool2d.Params, v int) { p.Dilation.W = v })
		params(false, "Pad.Top", v, func(p *pool2d.Params, v int) { p.Pad.Top = v })
		params(false, "Pad.Left", v, func(p *pool2d.Params, v int) { p.Pad.Left = v })
		params(false, "Pad.Bottom", v, func(p *pool2d.Params, v int) { p.Pad.Bottom = v })
		params(false, "Pad.Right", v, func(p *pool2d.Params, v int) { p.Pad.Right = v })
		params(true, "Divisor", v, func(p *pool2d.Params, v int) { p.Op, p.Divisor = pool2d.Avg, v })
	}
	params(true, "Divisor", -7, func(p *pool2d.Params, v int) { p.Op, p.Divisor = pool2d.Avg, v })
	params(true, "Op", 2, func(p *pool2d.Params, v int) { p.Op = pool2d.Op(v) })
	params(true, "Op", 255, func(p *pool2d.Params, v int) { p.Op = pool2d.Op(v) })

	// Windows that do not fit. Each spoils one axis, and leaves nothing else that could be refused.
	fits := func(limit bool, name string, set func(in pool2d.Shape, p *pool2d.Params)) {
		all = append(all, badCall[T]{name: name, limit: limit, spoil: func(x *spoiled[T]) {
			p := x.p.Normalized()
			p.Ceil = false
			set(x.src.Shape, &p)
			x.p = p
		}})
	}
	fits(false, "Kernel.H one more than the padded plane", func(in pool2d.Shape, p *pool2d.Params) {
		p.Dilation.H, p.Stride.H, p.Kernel.H = 1, 1, in.H+p.Pad.Top+p.Pad.Bottom+1
	})
	fits(false, "Kernel.W one more than the padded plane", func(in pool2d.Shape, p *pool2d.Params) {
		p.Dilation.W, p.Stride.W, p.Kernel.W = 1, 1, in.W+p.Pad.Left+p.Pad.Right+1
	})
	fits(false, "Kernel.H two more than the padded plane, Stride.H 3", func(in pool2d.Shape, p *pool2d.Params) { // −2/3 is −1, not 0
		p.Dilation.H, p.Stride.H, p.Kernel.H = 1, 3, in.H+p.Pad.Top+p.Pad.Bottom+2
	})
	fits(false, "Kernel.W two more than the padded plane, Stride.W 3", func(in pool2d.Shape, p *pool2d.Params) {
		p.Dilation.W, p.Stride.W, p.Kernel.W = 1, 3, in.W+p.Pad.Left+p.Pad.Right+2
	})
	fits(false, "Kernel.H a stride more than the padded plane, in ceil mode", func(in pool2d.Shape, p *pool2d.Params) {
		p.Ceil, p.Dilation.H, p.Stride.H, p.Kernel.H = true, 1, 2, in.H+p.Pad.Top+p.Pad.Bottom+2
	})
	fits(false, "Kernel.W a stride more than the padded plane, in ceil mode", func(in pool2d.Shape, p *pool2d.Params) {
		p.Ceil, p.Dilation.W, p.Stride.W, p.Kernel.W = true, 1, 2, in.W+p.Pad.Left+p.Pad.Right+2
	})
	fits(false, "Dilation.H spans one more than the padded plane", func(in pool2d.Shape, p *pool2d.Params) {
		p.Kernel.H, p.Stride.H, p.Dilation.H = 2, 1, in.H+p.Pad.Top+p.Pad.Bottom
	})
	fits(false, "Dilation.W spans one more than the padded plane", func(in pool2d.Shape, p *pool2d.Params) {
		p.Kernel.W, p.Stride.W, p.Dilation.W = 2, 1, in.W+p.Pad.Left+p.Pad.Right
	})
	fits(false, "Kernel.H = the greatest int", func(_ pool2d.Shape, p *pool2d.Params) { p.Kernel.H, p.Dilation.H = math.MaxInt, 1 })
	fits(false, "Kernel.W = the greatest int", func(_ pool2d.Shape, p *pool2d.Params) { p.Kernel.W, p.Dilation.W = math.MaxInt, 1 })
	fits(false, "Dilation.H = the greatest int", func(_ pool2d.Shape, p *pool2d.Params) { p.Kernel.H, p.Dilation.H = 2, math.MaxInt })
	fits(false, "Dilation.W = the greatest int", func(_ pool2d.Shape, p *pool2d.Params) { p.Kernel.W, p.Dilation.W = 2, math.MaxInt })
	fits(false, "Kernel.H = 5 and Dilation.H = 2⁶²: the span wraps around to 1", func(_ pool2d.Shape, p *pool2d.Params) { p.Kernel.H, p.Dilation.H = 5, 1<<62 })
	fits(false, "Kernel.W = 5 and Dilation.W = 2⁶²: the span wraps around to 1", func(_ pool2d.Shape, p *pool2d.Params) { p.Kernel.W, p.Dilation.W = 5, 1<<62 })

	// Pads past half of the span: a limit, since only windows without a real tap are at stake.
	for _, side := range []struct {
		name string
		pad  func(*pool2d.Params) (pad *int, half int)
	}{
		{"Pad.Top", func(p *pool2d.Params) (*int, int) { return &p.Pad.Top, (p.Dilation.H*(p.Kernel.H-1) + 1) / 2 }},
		{"Pad.Left", func(p *pool2d.Params) (*int, int) { return &p.Pad.Left, (p.Dilation.W*(p.Kernel.W-1) + 1) / 2 }},
		{"Pad.Bottom", func(p *pool2d.Params) (*int, int) { return &p.Pad.Bottom, (p.Dilation.H*(p.Kernel.H-1) + 1) / 2 }},
		{"Pad.Right", func(p *pool2d.Params) (*int, int) { return &p.Pad.Right, (p.Dilation.W*(p.Kernel.W-1) + 1) / 2 }},
	} {
		fits(true, side.name+" one more than half of the span", func(_ pool2d.Shape, p *pool2d.Params) { pad, half := side.pad(p); *pad = half + 1 })
		fits(true, side.name+" = the greatest int", func(_ pool2d.Shape, p *pool2d.Params) { pad, _ := side.pad(p); *pad = math.MaxInt })
	}

	// Shapes and data that do not belong together.
	tensor := func(limit bool, name string, change func(*pool2d.Tensor[T])) {
		all = append(all, badCall[T]{name: "source: " + name, limit: limit, spoil: func(x *spoiled[T]) { change(&x.src) }})
	}
	for _, v := range []int{0, -1, lowest} {
		tensor(false, fmt.Sprintf("C = %d", v), func(t *pool2d.Tensor[T]) { t.C = v })
		tensor(false, fmt.Sprintf("H = %d", v), func(t *pool2d.Tensor[T]) { t.H = v })
		tensor(false, fmt.Sprintf("W = %d", v), func(t *pool2d.Tensor[T]) { t.W = v })
	}
	tensor(false, "N = -1", func(t *pool2d.Tensor[T]) { t.N = -1 })
	tensor(false, "C = 0 and no cells", func(t *pool2d.Tensor[T]) { t.C, t.Data = 0, nil })
	tensor(false, "H = 0 and no cells", func(t *pool2d.Tensor[T]) { t.H, t.Data = 0, nil })
	tensor(false, "one cell short", func(t *pool2d.Tensor[T]) { t.Data = t.Data[:len(t.Data)-1] })
	tensor(false, "one cell long", func(t *pool2d.Tensor[T]) { t.Data = make([]T, len(t.Data)+1) })
	tensor(false, "twice as long", func(t *pool2d.Tensor[T]) { t.Data = make([]T, 2*len(t.Data)) })
	tensor(false, "no cells", func(t *pool2d.Tensor[T]) { t.Data = nil })
	tensor(false, "N one more than its cells", func(t *pool2d.Tensor[T]) { t.N++ })
	tensor(false, "C one more than its cells", func(t *pool2d.Tensor[T]) { t.C++ })
	tensor(false, "H = 2⁶²", func(t *pool2d.Tensor[T]) { t.H = 1 << 62 })
	tensor(false, "W = 2⁶²", func(t *pool2d.Tensor[T]) { t.W = 1 << 62 })
	tensor(false, "C and H = 2³²: the number of cells wraps around to 0, and there are none", func(t *pool2d.Tensor[T]) { t.C, t.H, t.Data = 1<<32, 1<<32, nil })
	tensor(true, "Layout = 9", func(t *pool2d.Tensor[T]) { t.Layout = 9 })

	// What Pool2DInto is given to write into.
	dst := func(limit bool, name string, change func(x *spoiled[T])) {
		all = append(all, badCall[T]{name: "dst: " + name, limit: limit, into: true, spoil: change})
	}
	dst(false, "one cell short", func(x *spoiled[T]) { x.dst.Data = x.dst.Data[:len(x.dst.Data)-1] })
	dst(false, "no cells", func(x *spoiled[T]) { x.dst.Data = nil })
	dst(false, "one cell long", func(x *spoiled[T]) { x.dst.Data = make([]T, len(x.dst.Data)+1) })
	dst(false, "H one more than its cells", func(x *spoiled[T]) { x.dst.H++ })
	dst(true, "one row more than the result, with its cells", func(x *spoiled[T]) {
		x.dst.H++
		x.dst.Data = make([]T, x.dst.N*x.dst.C*x.dst.H*x.dst.W)
	})
	dst(true, "another layout than the source's", func(x *spoiled[T]) { x.dst.Layout = 1 - x.dst.Layout })
	dst(true, "the source itself", func(x *spoiled[T]) {
		// Room for both in one buffer: dst begins where src does.
		both := make([]T, max(len(x.dst.Data), len(x.src.Data)))
		copy(both, x.src.Data)
		x.dst.Data, x.src.Data = both[:len(x.dst.Data)], both[:len(x.src.Data)]
	})
	dst(true, "sharing one cell with the source", func(x *spoiled[T]) {
		both := make([]T, len(x.dst.Data)+len(x.src.Data)-1)
		copy(both, x.src.Data)
		x.dst.Data, x.src.Data = both[len(x.src.Data)-1:], both[:len(x.src.Data)]
	})

	// Gradients of the outputs.
	grad := func(limit bool, name string, change func(*pool2d.Tensor[T])) {
		all = append(all, badCall[T]{name: "grad: " + name, limit: limit, of: backward, spoil: func(x *spoiled[T]) { change(&x.grad) }})
	}
	grad(false, "one cell short", func(t *pool2d.Tensor[T]) { t.Data = t.Data[:len(t.Data)-1] })
	grad(false, "one cell long", func(t *pool2d.Tensor[T]) { t.Data = make([]T, len(t.Data)+1) })
	grad(false, "no cells", func(t *pool2d.Tensor[T]) { t.Data = nil })
	grad(false, "C = 0", func(t *pool2d.Tensor[T]) { t.C = 0 })
	grad(true, "one row more than the result, with its cells", func(t *pool2d.Tensor[T]) {
		t.H++
		t.Data = make([]T, t.N*t.C*t.H*t.W)
	})
	grad(true, "another layout than the source's", func(t *pool2d.Tensor[T]) { t.Layout = 1 - t.Layout })
	return all
}

// rejectsNonsense demands an error for every call that cannot mean anything: in bounded time, without a panic, with
// nothing written. Its condition is that the cases have cells and no empty batch, so that a cell too few is nonsense.
func rejectsNonsense[T pool2d.Elem](s *subject[T], c Case[T]) error { return rejects(s, c, false) }

// keepsLimits demands an error for calls that mean something, and that the contract refuses all the same. It says
// nothing of an implementation that lacks Strictness: TensorFlow takes any padding, cuDNN any divisor.
func keepsLimits[T pool2d.Elem](s *subject[T], c Case[T]) error {
	if err := rejects(s, c, true); err != nil {
		return err
	}
	if s.impl.Indices == nil || s.impl.Lacks&pool2d.AvgOp != 0 || c.Params.Op != pool2d.Max {
		return nil
	}
	return rejectsCall(s, c, indexed, badCall[T]{name: "Op = avg, which has no indices", spoil: func(x *spoiled[T]) { x.p.Op = pool2d.Avg }})
}

func rejects[T pool2d.Elem](s *subject[T], c Case[T], limits bool) error {
	for _, bad := range badCalls[T]() {
		if bad.limit != limits {
			continue
		}
		for _, r := range offered(s, c) {
			if bad.of == backward && r.what != backward || bad.into && (r.what != forward || s.impl.Pool2DInto == nil) {
				continue
			}
			if err := rejectsCall(s, c, r.what, bad); err != nil {
				return err
			}
		}
	}
	return nil
}

func rejectsCall[T pool2d.Elem](s *subject[T], c Case[T], of what, bad badCall[T]) error {
	r := request[T]{what: of, src: c.Src, p: c.Params, spoil: bad.spoil}
	if of == backward {
		r.grad = gradientFor(c, false)
	}
	wanted := func(format string, args ...any) error {
		return &finding[T]{src: c.Src, p: c.Params, said: fmt.Sprintf(format, args...), invalid: true}
	}
	a := s.do(r)
	switch {
	case a.fault != nil:
		return wanted("with %s, %v; want an error", bad.name, a.fault)
	case a.err == nil:
		return wanted("with %s, %v returned no error", bad.name, of)
	case a.wroteSource != "":
		return wanted("with %s, %v returned an error, but %s", bad.name, of, a.wroteSource)
	case a.wroteResult != "":
		return wanted("with %s, %v returned an error, but wrote %s", bad.name, of, a.wroteResult)
	case a.wroteFence != "":
		return wanted("with %s, %v returned an error, but wrote beside %s", bad.name, of, a.wroteFence)
	}
	return nil
}
