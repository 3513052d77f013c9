// Package bench learns how fast implementations of 2-D pooling are, on layers of networks and on shapes chosen to hurt.
//
//	func BenchmarkPool2D(b *testing.B) {
//		bench.Run(b, mine, pool2d.Impl[float32]{Name: "optimized", Pool2DInto: optimized.Pool2DInto[float32]})
//	}
//
// Then
//
//	go test -bench Pool2D -count 10 | tee new.txt
//	benchstat -col /impl new.txt
//
// puts the implementations side by side. METHOD.md says what is measured and what the figures can bear. Whether results
// are right is the business of package props: ask it first.
package bench

import (
	"fmt"
	"testing"
	"unsafe"

	"example.com/pool2d"
)

// Run times each implementation on each of Workloads.
func Run[T pool2d.Elem](b *testing.B, impls ...pool2d.Impl[T]) {
	b.Helper()
	RunOn(b, Workloads(), impls...)
}

// RunOn times each implementation on each workload, in a sub-benchmark that Name names. It reports bytes and cells of
// the source a second, and allocations. An implementation that lacks what a workload needs is skipped there.
func RunOn[T pool2d.Elem](b *testing.B, workloads []Workload, impls ...pool2d.Impl[T]) {
	b.Helper()
	for _, w := range workloads {
		for _, im := range impls {
			b.Run(Name(w, im), func(b *testing.B) {
				if missing := pool2d.Needs(w.Shape, w.Params) & im.Lacks; missing != 0 {
					b.Skipf("%s lacks %v", im.Name, missing)
				}
				call, err := Call(w, im)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(w.Bytes(size[T]()))
				b.ReportAllocs()
				for b.Loop() {
					if err := call(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(w.Cells())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mcell/s")
			})
		}
	}
}

// Name returns the name of a measurement below BenchmarkPool2D, key=value by key=value, as benchstat takes it apart:
// workload=vgg16-pool1/op=max/dtype=float32/layout=nchw/impl=optimized.
func Name[T pool2d.Elem](w Workload, im pool2d.Impl[T]) string {
	return fmt.Sprintf("workload=%s/op=%v/dtype=%T/layout=%v/impl=%s", w.Name, w.Params.Op, T(0), im.Layout, im.Name)
}

// Call returns what is to be timed: one pooling of w by im, with everything done that is not pooling. The source is
// filled and in im's layout; a Pool2DInto writes into the same result each time. The first call is made here, so that its
// error is not one of the measurement.
func Call[T pool2d.Elem](w Workload, im pool2d.Impl[T]) (func() error, error) {
	if err := im.Validate(); err != nil {
		return nil, err
	}
	out, err := pool2d.OutputShape(w.Shape, w.Params)
	if err != nil {
		return nil, fmt.Errorf("bench: workload %s: %w", w.Name, err)
	}
	src := pool2d.Tensor[T]{Shape: w.Shape, Data: make([]T, w.Cells()), Layout: im.Layout}
	fill(src.Data)
	call := func() error {
		_, err := im.Pool2D(src, w.Params)
		return err
	}
	if im.Pool2DInto != nil {
		dst := pool2d.Tensor[T]{Shape: out, Data: make([]T, cells(out)), Layout: im.Layout}
		call = func() error { return im.Pool2DInto(dst, src, w.Params) }
	}
	if err := call(); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", Name(w, im), err)
	}
	return call, nil
}

// fill writes whole numbers from 0 to 99 in an order that no branch predictor learns: they are in the range of every
// type, and neither NaN nor subnormal, which some processors slow down for.
func fill[T pool2d.Elem](data []T) {
	state := uint32(1)
	for i := range data {
		state = state*1664525 + 1013904223 // Numerical Recipes, §7.1
		data[i] = T(state >> 16 % 100)
	}
}

func size[T pool2d.Elem]() int {
	var v T
	return int(unsafe.Sizeof(v))
}
