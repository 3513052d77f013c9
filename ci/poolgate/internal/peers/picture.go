//go:build linux

package peers

import (
	"fmt"
	"html"
	"io"
	"math"
)

// picture draws, for each number of threads, how long we and the best peers take, in multiples of the limit.
func picture(w io.Writer, results []result, threads []int, title string) {
	const (
		line, top, left, panel, gap = 17, 64, 96, 340, 40
		least, most                 = 0.5, 64.
	)
	ours, layout, plain := "#d1242f", "#57606a", "#0969da"
	n := 0
	for _, t := range threads {
		n = max(n, len(rowsOf(results, t)))
	}
	width, height := left+len(threads)*(panel+gap), top+n*line+14
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(w, `<title>%s</title><rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n", html.EscapeString(title))
	x := 8
	mark := func(x, y float64, color string, filled bool) {
		fill := "#ffffff"
		if filled {
			fill = color
		}
		fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s" stroke="%s" stroke-width="1.5"/>`+"\n", x, y, fill, color)
	}
	for _, key := range []struct {
		color, text string
		filled      bool
	}{
		{ours, "pool2d, plain NCHW", true},
		{layout, "best peer in the layout it likes best", false},
		{plain, "best peer on plain NCHW", false},
	} {
		mark(float64(x), 14, key.color, key.filled)
		fmt.Fprintf(w, `<text x="%d" y="18">%s</text>`+"\n", x+9, key.text)
		x += 36 + 6*len(key.text)
	}
	for i, t := range threads {
		from := float64(left + i*(panel+gap))
		at := func(ratio float64) float64 {
			return from + panel*math.Log(min(max(ratio, least), most)/least)/math.Log(most/least)
		}
		fmt.Fprintf(w, `<text x="%.0f" y="38" font-weight="bold">%s, times the limit stream</text>`+"\n", from, map[bool]string{true: "one thread", false: fmt.Sprint(t, " threads")}[t == 1])
		for tick := least; tick <= most; tick *= 2 {
			color := "#d0d7de"
			if tick == 1 {
				color = "#24292f"
			}
			fmt.Fprintf(w, `<path d="M%.1f %d V%d" stroke="%s"/><text x="%.1f" y="54" text-anchor="middle">%g</text>`+"\n", at(tick), top-6, height-8, color, at(tick), tick)
		}
		for j, row := range rowsOf(results, t) {
			y := float64(top + j*line + line/2)
			if i == 0 {
				fmt.Fprintf(w, `<text x="%d" y="%.0f" text-anchor="end">%s %s</text>`+"\n", left-8, y+4, row.name, map[bool]string{true: "max", false: "avg"}[row.op == "max"])
			}
			if row.limit == nil {
				continue
			}
			for _, m := range []struct {
				*result
				color  string
				filled bool
			}{{row.nchw, plain, false}, {row.any, layout, false}, {row.ours, ours, true}} {
				if m.result != nil {
					mark(at(ratioOf(m.result, row.limit).center), y, m.color, m.filled)
				}
			}
		}
	}
	fmt.Fprintln(w, "</svg>")
}
