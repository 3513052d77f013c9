package mutants

import (
	"runtime"
	"sync"

	"example.com/pool2d"
)

// The special cases that fast implementations have, each right and each cut into the steps at which such code breaks.
// Package tests run them unbroken, so that a mutant on top of one is its single change and no other.

// A row is a row kernel for maxima, as vector code computes them: blocks of lanes in which every lane takes one tap at a
// time, then a scalar tail. It does the outputs whose taps are all real; the others are done window by window.
type row[T pool2d.Elem] struct {
	lanes  int
	fits   func(c *call[T]) bool
	better func(v, best T) bool                      // in a lane
	tail   func(v, best T) bool                      // in the tail
	cell   func(a axis, start, lane, j int) int      // tap j of a lane, in a block whose first window starts at start
	taps   func(a axis, out, outs int) int           // how many taps of a row output number out uses
	rows   func(cells []int, out, outs int) []int    // which rows the outputs of row number out use
	blocks func(n, lanes int) int                    // how many blocks n outputs are cut into
	rest   func(n, blocks, lanes int) (from, to int) // the outputs of the tail
}

func newRow[T pool2d.Elem](m *pool[T]) *row[T] {
	return &row[T]{
		lanes:  4,
		fits:   func(c *call[T]) bool { return c.params.Op == pool2d.Max && c.indices == nil },
		better: m.better,
		tail:   m.better,
		cell:   func(a axis, start, lane, j int) int { return start + lane*a.stride + j*a.dilation },
		taps:   func(a axis, out, outs int) int { return a.kernel },
		rows:   func(cells []int, out, outs int) []int { return cells },
		blocks: func(n, lanes int) int { return n / lanes },
		rest:   func(n, blocks, lanes int) (from, to int) { return blocks * lanes, n },
	}
}

// only narrows the path to a kernel and a stride, the same on both axes, dense.
func (r *row[T]) only(kernel, stride int) {
	fits := r.fits
	r.fits = func(c *call[T]) bool {
		k, s := pool2d.HW{H: kernel, W: kernel}, pool2d.HW{H: stride, W: stride}
		return fits(c) && c.params.Kernel == k && c.params.Stride == s && c.params.Dilation == pool2d.HW{H: 1, W: 1}
	}
}

func (r *row[T]) path() path[T] { return path[T]{r.fits, r.plane} }

func (r *row[T]) plane(c *call[T], n, ch int) {
	whole := func(all []side) (from, to int) { // the windows with all their taps
		for from < len(all) && len(all[from].cells) < all[from].axis.kernel {
			from++
		}
		for to = from; to < len(all) && len(all[to].cells) == all[to].axis.kernel; {
			to++
		}
		return from, to
	}
	top, bottom := whole(c.rows)
	left, right := whole(c.cols)
	w := &window[T]{}
	scalar := func(y, from, to int) {
		for x := from; x < to; x++ {
			c.fill(w, n, ch, y, x)
			c.pooled(w)
		}
	}
	for y := range c.rows {
		if y < top || y >= bottom || left == right {
			scalar(y, 0, len(c.cols))
			continue
		}
		scalar(y, 0, left)
		scalar(y, right, len(c.cols))
		blocks := r.blocks(right-left, r.lanes)
		from, to := r.rest(right-left, blocks, r.lanes)
		for b := range blocks {
			for lane := range r.lanes {
				r.output(c, n, ch, y, left+b*r.lanes, lane, r.better)
			}
		}
		for x := from; x < to; x++ {
			r.output(c, n, ch, y, left+x, 0, r.tail)
		}
	}
}

// output computes output x+lane of row y.
func (r *row[T]) output(c *call[T], n, ch, y, x, lane int, better func(v, best T) bool) {
	a := c.cols[x].axis
	var best T
	for i, h := range r.rows(c.rows[y].cells, y, len(c.rows)) {
		for j := range r.taps(a, x+lane, len(c.cols)) {
			cell := pool2d.Cell{N: n, C: ch, H: h, W: r.cell(a, c.cols[x].start, lane, j)}
			if v := c.src.Data[c.src.Offset(cell)]; i == 0 && j == 0 || better(v, best) {
				best = v
			}
		}
	}
	c.dst.Data[c.dst.Offset(pool2d.Cell{N: n, C: ch, H: y, W: x + lane})] = best
}

// copies is the path of a window of one cell: nothing is compared, cells are copied. step is from cell to cell.
func copies[T pool2d.Elem](step func(p pool2d.Params) pool2d.HW) path[T] {
	return path[T]{
		fits: func(c *call[T]) bool {
			return c.params.Kernel == pool2d.HW{H: 1, W: 1} && c.params.Divisor == 0 && c.indices == nil
		},
		plane: func(c *call[T], n, ch int) {
			s := step(c.params)
			for y := range c.dst.H {
				for x := range c.dst.W {
					from := pool2d.Cell{N: n, C: ch, H: y * s.H, W: x * s.W}
					c.dst.Data[c.dst.Offset(pool2d.Cell{N: n, C: ch, H: y, W: x})] = c.src.Data[c.src.Offset(from)]
				}
			}
		},
	}
}

// global is the path of a window that is the whole plane: one flat loop. padded says whether pads are its business.
func global[T pool2d.Elem](fits func(c *call[T]) bool, divisor func(w *window[T]) int) path[T] {
	return path[T]{
		fits: func(c *call[T]) bool {
			p := c.params
			return p.Op == pool2d.Avg && p.Kernel == pool2d.HW{H: c.src.H, W: c.src.W} &&
				p.Dilation == pool2d.HW{H: 1, W: 1} && fits(c)
		},
		plane: func(c *call[T], n, ch int) {
			var sum float64
			for h := range c.src.H {
				for w := range c.src.W {
					sum += float64(c.src.Data[c.src.Offset(pool2d.Cell{N: n, C: ch, H: h, W: w})])
				}
			}
			w := &window[T]{}
			c.fill(w, n, ch, 0, 0)
			c.pool.write(c, w, c.pool.mean(sum, divisor(w)))
		},
	}
}

// unpadded reports whether a call has no pads.
func unpadded[T pool2d.Elem](c *call[T]) bool { return c.params.Pad == pool2d.Pad{} }

// inBlocks does the planes in blocks, and then those that are left over.
func inBlocks(block int, rest func(planes, blocks int) int) func(planes int, plane func(i int)) {
	return func(planes int, plane func(i int)) {
		blocks := planes / block
		for i := range blocks * block {
			plane(i)
		}
		for i := blocks * block; i < rest(planes, blocks); i++ {
			plane(i)
		}
	}
}

// parallel does the planes in chunks, a goroutine each. chunk is the number of planes of each.
func parallel(workers func() int, chunk func(planes, workers int) int) func(planes int, plane func(i int)) {
	return func(planes int, plane func(i int)) {
		var (
			group  sync.WaitGroup
			mu     sync.Mutex
			failed any
		)
		n := max(1, workers())
		size := chunk(planes, n)
		for worker := range n {
			group.Go(func() {
				defer func() { // the caller's panic, not the process's
					if r := recover(); r != nil {
						mu.Lock()
						failed = r
						mu.Unlock()
					}
				}()
				for i := worker * size; i < min((worker+1)*size, planes); i++ {
					plane(i)
				}
			})
		}
		group.Wait()
		if failed != nil {
			panic(failed)
		}
	}
}

func maxProcs() int { return runtime.GOMAXPROCS(0) }

// roundedUp is the chunk that leaves no plane over.
func roundedUp(planes, workers int) int { return (planes + workers - 1) / workers }
