package photo

import (
	"image"
	"image/color"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// pooling is the pooling of the demonstration: a maximum over 2×2 cells at each cell.
var pooling = pool2d.Params{Kernel: pool2d.HW{H: 2, W: 2}, Stride: pool2d.HW{H: 1, W: 1}}

// detected is the answer of the step filter, of 255, from which on there is an edge.
const detected = 32

// A Shift says what is left of the edges of a photograph, at their old places, when it has moved to the right.
type Shift struct {
	By    int // pixels
	Edges int // edge pixels of the photograph as it was

	// The parts of them where an edge is still detected, in the edge map and in the pooled edge map.
	Before, After float64

	// The parts of all pixels where an edge is detected, in either map: what a place would have by chance.
	ChanceBefore, ChanceAfter float64
}

// views are an image that moved, and what detectors see of it.
type views struct {
	image, edges, pooled pool2d.Tensor[float32]
}

// look returns the image moved to the right by some pixels, its edge map and that map pooled. They have the same width,
// whatever the move: that of the columns which no move of up to margin takes away or brings in.
func look(plane pool2d.Tensor[float32], by int) views {
	var v views
	v.image = crop(plane, margin-by, plane.W-2*margin)
	v.edges = crop(steps(plane), margin-by, plane.W-2*margin)
	pooled, err := reference.Pool2D(steps(plane), pooling)
	if err != nil {
		panic(err) // Load refuses planes on which there is no such window
	}
	v.pooled = crop(pooled, margin-by, plane.W-2*margin)
	for _, t := range []*pool2d.Tensor[float32]{&v.image, &v.edges} { // as high as the pooled map
		t.H = v.pooled.H
		t.Data = t.Data[:t.H*t.W]
	}
	return v
}

// margin is the largest move that is shown.
const margin = 3

// crop returns w columns of a plane, from the given one on.
func crop(t pool2d.Tensor[float32], from, w int) pool2d.Tensor[float32] {
	c := pool2d.Tensor[float32]{Shape: pool2d.Shape{N: 1, C: 1, H: t.H, W: w}}
	for y := range t.H {
		c.Data = append(c.Data, t.Data[y*t.W+from:][:w]...)
	}
	return c
}

// steps is the edge map: the cross-correlation with [1, −1], without its sign.
func steps(plane pool2d.Tensor[float32]) pool2d.Tensor[float32] {
	t := correlate(plane, [][]float32{{1, -1}})
	for i, v := range t.Data {
		t.Data[i] = max(v, -v)
	}
	return t
}

// Shifts counts what stays detected when the photograph moves by 0 to 3 pixels.
func Shifts(plane pool2d.Tensor[float32]) []Shift {
	was := look(plane, 0)
	var all []Shift
	for by := range margin + 1 {
		is := look(plane, by)
		s := Shift{By: by}
		var before, after, anyBefore, anyAfter int
		for i, v := range was.edges.Data {
			if is.edges.Data[i] >= detected {
				anyBefore++
			}
			if is.pooled.Data[i] >= detected {
				anyAfter++
			}
			if v < detected {
				continue
			}
			s.Edges++
			if is.edges.Data[i] >= detected {
				before++
			}
			if is.pooled.Data[i] >= detected {
				after++
			}
		}
		s.ChanceBefore, s.ChanceAfter = float64(anyBefore)/float64(len(was.edges.Data)), float64(anyAfter)/float64(len(was.edges.Data))
		if s.Edges > 0 {
			s.Before, s.After = float64(before)/float64(s.Edges), float64(after)/float64(s.Edges)
		}
		all = append(all, s)
	}
	return all
}

// Picture shows the photograph moved by one pixel. Above: the photograph, its edges, its edges after the move, and where
// they were and still are (dark) or no longer are (red). Below: it moved, and the same three after pooling.
func Picture(plane pool2d.Tensor[float32]) image.Image {
	const scale, gap = 2, 6
	was, is := look(plane, 0), look(plane, 1)
	w, h := was.edges.W*scale, was.edges.H*scale
	img := image.NewPaletted(image.Rect(0, 0, 4*w+5*gap, 2*h+3*gap), palette)
	for row, panels := range [2][4]func(i int) uint8{
		{bright(was.image), edge(was.edges), edge(is.edges), stays(was.edges, is.edges)},
		{bright(is.image), edge(was.pooled), edge(is.pooled), stays(was.edges, is.pooled)},
	} {
		for column, panel := range panels {
			left, top := gap+column*(w+gap), gap+row*(h+gap)
			for y := range h {
				for x := range w {
					img.SetColorIndex(left+x, top+y, panel(y/scale*was.edges.W+x/scale))
				}
			}
		}
	}
	return img
}

// palette is greys from white, its first colour, to black, and red.
var palette = func() color.Palette {
	var p color.Palette
	for i := range red {
		p = append(p, color.Gray{Y: 255 - i})
	}
	return append(p, color.RGBA{R: 220, G: 30, B: 30, A: 255})
}()

const red uint8 = 255 // its place in the palette: there is no pure black

func bright(t pool2d.Tensor[float32]) func(int) uint8 {
	return func(i int) uint8 { return min(255-uint8(t.Data[i]), red-1) }
}

func edge(t pool2d.Tensor[float32]) func(int) uint8 {
	return func(i int) uint8 { return min(uint8(min(2*t.Data[i], 255)), red-1) }
}

func stays(was, is pool2d.Tensor[float32]) func(int) uint8 {
	return func(i int) uint8 {
		switch {
		case was.Data[i] < detected:
			return 0
		case is.Data[i] < detected:
			return red
		}
		return 200
	}
}
