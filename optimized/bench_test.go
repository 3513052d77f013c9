package optimized

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"example.com/pool2d"
)

// leastTime returns the shortest of the calls that b times.
func leastTime(b *testing.B, dst, src pool2d.Tensor[float32], p pool2d.Params) time.Duration {
	least := time.Hour
	for b.Loop() {
		start := time.Now()
		_ = Pool2DInto(dst, src, p)
		least = min(least, time.Since(start))
	}
	return least
}

// squareParams returns the parameters of windows of k×k at a stride, with pads all around.
func squareParams(op pool2d.Op, k, stride, pad int) pool2d.Params {
	return pool2d.Params{
		Op: op, Kernel: pool2d.HW{H: k, W: k}, Stride: pool2d.HW{H: stride, W: stride},
		Pad: pool2d.Pad{Top: pad, Left: pad, Bottom: pad, Right: pad},
	}
}

// BenchmarkPool2D pools float32 by each kernel set.
func BenchmarkPool2D(b *testing.B) {
	for _, w := range []struct {
		name    string
		in      pool2d.Shape
		k, s, p int
	}{
		{"stem", pool2d.Shape{N: 1, C: 64, H: 112, W: 112}, 3, 2, 1},
		{"vgg", pool2d.Shape{N: 1, C: 64, H: 224, W: 224}, 2, 2, 0},
		{"inception", pool2d.Shape{N: 1, C: 256, H: 35, W: 35}, 3, 1, 1},
		{"spp5", pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, 5, 1, 2},
		{"spp9", pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, 9, 1, 4},
		{"spp13", pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, 13, 1, 6},
		{"spp13-14", pool2d.Shape{N: 1, C: 512, H: 14, W: 14}, 13, 1, 6},
		{"yolo", pool2d.Shape{N: 1, C: 512, H: 19, W: 19}, 13, 1, 6},
		{"global", pool2d.Shape{N: 1, C: 2048, H: 7, W: 7}, 7, 1, 0},
		{"hd", pool2d.Shape{N: 1, C: 3, H: 1080, W: 1920}, 2, 2, 0},
		{"win31", pool2d.Shape{N: 1, C: 1, H: 4096, W: 4096}, 31, 1, 15},
		// At the edge of a last cache of 32 MiB.
		{"stem8", pool2d.Shape{N: 8, C: 64, H: 112, W: 112}, 3, 2, 1},
		{"big", pool2d.Shape{N: 32, C: 64, H: 56, W: 56}, 2, 2, 0},
		// Past every cache.
		{"far", pool2d.Shape{N: 128, C: 64, H: 56, W: 56}, 2, 2, 0},
		{"far-stem", pool2d.Shape{N: 32, C: 64, H: 112, W: 112}, 3, 2, 1},
		{"far-inception", pool2d.Shape{N: 64, C: 256, H: 35, W: 35}, 3, 1, 1},
		// Within the second-level cache.
		{"near-7", pool2d.Shape{N: 1, C: 1224, H: 7, W: 7}, 3, 1, 1},
		{"near-14", pool2d.Shape{N: 1, C: 306, H: 14, W: 14}, 3, 1, 1},
		{"near-28", pool2d.Shape{N: 1, C: 76, H: 28, W: 28}, 3, 1, 1},
		{"near-64", pool2d.Shape{N: 1, C: 15, H: 64, W: 64}, 3, 1, 1},
		{"near-112", pool2d.Shape{N: 1, C: 5, H: 112, W: 112}, 3, 1, 1},
		{"near-150", pool2d.Shape{N: 1, C: 4, H: 150, W: 150}, 3, 1, 1}, // rows that straddle lines
		{"near-150-5", pool2d.Shape{N: 1, C: 4, H: 150, W: 150}, 5, 1, 2},
		{"near-20-5", pool2d.Shape{N: 1, C: 256, H: 20, W: 20}, 5, 1, 2},
		{"near-14-2", pool2d.Shape{N: 1, C: 306, H: 14, W: 14}, 2, 1, 0},
		{"near-14-stride2", pool2d.Shape{N: 1, C: 512, H: 14, W: 14}, 3, 2, 1},
		{"near-inception", pool2d.Shape{N: 1, C: 64, H: 35, W: 35}, 3, 1, 1},
		{"near-win31", pool2d.Shape{N: 1, C: 1, H: 256, W: 1024}, 31, 1, 15},
		{"small-win31", pool2d.Shape{N: 1, C: 1, H: 128, W: 128}, 31, 1, 15},
	} {
		for _, op := range []string{"max", "avg", "avg_countpad"} {
			if op == "avg_countpad" && w.p == 0 {
				continue
			}
			for _, l := range []pool2d.Layout{pool2d.NCHW, pool2d.NHWC} {
				p := squareParams(pool2d.Avg, w.k, w.s, w.p)
				p.CountPad = op == "avg_countpad"
				if op == "max" {
					p.Op = pool2d.Max
				}
				x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), w.in, l, false)
				y, err := Pool2D(x, p)
				if err != nil {
					b.Fatal(err)
				}
				for _, set := range KernelSets() {
					b.Run(fmt.Sprintf("workload=%s/op=%s/layout=%v/impl=%s", w.name, op, l, set), func(b *testing.B) {
						undo, _ := force(set)
						defer undo()
						b.SetBytes(int64(4 * (len(x.Data) + len(y.Data))))
						b.ReportMetric(float64(leastTime(b, y, x, p))/1e3, "min-µs")
					})
				}
			}
		}
	}
}

// BenchmarkShapes pools what layers of networks are made of, and other shapes between them: what a result costs should
// jump nowhere.
func BenchmarkShapes(b *testing.B) {
	for _, l := range []pool2d.Layout{pool2d.NCHW, pool2d.NHWC} {
		for _, channels := range []int{3, 5, 16, 20, 32, 64, 128, 256} {
			for _, width := range []int{8, 16, 20, 28, 56, 64, 80, 112} {
				in := pool2d.Shape{N: 1, C: channels, H: width, W: width}
				x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), in, l, false)
				for _, k := range []int{2, 3, 5, 7, 13} {
					for stride := 1; stride <= min(k, 3); stride++ {
						for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
							p := squareParams(op, k, stride, k/2)
							y, err := Pool2D(x, p)
							if err != nil {
								b.Fatal(err)
							}
							b.Run(fmt.Sprintf("layout=%v/channels=%d/width=%d/window=%d/stride=%d/op=%v", l, channels, width, k, stride, op), func(b *testing.B) {
								b.ReportMetric(float64(leastTime(b, y, x, p))/float64(len(y.Data)), "min-ns/result")
							})
						}
					}
				}
			}
		}
	}
}

// BenchmarkWide pools planes of the same size, of rows of other lengths: of the second-level cache, above and below what is written
// past the cache.
func BenchmarkWide(b *testing.B) {
	for _, cells := range []int{1 << 18, 1 << 22, 1 << 24} {
		for _, width := range []int{1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13} {
			if height := cells / width; height < 1<<7 || height > 1<<14 {
				continue
			}
			in := pool2d.Shape{N: 1, C: 1, H: cells / width, W: width}
			x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), in, pool2d.NCHW, false)
			for _, k := range []int{9, 31, 63} {
				for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
					p := squareParams(op, k, 1, k/2)
					y, err := Pool2D(x, p)
					if err != nil {
						b.Fatal(err)
					}
					b.Run(fmt.Sprintf("cells=%d/width=%d/window=%d/op=%v", cells, width, k, op), func(b *testing.B) {
						b.ReportMetric(float64(leastTime(b, y, x, p))/1e3, "min-µs")
					})
				}
			}
		}
	}
}

// BenchmarkNarrow pools planes of up to 64 columns by large windows, with pads and without.
func BenchmarkNarrow(b *testing.B) {
	for _, width := range []int{24, 32, 48, 64} {
		in := pool2d.Shape{N: 1, C: 1 << 17 / (width * width), H: width, W: width}
		x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), in, pool2d.NCHW, false)
		for _, k := range []int{7, 9, 17, 23, 31} {
			for _, pad := range []int{0, k / 2} {
				for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
					p := squareParams(op, k, 1, pad)
					y, err := Pool2D(x, p)
					if err != nil {
						continue // the window is wider than the plane
					}
					b.Run(fmt.Sprintf("width=%d/window=%d/pad=%d/op=%v", width, k, pad, op), func(b *testing.B) {
						b.ReportMetric(float64(leastTime(b, y, x, p))/1e3, "min-µs")
					})
				}
			}
		}
	}
}

// BenchmarkGlobals sums planes that end where a line does, and others, in the second-level cache.
func BenchmarkGlobals(b *testing.B) {
	o, planes := opsFor[float32](pool2d.Avg), 1024
	if o.globals.exact == nil {
		b.Skip("this set has no such kernel")
	}
	for _, n := range []int{48, 49, 64} {
		src, dst := make([]float32, planes*n), make([]float32, planes)
		for i := range src { // what is not written has no memory of its own
			src[i] = float32(i % 64)
		}
		b.Run(fmt.Sprintf("cells=%d", n), func(b *testing.B) {
			for b.Loop() {
				o.globals.exact(dst, src, n, 0.5)
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*planes), "ns/plane")
		})
	}
}

// BenchmarkBlocks does what windows of 31×31 do with a strip of a block, in the first-level cache.
func BenchmarkBlocks(b *testing.B) {
	const cells, k = 128, 31
	for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
		o := opsFor[float32](op)
		kernel := o.slideBlock.fast
		if kernel == nil {
			kernel = o.slideBlock.exact
		}
		if kernel == nil {
			b.Skip("this set has no such kernel")
		}
		s := new(scratch)
		s.reset()
		src, dst, acc := carve[float32](s, cells+k-1), carve[float32](s, cells), carve[float32](s, cells)
		ends := carve[float32](s, k*cells)
		for _, m := range [][]float32{src, dst, acc, ends} {
			fill(m, 1)
		}
		f := &slideRows{rows: k, n: cells, cells: cells + k - 1, k: k, width: cells}
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("op=%v/kernel=%s", op, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed())/float64(b.N*k*cells/16), "ns/vector")
			})
		}
		run("slideBlock", func() { kernel(dst, acc, src, ends, f, nil, hint[float32]{next: src}) })
		run("suffix", func() { o.suffix(ends, cells, cells, k) })
	}
}

// BenchmarkPair combines two rows in plain Go.
func BenchmarkPair(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	rows := [3][]float32{make([]float32, 1024), make([]float32, 1024), make([]float32, 1024)}
	for _, row := range rows {
		for i := range row {
			row[i] = r.Float32() - 0.5
		}
	}
	for op, pair := range map[string]func(dst, x, y []float32){"max": pairMax[float32], "sum": pairSum[float32]} {
		b.Run("op="+op, func(b *testing.B) {
			for b.Loop() {
				pair(rows[0], rows[1], rows[2])
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(rows[0])), "ns/cell")
		})
	}
}

// BenchmarkWake wakes a goroutine that is parked, as a helper is, from one that goes on working.
func BenchmarkWake(b *testing.B) {
	wake := make(chan struct{})
	var awake atomic.Int64
	begun := time.Now()
	go func() {
		for range wake {
			awake.Store(int64(time.Since(begun)))
		}
	}()
	defer close(wake)
	var sends, wakes []time.Duration
	for range b.N {
		for start := time.Now(); time.Since(start) < time.Millisecond; {
		}
		awake.Store(0)
		start := time.Since(begun)
		wake <- struct{}{}
		sends = append(sends, time.Since(begun)-start)
		for awake.Load() == 0 {
		}
		wakes = append(wakes, time.Duration(awake.Load())-start)
	}
	for unit, all := range map[string][]time.Duration{"send-µs": sends, "wake-µs": wakes} {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2])/1e3, unit)
	}
}

// BenchmarkSmall pools one small plane, from one goroutine, and from as many as there are threads.
func BenchmarkSmall(b *testing.B) {
	p := squareParams(pool2d.Max, 2, 2, 0)
	x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), pool2d.Shape{N: 1, C: 1, H: 8, W: 8}, pool2d.NCHW, false)
	b.Run("callers=one", func(b *testing.B) {
		y, err := Pool2D(x, p)
		for b.Loop() && err == nil {
			err = Pool2DInto(y, x, p)
		}
		if err != nil {
			b.Fatal(err)
		}
	})
	b.Run("callers=all", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			y, err := Pool2D(x, p)
			for pb.Next() && err == nil {
				err = Pool2DInto(y, x, p)
			}
			if err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkLocked pools small planes from a goroutine that is locked to its thread, and from one that is not.
func BenchmarkLocked(b *testing.B) {
	p := squareParams(pool2d.Avg, 5, 1, 2)
	x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), pool2d.Shape{N: 1, C: 512, H: 13, W: 13}, pool2d.NCHW, false)
	y, err := Pool2D(x, p)
	if err != nil {
		b.Fatal(err)
	}
	for _, locked := range []bool{false, true} {
		b.Run(fmt.Sprintf("locked=%v", locked), func(b *testing.B) {
			if locked {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			for b.Loop() {
				_ = Pool2DInto(y, x, p)
			}
		})
	}
}

// BenchmarkWindow pools one plane by windows from 3 to 63, at stride 1: what a window costs should not grow with it.
func BenchmarkWindow(b *testing.B) {
	in := pool2d.Shape{N: 1, C: 1, H: 1024, W: 1024}
	x := randomTensor[float32](rand.New(rand.NewPCG(1, 1)), in, pool2d.NCHW, false)
	for _, op := range []pool2d.Op{pool2d.Max, pool2d.Avg} {
		for _, set := range KernelSets() {
			for _, k := range []int{3, 5, 7, 9, 11, 13, 15, 21, 31, 47, 63} {
				p := squareParams(op, k, 1, k/2)
				y, err := Pool2D(x, p)
				if err != nil {
					b.Fatal(err)
				}
				b.Run(fmt.Sprintf("op=%v/impl=%s/window=%d", op, set, k), func(b *testing.B) {
					undo, _ := force(set)
					defer undo()
					b.ReportMetric(float64(leastTime(b, y, x, p))/1e3, "min-µs")
				})
			}
		}
	}
}
