package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"example.com/pool2d"
	"example.com/pool2d/ci/poolgate/internal/photo"
	"example.com/pool2d/optimized"
	"example.com/pool2d/reference"
)

// poolings are what the feature maps of an image are pooled with.
func poolings() []pool2d.Params {
	square := func(op pool2d.Op, k, s, pad int) pool2d.Params {
		return pool2d.Params{Op: op, Kernel: pool2d.HW{H: k, W: k}, Stride: pool2d.HW{H: s, W: s}, Pad: pool2d.Pad{Top: pad, Left: pad, Bottom: pad, Right: pad}}
	}
	all := []pool2d.Params{
		square(pool2d.Max, 2, 1, 0), square(pool2d.Max, 2, 2, 0), square(pool2d.Max, 3, 2, 1), square(pool2d.Max, 7, 1, 3),
		square(pool2d.Avg, 2, 2, 0), square(pool2d.Avg, 3, 1, 1), square(pool2d.Avg, 8, 8, 0),
	}
	ceil := square(pool2d.Max, 3, 2, 0)
	ceil.Ceil = true
	counted := square(pool2d.Avg, 5, 2, 2)
	counted.CountPad = true
	return append(all, ceil, counted)
}

// A named plane is the brightness of an image.
type named struct {
	name  string
	plane pool2d.Tensor[float32]
}

// A viewing is one image whose feature maps both implementations pooled.
type viewing struct {
	named
	maps   pool2d.Shape
	calls  []pooledMaps
	shifts []photo.Shift
	broken []string // how results differ
}

// pooledMaps is one pooling of them, and how long it took.
type pooledMaps struct {
	params               pool2d.Params
	out                  pool2d.Shape
	reference, optimized time.Duration
}

// view pools the feature maps of an image with both implementations, in both layouts, and holds the results against
// each other and against the reference in float64.
func view(ctx context.Context, name string, plane pool2d.Tensor[float32], p *progress) (viewing, error) {
	maps := photo.Features(plane)
	wide := pool2d.Tensor[float64]{Shape: maps.Shape, Data: make([]float64, len(maps.Data))}
	size := pool2d.Tensor[float64]{Shape: maps.Shape, Data: make([]float64, len(maps.Data))}
	for i, v := range maps.Data {
		wide.Data[i], size.Data[i] = float64(v), math.Abs(float64(v))
	}
	channelsLast := maps.In(pool2d.NHWC)
	v := viewing{named: named{name, plane}, maps: maps.Shape, shifts: photo.Shifts(plane)}
	for _, params := range poolings() {
		if err := ctx.Err(); err != nil {
			return v, err
		}
		p.say("photograph: %s: %s", name, pool2d.Descriptor{Shape: maps.Shape, Params: params})
		want, err := reference.Pool2D(wide, params)
		if err != nil {
			return v, err
		}
		sizes := want
		if params.Op == pool2d.Avg {
			if sizes, err = reference.Pool2D(size, params); err != nil {
				return v, err
			}
		}
		call := pooledMaps{params: params, out: want.Shape}
		for _, c := range []struct {
			impl string
			took *time.Duration
			pool func() (pool2d.Tensor[float32], error)
		}{
			{"reference", &call.reference, func() (pool2d.Tensor[float32], error) { return reference.Pool2D(maps, params) }},
			{"optimized", &call.optimized, func() (pool2d.Tensor[float32], error) { return optimized.Pool2D(maps, params) }},
			{"optimized-nhwc", new(time.Duration), func() (pool2d.Tensor[float32], error) { return optimized.Pool2D(channelsLast, params) }},
		} {
			began := time.Now()
			got, err := c.pool()
			*c.took = time.Since(began)
			if err != nil {
				return v, fmt.Errorf("%s: %w", c.impl, err)
			}
			if difference := differs(got, want, sizes, params); difference != "" {
				v.broken = append(v.broken, fmt.Sprintf("%s, %s, %s: %s", name, c.impl, pool2d.Descriptor{Shape: maps.Shape, Params: params, Layout: got.Layout}, difference))
			}
		}
		v.calls = append(v.calls, call)
	}
	return v, nil
}

// differs says how got is not the pooling that want is in float64. A maximum is exact; an average may differ by the bound
// of package pool2d, of which sizes has Σ|x|/D. The reference's own roundings in float64 are one more in its index.
func differs(got pool2d.Tensor[float32], want, sizes pool2d.Tensor[float64], p pool2d.Params) string {
	if got.Shape != want.Shape {
		return fmt.Sprintf("shape %v, want %v", got.Shape, want.Shape)
	}
	const unit = 0x1p-24
	bound := 0.0
	if p.Op == pool2d.Avg {
		j := float64(p.Kernel.H*p.Kernel.W+4) * unit
		bound = j / (1 - j)
	}
	for i, v := range got.Data {
		cell := got.CellAt(i)
		w := want.Data[want.Offset(cell)]
		if d := math.Abs(float64(v) - w); !(d <= bound*sizes.Data[want.Offset(cell)]) {
			return fmt.Sprintf("first at %v: got %v, want %v", cell, v, w)
		}
	}
	return ""
}

func (v viewing) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d feature maps of %d×%d cells; times of one call\n\n", v.name, v.maps.C, v.maps.H, v.maps.W)
	t := table{header: []string{"pooling", "result", "reference", "optimized", "times faster"}, right: 2}
	for _, c := range v.calls {
		t.add(pool2d.Descriptor{Shape: v.maps, Params: c.params}.String(), fmt.Sprintf("%d×%d", c.out.H, c.out.W),
			rounded(c.reference).String(), rounded(c.optimized).String(), fmt.Sprintf("%.1f", c.reference.Seconds()/c.optimized.Seconds()))
	}
	t.print(w)
	for _, b := range v.broken {
		fmt.Fprintf(w, "DIFFERS: %s\n", b)
	}
	fmt.Fprintln(w)
	printShifts(w, v.shifts)
}

// printShifts prints what pooling keeps when the photograph moves.
func printShifts(w io.Writer, shifts []photo.Shift) {
	fmt.Fprintf(w, "Of %d edge pixels, still detected at their old place when the image moves to the right\n", shifts[0].Edges)
	t := table{header: []string{"by", "before pooling", "by chance", "after 2×2 max pooling", "by chance"}, right: 1}
	percent := func(f float64) string { return fmt.Sprintf("%.1f %%", 100*f) }
	for _, s := range shifts {
		t.add(fmt.Sprintf("%d px", s.By), percent(s.Before), percent(s.ChanceBefore), percent(s.After), percent(s.ChanceAfter))
	}
	t.print(w)
}
