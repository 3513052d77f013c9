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

	indices []int64          // where indices are wrong: they are drawn instead of y's cells
	grad    pool2d.Tensor[T] // what was to be propagated back
	invalid bool             // the call was to be refused: there is nothing that another library could be asked
}

func (f *finding[T]) Error() string {
	if f.wrong == nil {
		return f.said
	}
	count := fmt.Sprint(len(f.wrong))
	if len(f.wrong) == wrongEnough {
		count += " or more"
	}
	s := fmt.Sprintf("%s of %d differ; first %v: got %s, want %s", count, len(f.y.Data), f.y.CellAt(f.first), f.got, f.want)
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

// be is the opinion that a cell is right, or else should be want. Only the second needs words.
func be[T pool2d.Elem](ok bool, want T, note string) opinion {
	if ok {
		return opinion{ok: true}
	}
	return opinion{want: show(want), note: note}
}

// wrongEnough is how many wrong cells are counted: an opinion on a wrong average is dear, and a picture shows no more.
const wrongEnough = 4096

// compare asks for an opinion on every cell of y, and returns a finding if one is wrong.
func compare[T pool2d.Elem](call string, src pool2d.Tensor[T], p pool2d.Params, y pool2d.Tensor[T], of func(i int, got T) opinion) error {
	f := &finding[T]{call: call, src: src, p: p, y: y}
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
		if f.wrong[i] = true; len(f.wrong) == wrongEnough {
			break
		}
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
	if torch := pytorch(f.src, f.p, f.grad); torch != "" && len(f.src.Data) <= 256 && !f.invalid {
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
		drawPlane(b, f.src.Shape, look, func(i int) string { return show(f.src.Data[i]) }, func(c pool2d.Cell) (string, string) {
			if in[[2]int{c.H, c.W}] {
				return "[", "]"
			}
			return " ", " "
		})
	}
	if f.grad.Data != nil {
		fmt.Fprintf(b, "grad    plane n%dc%d%s\n", at.N, at.C, cutNote(f.grad.Shape))
		drawPlane(b, f.grad.Shape, look, func(i int) string { return show(f.grad.Data[i]) }, func(pool2d.Cell) (string, string) { return " ", " " })
	}
	name := "result"
	star := func(c pool2d.Cell) (string, string) {
		if f.wrong[f.y.Offset(c)] {
			return "*", " "
		}
		return " ", " "
	}
	if f.atInput {
		name = "dx    "
	} else if f.indices != nil {
		name = "index "
	}
	fmt.Fprintf(b, "%-6s  plane n%dc%d, wrong cells starred%s\n", name, at.N, at.C, cutNote(f.y.Shape))
	if f.indices != nil {
		drawPlane(b, f.y.Shape, at, func(i int) string { return fmt.Sprint(f.indices[i]) }, star)
	} else {
		drawPlane(b, f.y.Shape, at, func(i int) string { return show(f.y.Data[i]) }, star)
	}
}

func cutNote(s pool2d.Shape) string {
	if s.H > shownCells || s.W > shownCells {
		return fmt.Sprintf(" (a part of %d×%d)", s.H, s.W)
	}
	return ""
}

// drawPlane draws the plane of at, cut around it where it is large: each cell as text says, between the two marks that
// mark says.
func drawPlane(b *strings.Builder, x pool2d.Shape, at pool2d.Cell, text func(i int) string, mark func(pool2d.Cell) (string, string)) {
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
			row = append(row, before+text(((at.N*x.C+at.C)*x.H+h)*x.W+w)+after)
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

// pytorch returns a few lines of Python that make the same call in PyTorch, backward too if there is a gradient, or a
// comment that says why PyTorch has no such call.
func pytorch[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params, grad pool2d.Tensor[T]) string {
	p = p.Normalized()
	if src.N == 0 {
		return ""
	}
	pair := func(a pool2d.HW) string { return fmt.Sprintf("(%d, %d)", a.H, a.W) }
	flag := map[bool]string{true: "True", false: "False"}
	var b strings.Builder
	fmt.Fprintf(&b, "import torch, torch.nn.functional as F\nx = %s\n", torchTensor(src))
	padded := "x"
	pad := pool2d.HW{H: p.Pad.Top, W: p.Pad.Left}
	if p.Pad.Top != p.Pad.Bottom || p.Pad.Left != p.Pad.Right {
		if p.Op == pool2d.Avg || p.Ceil || !isFloat[T]() {
			return "# PyTorch has no padding that differs between two sides"
		}
		padded = fmt.Sprintf("F.pad(x, (%d, %d, %d, %d), value=float('-inf'))", p.Pad.Left, p.Pad.Right, p.Pad.Top, p.Pad.Bottom)
		pad = pool2d.HW{}
	}
	var call string
	switch {
	case p.Op == pool2d.Max:
		call = fmt.Sprintf("F.max_pool2d(%s, %s, stride=%s, padding=%s, dilation=%s, ceil_mode=%s, return_indices=%s)",
			padded, pair(p.Kernel), pair(p.Stride), pair(pad), pair(p.Dilation), flag[p.Ceil], flag[grad.Data == nil])
	case p.Dilation != pool2d.HW{H: 1, W: 1}:
		return "# PyTorch has no dilated average"
	default:
		divisor := "None"
		if p.Divisor != 0 {
			divisor = fmt.Sprint(p.Divisor)
		}
		call = fmt.Sprintf("F.avg_pool2d(%s, %s, stride=%s, padding=%s, ceil_mode=%s, count_include_pad=%s, divisor_override=%s)",
			padded, pair(p.Kernel), pair(p.Stride), pair(pad), flag[p.Ceil], flag[p.CountPad], divisor)
	}
	if grad.Data == nil {
		fmt.Fprintf(&b, "print(%s)", call)
	} else {
		fmt.Fprintf(&b, "x.requires_grad_()\n%s.backward(%s)\nprint(x.grad)", call, torchTensor(grad))
	}
	return b.String()
}

// torchTensor returns x as a Python expression.
func torchTensor[T pool2d.Elem](x pool2d.Tensor[T]) string {
	cells := make([]string, len(x.Data))
	for i, v := range x.Data {
		cells[i] = show(v)
		if strings.Contains("NaN +Inf -Inf", cells[i]) {
			cells[i] = "float('" + strings.ToLower(cells[i]) + "')"
		}
	}
	return fmt.Sprintf("torch.tensor([%s], dtype=torch.%s).reshape(%d, %d, %d, %d)", strings.Join(cells, ", "), typeName[T](), x.N, x.C, x.H, x.W)
}
