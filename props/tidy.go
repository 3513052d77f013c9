package props

import (
	"math"
	"time"

	"example.com/pool2d"
)

// What tidying a case may cost: so many cells handed to the implementation, and, should that be slow, so much time.
const (
	tidyWork = 4 << 20
	tidyTime = 10 * time.Second
)

// tidy makes a case that breaks the law as plain as it can be while it still does. Rapid shrinks what it drew:
// parameters, extents, the kind of cells. A cell is not drawn, it follows from the kind; and what a fuzzer or a user
// found was not shrunk at all. So this goes over planes, parameters, extents and cells, until nothing gets plainer.
func tidy[T pool2d.Elem](l Law[T], s *subject[T], c Case[T], broken error) (Case[T], error) {
	deadline := time.Now().Add(tidyTime)
	work := 0
	try := func(candidate Case[T]) bool {
		if work += 64 + len(candidate.Src.Data); work > tidyWork || s.dead.Load() != nil || time.Now().After(deadline) {
			return false
		}
		if candidate.valid() != nil || needs(candidate)&s.impl.Lacks != 0 || l.takes != nil && !l.takes(candidate) {
			return false
		}
		err := l.check(s, candidate)
		if err == nil || s.dead.Load() != nil {
			return false
		}
		c, broken = candidate, err
		return true
	}
	params := func(change func(*pool2d.Params)) bool {
		candidate := c
		change(&candidate.Params)
		return candidate.Params != c.Params && try(candidate)
	}
	// part keeps the cells of a box that begins at from.
	part := func(from pool2d.Cell, shape pool2d.Shape) bool {
		if shape == c.Src.Shape || shape.N < 1 || shape.C < 1 || shape.H < 1 || shape.W < 1 {
			return false
		}
		candidate := c
		candidate.Src = rearranged(c.Src, shape, func(at pool2d.Cell) pool2d.Cell {
			return pool2d.Cell{N: at.N + from.N, C: at.C + from.C, H: at.H + from.H, W: at.W + from.W}
		})
		return try(candidate)
	}
	cells := func(change func([]T)) bool {
		candidate := c
		candidate.Src.Data = append([]T(nil), c.Src.Data...)
		change(candidate.Src.Data)
		return try(candidate)
	}

	if !try(c) {
		return c, broken // it does not break the law again: there is nothing to go by
	}
	if c.Seed != 0 {
		candidate := c
		candidate.Seed = 0
		try(candidate)
	}
	for plainer := true; plainer; {
		plainer = false
		for _, done := range []bool{
			// One plane of many.
			anyOf(c.Src.N, func(n int) bool {
				shape := c.Src.Shape
				shape.N = 1
				return part(pool2d.Cell{N: n}, shape)
			}),
			anyOf(c.Src.C, func(k int) bool {
				shape := c.Src.Shape
				shape.C = 1
				return part(pool2d.Cell{C: k}, shape)
			}),
			// Fewer planes, for what needs more than one.
			part(pool2d.Cell{}, pool2d.Shape{N: c.Src.N - 1, C: c.Src.C, H: c.Src.H, W: c.Src.W}),
			part(pool2d.Cell{}, pool2d.Shape{N: c.Src.N, C: c.Src.C - 1, H: c.Src.H, W: c.Src.W}),
			// Plainer parameters.
			params(func(p *pool2d.Params) { p.CountPad = false }),
			params(func(p *pool2d.Params) { p.Divisor = 0 }),
			params(func(p *pool2d.Params) { p.Ceil = false }),
			params(func(p *pool2d.Params) { p.Pad = pool2d.Pad{} }),
			params(func(p *pool2d.Params) { p.Pad.Top = max(0, p.Pad.Top-1) }),
			params(func(p *pool2d.Params) { p.Pad.Left = max(0, p.Pad.Left-1) }),
			params(func(p *pool2d.Params) { p.Pad.Bottom = max(0, p.Pad.Bottom-1) }),
			params(func(p *pool2d.Params) { p.Pad.Right = max(0, p.Pad.Right-1) }),
			params(func(p *pool2d.Params) { p.Dilation = pool2d.HW{} }),
			params(func(p *pool2d.Params) { p.Dilation.H = min(p.Dilation.H, max(0, p.Dilation.H-1)) }),
			params(func(p *pool2d.Params) { p.Dilation.W = min(p.Dilation.W, max(0, p.Dilation.W-1)) }),
			params(func(p *pool2d.Params) { p.Kernel.H-- }),
			params(func(p *pool2d.Params) { p.Kernel.W-- }),
			params(func(p *pool2d.Params) { p.Stride.H = min(p.Stride.H, 1) }),
			params(func(p *pool2d.Params) { p.Stride.W = min(p.Stride.W, 1) }),
			params(func(p *pool2d.Params) { p.Stride.H = min(p.Stride.H, max(1, p.Stride.H-1)) }),
			params(func(p *pool2d.Params) { p.Stride.W = min(p.Stride.W, max(1, p.Stride.W-1)) }),
			// A smaller plane: half of it, half of its strides, one of them, or a row or column less on either side. What is
			// left over at the end stays when whole strides go.
			part(pool2d.Cell{}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: (c.Src.H + 1) / 2, W: c.Src.W}),
			part(pool2d.Cell{}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: c.Src.H, W: (c.Src.W + 1) / 2}),
			fewerStrides(c.Src.H, c.Params.Normalized().Stride.H, func(h int) bool {
				return part(pool2d.Cell{H: c.Src.H - h}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: h, W: c.Src.W})
			}),
			fewerStrides(c.Src.W, c.Params.Normalized().Stride.W, func(w int) bool {
				return part(pool2d.Cell{W: c.Src.W - w}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: c.Src.H, W: w})
			}),
			part(pool2d.Cell{}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: c.Src.H - 1, W: c.Src.W}),
			part(pool2d.Cell{}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: c.Src.H, W: c.Src.W - 1}),
			part(pool2d.Cell{H: 1}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: c.Src.H - 1, W: c.Src.W}),
			part(pool2d.Cell{W: 1}, pool2d.Shape{N: c.Src.N, C: c.Src.C, H: c.Src.H, W: c.Src.W - 1}),
		} {
			plainer = plainer || done
		}
	}
	if !cells(func(data []T) { clear(data) }) {
		for i := 0; i < len(c.Src.Data); i += c.Src.W { // whole rows first
			cells(func(data []T) { clear(data[i : i+c.Src.W]) })
		}
		for i := range c.Src.Data {
			for _, plain := range plainCells[T]() {
				if identical(c.Src.Data[i], plain) || cells(func(data []T) { data[i] = plain }) {
					break
				}
			}
		}
	}
	return c, broken
}

// fewerStrides tries an extent that is whole strides smaller: by half of them, else by one.
func fewerStrides(extent, stride int, try func(extent int) bool) bool {
	for _, less := range []int{extent / 2 / stride * stride, stride} {
		if less > 0 && less < extent && try(extent-less) {
			return true
		}
	}
	return false
}

// plainCells returns what cells are replaced by, if that still breaks the law; plainest first.
func plainCells[T pool2d.Elem]() []T {
	plain := []T{0, 1, 2}
	if minusOne := -1.0; least[T]() < 0 {
		plain = append(plain, T(minusOne))
	}
	if isFloat[T]() {
		plain = append(plain, T(math.NaN()))
	}
	return plain
}

// anyOf reports whether f is true of one of the numbers below n, if there are two or more; it stops at the first.
func anyOf(n int, f func(int) bool) bool {
	for i := range n {
		if n > 1 && f(i) {
			return true
		}
	}
	return false
}
