//go:build linux

package peers

import (
	"example.com/pool2d"
	"example.com/pool2d/bench"
)

// A workload is a pooling that is timed, with the ratios that we claim for it.
type workload struct {
	name string
	pool2d.Shape
	pool2d.Params
	ops  []string // of "max", "avgi" (padding counts) and "avge" (it does not)
	goal goal
}

// A goal is what the design asks of a workload: how many times faster than the best peer on plain NCHW and than the best
// peer in the layout that it likes best, and at most how many times slower than the limit.
type goal struct{ nchw, any, limit float64 }

var goals = map[string]goal{
	"stem1": {3.2, 1.15, 1.15},
	"stem8": {3.5, 1.4, 1.4},
	"vgg":   {5.5, 1.1, 1},
	"incep": {2.8, 1.2, 1.3},
	"spp5":  {4, 2.8, 3.5},
	"spp9":  {6, 5, 4.5},
	"spp13": {9, 7, 5},
	"gap":   {3.5, 1, 1.1},
	"hd":    {6, 4, 1.15},
	"win31": {5, 5, 2.2},
	"huge":  {2.8, 1.15, 1.4},
}

// workloads are those of bench.Compared.
var workloads = compared()

func compared() []workload {
	var all []workload
	for _, w := range bench.Compared() {
		if w.Params.Op != pool2d.Max {
			continue
		}
		ops := []string{"max", "avgi"}
		if (w.Params.Pad != pool2d.Pad{}) {
			ops = append(ops, "avge")
		}
		all = append(all, workload{w.Name, w.Shape, w.Params, ops, goals[w.Name]})
	}
	return all
}

// params returns the workload's parameters for an op.
func (w workload) params(op string) pool2d.Params {
	p := w.Params
	if op != "max" {
		p.Op, p.CountPad = pool2d.Avg, op == "avgi"
	}
	return p
}
