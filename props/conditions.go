package props

import (
	"math"

	"example.com/pool2d"
)

// What laws say of the cases that they take. The generator draws such cases; Replay is given any.

// tame reports whether the bound speaks of every average of a case: cells are finite, and sums do not overflow.
func tame[T pool2d.Elem](c Case[T]) bool {
	if !hasCells(c) {
		return false
	}
	for _, b := range boundsOf(c.Src, c.Params) {
		if math.IsInf(b, 1) {
			return false
		}
	}
	return true
}

// exact reports whether a case is an average of small integers.
func exact[T pool2d.Elem](c Case[T]) bool {
	for _, v := range c.Src.Data {
		if x := float64(v); x != math.Trunc(x) || math.Abs(x) > 1<<12 {
			return false
		}
	}
	return isAvg(c) && hasCells(c)
}

// scales reports whether a case is an average of cells far from both ends of the type.
func scales[T pool2d.Elem](c Case[T]) bool {
	for _, v := range c.Src.Data {
		if x := math.Abs(float64(v)); x != 0 && !(x > 0x1p-60 && x < 0x1p40) {
			return false
		}
	}
	return isAvg(c) && hasCells(c)
}

// detects reports whether detection speaks of a case.
func detects[T pool2d.Elem](c Case[T]) bool {
	p := c.Params.Normalized()
	return hasCells(c) && p.Dilation == pool2d.HW{H: 1, W: 1} && p.Stride.H <= p.Kernel.H && p.Stride.W <= p.Kernel.W &&
		(isMax(c) || isFloat[T]()) && hasFullWindow(c)
}

// needs returns the features that a case calls for, those of its cells among them.
func needs[T pool2d.Elem](c Case[T]) pool2d.Feature {
	f := pool2d.Needs(c.Src.Shape, c.Params)
	for _, v := range c.Src.Data {
		x := math.Abs(float64(v))
		switch {
		case math.IsNaN(x) || math.IsInf(x, 1):
			f |= pool2d.NonFinite
		case isFloat[T]() && x != 0 && x < smallestNormal[T]():
			f |= pool2d.Subnormals
		}
	}
	return f
}

func smallestNormal[T pool2d.Elem]() float64 {
	if _, ok := any(T(0)).(float32); ok {
		return 0x1p-126
	}
	return 0x1p-1022
}
