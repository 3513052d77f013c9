package pool2d

import (
	"fmt"
	"math"
	"math/bits"
)

// Shape is the extent of a tensor: batch, channels, height, width. A batch may be empty; the others are at least 1.
type Shape struct{ N, C, H, W int }

func (s Shape) check() error {
	for _, f := range []struct {
		name       string
		value, min int
	}{{"N", s.N, 0}, {"C", s.C, 1}, {"H", s.H, 1}, {"W", s.W, 1}} {
		if f.value < f.min {
			return atLeast(f.name, f.value, f.min)
		}
	}
	return nil
}

// Cells returns the number of cells, N·C·H·W. An extent below its limit, or a number past the range of int, is an error.
func (s Shape) Cells() (int, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	cells := uint64(s.N)
	for _, extent := range []int{s.C, s.H, s.W} {
		hi, lo := bits.Mul64(cells, uint64(extent))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("pool2d: N·C·H·W = %d·%d·%d·%d, want <= %d", s.N, s.C, s.H, s.W, math.MaxInt)
		}
		cells = lo
	}
	return int(cells), nil
}

// Cell is a position in a tensor.
type Cell struct{ N, C, H, W int }

// String returns the form n0c1h2w3.
func (c Cell) String() string { return fmt.Sprintf("n%dc%dh%dw%d", c.N, c.C, c.H, c.W) }

// Layout is the order of a tensor's cells in memory.
type Layout uint8

const (
	NCHW Layout = iota // planes one after the other
	NHWC               // all channels of a position side by side; "channels last"
)

// String returns "nchw" or "nhwc".
func (l Layout) String() string {
	switch l {
	case NCHW:
		return "nchw"
	case NHWC:
		return "nhwc"
	}
	return fmt.Sprintf("layout%d", uint8(l))
}

// Tensor is a dense tensor: Data holds the cells of Shape in the order of Layout, with nothing between them.
//
//	NCHW   cell n c h w is Data[((n·C+c)·H+h)·W+w]
//	NHWC   cell n c h w is Data[((n·H+h)·W+w)·C+c]
type Tensor[T Elem] struct {
	Shape
	Data   []T
	Layout Layout
}

// Validate returns an error if the shape, the layout or the length of Data is not what the type demands.
// It is safe for any values, an overflowing product included.
func (t Tensor[T]) Validate() error {
	cells, err := t.Cells()
	if err != nil {
		return err
	}
	if t.Layout > NHWC {
		return fmt.Errorf("pool2d: Layout = %d, want NCHW (0) or NHWC (1)", t.Layout)
	}
	if len(t.Data) != cells {
		return fmt.Errorf("pool2d: len(Data) = %d, want %d = N·C·H·W of %d·%d·%d·%d", len(t.Data), cells, t.N, t.C, t.H, t.W)
	}
	return nil
}

// Offset returns where cell c is in Data. It trusts that the tensor is valid and has that cell.
func (t Tensor[T]) Offset(c Cell) int {
	if t.Layout == NHWC {
		return ((c.N*t.H+c.H)*t.W+c.W)*t.C + c.C
	}
	return ((c.N*t.C+c.C)*t.H+c.H)*t.W + c.W
}

// CellAt returns the cell at Data[i], the inverse of Offset.
func (t Tensor[T]) CellAt(i int) Cell {
	if t.Layout == NHWC {
		return Cell{C: i % t.C, W: i / t.C % t.W, H: i / t.C / t.W % t.H, N: i / t.C / t.W / t.H}
	}
	return Cell{W: i % t.W, H: i / t.W % t.H, C: i / t.W / t.H % t.C, N: i / t.W / t.H / t.C}
}

// In returns t in the layout l: t itself if it has that layout, else a copy. It trusts that the tensor is valid.
func (t Tensor[T]) In(l Layout) Tensor[T] {
	if t.Layout == l {
		return t
	}
	u := Tensor[T]{Shape: t.Shape, Data: make([]T, len(t.Data)), Layout: l}
	for i, v := range t.Data {
		u.Data[u.Offset(t.CellAt(i))] = v
	}
	return u
}
