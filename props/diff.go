package props

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"example.com/pool2d"
	"example.com/pool2d/props/internal/safetensors"
)

// finding is what a check found wrong: one line, and where cells are wrong, which and in what.
type finding[T pool2d.Elem] struct {
	call string // which call of the law, if it is not the case's own
	src  pool2d.Tensor[T]
	p    pool2d.Params
	said string // the line, where the trouble is not with cells

	y       pool2d.Tensor[T] // what has wrong cells: a result, or a gradient at the source
	first   int              // the first wrong cell
	wrong   map[int]bool
	got     string
	want    string
	note    string
	atInput bool // y has the shape of src: a gradient
}

func (f *finding[T]) Error() string {
	if f.wrong == nil {
		return f.said
	}
	s := fmt.Sprintf("%d of %d differ; first %v: got %s, want %s", len(f.wrong), len(f.y.Data), f.y.CellAt(f.first), f.got, f.want)
	if f.note != "" {
		s += " (" + f.note + ")"
	}
	return s
}

// say returns a finding about a call that has no wrong cells to show.
func say[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params, format string, args ...any) error {
	return &finding[T]{src: src, p: p, said: fmt.Sprintf(format, args...)}
}

// opinion is what a law thinks of one cell.
type opinion struct {
	ok         bool
	want, note string
	got        string // "" is the cell's value
}

// compare asks for an opinion on every cell of y, and returns a finding if one is wrong.
func compare[T pool2d.Elem](call string, src pool2d.Tensor[T], p pool2d.Params, y pool2d.Tensor[T], of func(i int, got T) opinion) error {
	f := &finding[T]{call: call, src: src, p: p, y: y, atInput: y.Shape == src.Shape && call == "gradient"}
	for i, got := range y.Data {
		o := of(i, got)
		if o.ok {
			continue
		}
		if f.wrong == nil {
			f.wrong = map[int]bool{}
			f.first, f.got, f.want, f.note = i, show(got), o.want, o.note
			if o.got != "" {
				f.got = o.got
			}
		}
		f.wrong[i] = true
	}
	if f.wrong == nil {
		return nil
	}
	return f
}

// report is a failure as people read it.
type report[T pool2d.Elem] struct {
	law    Law[T]
	impl   pool2d.Impl[T]
	c      Case[T]
	broken error
	again  string // the command that repeats it
	after  string // how many cases passed before
	flaky  bool
	dir    string // where whole tensors go, if anywhere
}

// shownCells is how many rows and columns of a plane a report draws.
const shownCells = 12

func (r report[T]) text() string {
	var b strings.Builder
	c := r.c
	c.Src.Layout = r.impl.Layout
	fmt.Fprintf(&b, "%s breaks %s: %s\n", r.impl.Name, r.law.Name, r.law.Law)
	fmt.Fprintf(&b, "case    %s\n", c)
	f, ok := r.broken.(*finding[T])
	if !ok {
		f = &finding[T]{src: c.Src, p: c.Params, said: r.broken.Error()}
	}
	other := f.p.Normalized() != c.Params.Normalized() || f.src.Shape != c.Src.Shape
	if f.call != "" || other {
		fmt.Fprintf(&b, "call    %s", f.call)
		if other {
			fmt.Fprintf(&b, "  %s", pool2d.Descriptor{Shape: f.src.Shape, Params: f.p, Layout: r.impl.Layout})
		}
		b.WriteString("\n")
	}
	if f.wrong == nil {
		fmt.Fprintf(&b, "found   %v\n", f)
	} else {
		fmt.Fprintf(&b, "cells   %v\n", f)
		r.draw(&b, f)
	}
	if r.flaky {
		b.WriteString("note    the same call does not always do this: the implementation keeps state, or races\n")
	}
	if r.after != "" {
		fmt.Fprintf(&b, "after   %s cases that passed\n", r.after)
	}
	if r.again != "" {
		fmt.Fprintf(&b, "again   %s\n", r.again)
	}
	saved := r.save(&b, f)
	if len(c.Src.Data) <= 1<<10 || !saved {
		literal := r.c.GoString()
		if len(literal) < 16<<10 {
			fmt.Fprintf(&b, "replay  props.Replay(t, impl, %s)\n", strings.ReplaceAll(literal, "\n", "\n        "))
		}
	}
	if torch := pytorch(f.src, f.p); torch != "" && len(f.src.Data) <= 256 {
		fmt.Fprintf(&b, "pytorch\n        %s\n", strings.ReplaceAll(torch, "\n", "\n        "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// draw draws the planes of the first wrong cell: the source with the window of that cell in brackets, and what came of
// it with wrong cells starred.
func (r report[T]) draw(b *strings.Builder, f *finding[T]) {
	at := f.y.CellAt(f.first)
	in := map[[2]int]bool{}
	look := pool2d.Cell{N: at.N, C: at.C, H: at.H, W: at.W}
	title := fmt.Sprintf("source  plane n%dc%d", at.N, at.C)
	if !f.atInput && f.y.N == f.src.N && f.y.C == f.src.C {
		g := geometryOf(f.src.Shape, f.p)
		if at.H < g.out.H && at.W < g.out.W {
			for _, tap := range g.taps(nil, at.H, at.W) {
				in[[2]int{tap / f.src.W, tap % f.src.W}] = true
			}
			look.H = at.H*g.p.Stride.H - g.p.Pad.Top + g.p.Dilation.H*(g.p.Kernel.H-1)/2
			look.W = at.W*g.p.Stride.W - g.p.Pad.Left + g.p.Dilation.W*(g.p.Kernel.W-1)/2
			title += fmt.Sprintf(", the window of h%dw%d in [ ]", at.H, at.W)
		}
	}
	if at.N < f.src.N && at.C < f.src.C {
		b.WriteString(title + cutNote(f.src.Shape) + "\n")
		drawPlane(b, f.src, look, func(c pool2d.Cell) (string, string) {
			if in[[2]int{c.H, c.W}] {
				return "[", "]"
			}
			return " ", " "
		})
	}
	name := "result"
	if f.atInput {
		name = "dx    "
	}
	fmt.Fprintf(b, "%s  plane n%dc%d, wrong cells starred%s\n", name, at.N, at.C, cutNote(f.y.Shape))
	drawPlane(b, f.y, at, func(c pool2d.Cell) (string, string) {
		if f.wrong[f.y.Offset(c)] {
			return "*", " "
		}
		return " ", " "
	})
}

func cutNote(s pool2d.Shape) string {
	if s.H > shownCells || s.W > shownCells {
		return fmt.Sprintf(" (a part of %d×%d)", s.H, s.W)
	}
	return ""
}

// drawPlane draws the plane of at, cut around it where it is large, each cell between the two marks that mark gives.
func drawPlane[T pool2d.Elem](b *strings.Builder, x pool2d.Tensor[T], at pool2d.Cell, mark func(pool2d.Cell) (string, string)) {
	top, left := cut(at.H, x.H), cut(at.W, x.W)
	bottom, right := min(x.H, top+shownCells), min(x.W, left+shownCells)
	rows := [][]string{{""}}
	for w := left; w < right; w++ {
		rows[0] = append(rows[0], fmt.Sprintf("w%d ", w))
	}
	for h := top; h < bottom; h++ {
		row := []string{fmt.Sprintf("h%d", h)}
		for w := left; w < right; w++ {
			c := pool2d.Cell{N: at.N, C: at.C, H: h, W: w}
			before, after := mark(c)
			row = append(row, before+show(x.Data[x.Offset(c)])+after)
		}
		rows = append(rows, row)
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, s := range row {
			width[i] = max(width[i], len(s))
		}
	}
	for _, row := range rows {
		b.WriteString("       ")
		for i, s := range row {
			fmt.Fprintf(b, " %*s", width[i], s)
		}
		s := strings.TrimRight(b.String(), " ")
		b.Reset()
		b.WriteString(s + "\n")
	}
}

// cut returns where the shown part of an axis begins, so that at is in its middle if possible.
func cut(at, extent int) int {
	return max(0, min(at-shownCells/2, extent-shownCells))
}

// save writes whole tensors where a plane was cut, or a literal would be too long, and says where.
func (r report[T]) save(b *strings.Builder, f *finding[T]) bool {
	if r.dir == "" || len(f.src.Data) <= 256 && cutNote(f.src.Shape) == "" {
		return false
	}
	tensors := []safetensors.Tensor{safetensors.Of("x", []int{f.src.N, f.src.C, f.src.H, f.src.W}, f.src.Data)}
	if f.y.Data != nil {
		tensors = append(tensors, safetensors.Of("y", []int{f.y.N, f.y.C, f.y.H, f.y.W}, f.y.Data))
	}
	path := filepath.Join(r.dir, r.law.Name+".safetensors")
	data := safetensors.Encode(map[string]string{"case": pool2d.Descriptor{Shape: f.src.Shape, Params: f.p}.String(), "law": r.law.Name, "impl": r.impl.Name}, tensors...)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		fmt.Fprintf(b, "saved   nothing: %v\n", err)
		return false
	}
	fmt.Fprintf(b, "saved   the whole tensors in %s (keep it with go test -artifacts)\n", path)
	return true
}

// pytorch returns a few lines of Python that make the same call in PyTorch, or "" where PyTorch has no such call.
func pytorch[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) string {
	p = p.Normalized()
	if src.N == 0 {
		return ""
	}
	dtype := map[string]string{"float32": "float32", "float64": "float64", "int8": "int8", "uint8": "uint8", "int32": "int32"}[typeName[T]()]
	var cells []string
	for _, v := range src.Data {
		s := show(v)
		switch s {
		case "NaN":
			s = "float('nan')"
		case "+Inf":
			s = "float('inf')"
		case "-Inf":
			s = "float('-inf')"
		}
		cells = append(cells, s)
	}
	x := fmt.Sprintf("import torch, torch.nn.functional as F\nx = torch.tensor([%s], dtype=torch.%s).reshape(%d, %d, %d, %d)\n",
		strings.Join(cells, ", "), dtype, src.N, src.C, src.H, src.W)
	pair := func(a pool2d.HW) string { return fmt.Sprintf("(%d, %d)", a.H, a.W) }
	flag := map[bool]string{true: "True", false: "False"}
	pad := pool2d.HW{H: p.Pad.Top, W: p.Pad.Left}
	if p.Pad.Top != p.Pad.Bottom || p.Pad.Left != p.Pad.Right {
		if p.Op == pool2d.Avg || p.Ceil || !isFloat[T]() {
			return "# PyTorch has no padding that differs between two sides"
		}
		x += fmt.Sprintf("x = F.pad(x, (%d, %d, %d, %d), value=float('-inf'))\n", p.Pad.Left, p.Pad.Right, p.Pad.Top, p.Pad.Bottom)
		pad = pool2d.HW{}
	}
	if p.Op == pool2d.Max {
		return x + fmt.Sprintf("print(F.max_pool2d(x, %s, stride=%s, padding=%s, dilation=%s, ceil_mode=%s, return_indices=True))",
			pair(p.Kernel), pair(p.Stride), pair(pad), pair(p.Dilation), flag[p.Ceil])
	}
	if p.Dilation != (pool2d.HW{H: 1, W: 1}) {
		return "# PyTorch has no dilated average"
	}
	divisor := "None"
	if p.Divisor != 0 {
		divisor = fmt.Sprint(p.Divisor)
	}
	return x + fmt.Sprintf("print(F.avg_pool2d(x, %s, stride=%s, padding=%s, ceil_mode=%s, count_include_pad=%s, divisor_override=%s))",
		pair(p.Kernel), pair(p.Stride), pair(pad), flag[p.Ceil], flag[p.CountPad], divisor)
}
