// Package reference computes 2-D pooling as its definition reads: loops over output cells, and under each, over the
// taps of its window. It is slow on purpose. It enumerates the windows instead of trusting pool2d.OutputShape, so that
// each can be checked against the other, and accumulates in float64, or int64 for integers.
//
// Both layouts are served; nothing is shared between calls; sources are only read.
package reference

import (
	"fmt"
	"math"
	"slices"

	"example.com/pool2d"
)

// Pool2D returns the pooling of src with p, in src's layout. Its error names the parameter that is out of bounds.
func Pool2D[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	dst, err := check(src, p)
	if err != nil {
		return dst, err
	}
	eachWindow(src, dst, p, func(out pool2d.Cell, taps []pool2d.Cell, counted int) {
		if p.Op == pool2d.Max {
			dst.Data[dst.Offset(out)], _ = maximum(src, taps)
		} else {
			dst.Data[dst.Offset(out)] = mean(src, taps, divisor(p, taps, counted))
		}
	})
	return dst, nil
}

// Pool2DIndices returns the maximum of each window and its position, h·W+w in the unpadded plane, in the order of the
// result's Data; −1 for a window with no real tap. An average has no indices: that is an error.
func Pool2DIndices[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], []int64, error) {
	dst, err := check(src, p)
	if err == nil && p.Op != pool2d.Max {
		err = fmt.Errorf("reference: Op = %v, want max: an average has no indices", p.Op)
	}
	if err != nil {
		return pool2d.Tensor[T]{}, nil, err
	}
	indices := make([]int64, len(dst.Data))
	eachWindow(src, dst, p, func(out pool2d.Cell, taps []pool2d.Cell, _ int) {
		i := dst.Offset(out)
		best, at := maximum(src, taps)
		dst.Data[i], indices[i] = best, -1
		if at >= 0 {
			indices[i] = int64(taps[at].H*src.W + taps[at].W)
		}
	})
	return dst, indices, nil
}

// Pool2DGrad returns the gradient at src of a pooling whose outputs have the gradient grad: of a maximum, each output's
// gradient lands on the cell that its index names; of an average, each real tap gets it over the window's divisor.
// Its shape and layout are src's. Integer types are an error.
func Pool2DGrad[T pool2d.Elem](grad, src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error) {
	out, err := check(src, p)
	if err == nil {
		err = grad.Validate()
	}
	if err == nil && (grad.Shape != out.Shape || grad.Layout != src.Layout) {
		err = fmt.Errorf("reference: grad is %v %v, want %v %v", grad.Shape, grad.Layout, out.Shape, src.Layout)
	}
	if err == nil && !isFloat[T]() {
		err = pool2d.ErrIntegerGrad
	}
	if err != nil {
		return pool2d.Tensor[T]{}, err
	}
	sums := make([]float64, len(src.Data))
	eachWindow(src, out, p, func(out pool2d.Cell, taps []pool2d.Cell, counted int) {
		g := float64(grad.Data[grad.Offset(out)])
		if p.Op == pool2d.Max {
			if _, at := maximum(src, taps); at >= 0 {
				sums[src.Offset(taps[at])] += g
			}
			return
		}
		for _, tap := range taps {
			sums[src.Offset(tap)] += g / float64(divisor(p, taps, counted))
		}
	})
	dx := pool2d.Tensor[T]{Shape: src.Shape, Data: make([]T, len(src.Data)), Layout: src.Layout}
	for i, sum := range sums {
		dx.Data[i] = T(sum)
	}
	return dx, nil
}

// check refuses what the contract refuses and returns the result, with one cell a window and no values yet.
func check[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) (dst pool2d.Tensor[T], err error) {
	if err := src.Validate(); err != nil {
		return dst, err
	}
	if _, err := pool2d.OutputShape(src.Shape, p); err != nil {
		return dst, err
	}
	rows, cols := axes(src.Shape, p)
	dst.Shape = pool2d.Shape{N: src.N, C: src.C, H: len(rows), W: len(cols)}
	dst.Layout = src.Layout
	dst.Data = make([]T, dst.N*dst.C*dst.H*dst.W)
	return dst, nil
}

// A window is what one output reads on one axis.
type window struct {
	first   int // its first real tap
	taps    int // how many real taps it has, each a dilation further
	counted int // how many taps, real or not, lie inside the plane and its pads
}

// axes returns the windows on both axes.
func axes(in pool2d.Shape, p pool2d.Params) (rows, cols []window) {
	p = p.Normalized()
	return windows(in.H, p.Kernel.H, p.Stride.H, p.Dilation.H, p.Pad.Top, p.Pad.Bottom, p.Ceil),
		windows(in.W, p.Kernel.W, p.Stride.W, p.Dilation.W, p.Pad.Left, p.Pad.Right, p.Ceil)
}

// windows enumerates the windows of an axis: they start at −lead and go on by the stride, while they end inside the
// padded plane; in ceil mode, while they would end inside a padded plane stride−1 cells longer and start before the
// plane's end. (Without ceil mode they always do, since a pad is shorter than the span.)
func windows(extent, kernel, stride, dilation, lead, trail int, ceil bool) []window {
	span := dilation*(kernel-1) + 1
	var all []window
	for start := -lead; start < extent; start += stride {
		overhang := start - (extent + trail - span)
		if !ceil && overhang > 0 || ceil && overhang > stride-1 {
			break
		}
		unreal := 0 // taps in the leading pad
		if start < 0 {
			unreal = min(kernel, (-start+dilation-1)/dilation)
		}
		w := window{first: start + unreal*dilation}
		for w.taps < kernel-unreal && w.first+w.taps*dilation < extent {
			w.taps++
		}
		w.counted = min(kernel, (extent+trail-start-1)/dilation+1)
		all = append(all, w)
	}
	return all
}

// eachWindow calls f for each output cell with its real taps in row-major order, and how many taps padding included.
func eachWindow[T pool2d.Elem](src, dst pool2d.Tensor[T], p pool2d.Params, f func(out pool2d.Cell, taps []pool2d.Cell, counted int)) {
	rows, cols := axes(src.Shape, p)
	p = p.Normalized()
	var taps []pool2d.Cell
	for n := range src.N {
		for c := range src.C {
			for h, row := range rows {
				for w, col := range cols {
					taps = slices.Grow(taps[:0], row.taps*col.taps)
					for y := range row.taps {
						for x := range col.taps {
							taps = append(taps, pool2d.Cell{N: n, C: c, H: row.first + y*p.Dilation.H, W: col.first + x*p.Dilation.W})
						}
					}
					f(pool2d.Cell{N: n, C: c, H: h, W: w}, taps, row.counted*col.counted)
				}
			}
		}
	}
}

// maximum returns the best of the taps and which one it is, or the least value and −1 if there is none.
func maximum[T pool2d.Elem](src pool2d.Tensor[T], taps []pool2d.Cell) (best T, at int) {
	best, at = least[T](), -1
	for i, tap := range taps {
		v := src.Data[src.Offset(tap)]
		if at < 0 || v > best || math.IsNaN(float64(v)) {
			best, at = v, i
		}
	}
	return best, at
}

// divisor returns what the sum of the taps is divided by; it is 0 only where there is no tap.
func divisor(p pool2d.Params, taps []pool2d.Cell, counted int) int {
	switch {
	case p.Divisor != 0:
		return p.Divisor
	case p.CountPad:
		return counted
	}
	return len(taps)
}

// mean returns the sum of the taps over d, 0 if there is none.
func mean[T pool2d.Elem](src pool2d.Tensor[T], taps []pool2d.Cell, d int) T {
	if len(taps) == 0 {
		return 0
	}
	if isFloat[T]() {
		var sum float64
		for _, tap := range taps {
			sum += float64(src.Data[src.Offset(tap)])
		}
		return T(sum / float64(d))
	}
	var sum int64
	for _, tap := range taps {
		sum += int64(src.Data[src.Offset(tap)])
	}
	return saturate[T](roundedQuotient(sum, int64(d)))
}

// roundedQuotient returns a/d, d > 0, rounded half away from zero.
func roundedQuotient(a, d int64) int64 {
	q, r := a/d, a%d
	switch {
	case r >= d-r: // 2r >= d without the product
		q++
	case -r >= d+r:
		q--
	}
	return q
}

// saturate returns the integer of type T nearest to v.
func saturate[T pool2d.Elem](v int64) T {
	return T(min(max(v, int64(least[T]())), int64(greatest[T]())))
}

func isFloat[T pool2d.Elem]() bool {
	half := 0.5
	return T(half) != 0
}

// least returns the least value of T, −Inf for a float.
func least[T pool2d.Elem]() T {
	var v any
	switch any(T(0)).(type) {
	case float32:
		v = float32(math.Inf(-1))
	case float64:
		v = math.Inf(-1)
	case int8:
		v = int8(math.MinInt8)
	case uint8:
		v = uint8(0)
	case int32:
		v = int32(math.MinInt32)
	}
	return v.(T)
}

// greatest returns the greatest value of an integer type.
func greatest[T pool2d.Elem]() T {
	return least[T]() - 1 // it wraps around
}
