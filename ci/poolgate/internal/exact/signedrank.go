// Package exact has the small-sample statistics that a benchmark gate rests on and that golang.org/x/perf lacks:
// the Wilcoxon signed-rank test with the Hodges–Lehmann estimate and its interval, Holm's procedure, the spending of
// an error rate over several looks, and the Clopper–Pearson interval of a rate.
//
// Every probability is counted, none is approximated: a p-value is the share of all 2ⁿ sign patterns of the observed
// ranks. So it is valid whatever the distribution of the differences, as long as each sign is a fair coin when there
// is no effect, and a measuring order drawn by coin flip makes it one.
package exact

import (
	"cmp"
	"math"
	"slices"
)

// A Test is the signed-rank test of the hypothesis that differences are symmetric about zero.
type Test struct {
	N       int     // differences that are not zero
	W       float64 // the sum of the ranks of the positive ones
	Greater float64 // P(W or more): small where the differences lie above zero
	Less    float64 // P(W or less): small where they lie below
}

// SignedRank tests the differences d. Zeros are dropped and ties take the mean of their ranks, as Wilcoxon did; the
// p-values are exact for the ranks observed, ties included. A NaN yields NaN p-values.
func SignedRank(d []float64) Test {
	kept := make([]float64, 0, len(d))
	for _, x := range d {
		if math.IsNaN(x) {
			return Test{W: math.NaN(), Greater: math.NaN(), Less: math.NaN()}
		}
		if x != 0 {
			kept = append(kept, x)
		}
	}
	ranks := doubledRanks(kept)
	w := 0
	for i, x := range kept {
		if x > 0 {
			w += ranks[i]
		}
	}
	p := distribution(ranks)
	t := Test{N: len(kept), W: float64(w) / 2}
	for s, ps := range p {
		if s >= w {
			t.Greater += ps
		}
		if s <= w {
			t.Less += ps
		}
	}
	t.Greater, t.Less = min(t.Greater, 1), min(t.Less, 1)
	return t
}

// doubledRanks returns twice the rank of each |d[i]|, which is an integer where ties share the mean of their ranks.
func doubledRanks(d []float64) []int {
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(math.Abs(d[i]), math.Abs(d[j])) })
	ranks := make([]int, len(d))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && math.Abs(d[order[hi]]) == math.Abs(d[order[lo]]) {
			hi++
		}
		for _, i := range order[lo:hi] {
			ranks[i] = lo + 1 + hi // twice the mean of ranks lo+1 … hi
		}
		lo = hi
	}
	return ranks
}

// distribution returns the probability of each sum of a subset of weights, when a fair coin decides on each weight.
func distribution(weights []int) []float64 {
	total := 0
	for _, w := range weights {
		total += w
	}
	p := make([]float64, total+1)
	p[0] = 1
	top := 0
	for _, w := range weights {
		top += w
		for s := top; s >= 0; s-- {
			q := p[s] / 2
			if s >= w {
				q += p[s-w] / 2
			}
			p[s] = q
		}
	}
	return p
}

// Walsh returns the mean of every pair of differences, each with itself too, in ascending order.
func Walsh(d []float64) []float64 {
	w := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i, x := range d {
		for _, y := range d[i:] {
			w = append(w, (x+y)/2)
		}
	}
	slices.Sort(w)
	return w
}

// An Estimate is the Hodges–Lehmann estimate of the centre of symmetric differences, with the bounds that the exact
// signed-rank test gives.
type Estimate struct {
	n     int
	walsh []float64
	below []float64 // below[c] is P(W ≤ c) for n untied differences with no effect
}

// HodgesLehmann prepares the estimate from the differences d.
func HodgesLehmann(d []float64) Estimate {
	weights := make([]int, len(d))
	for i := range weights {
		weights[i] = i + 1
	}
	below := distribution(weights)
	for c := 1; c < len(below); c++ {
		below[c] += below[c-1]
	}
	return Estimate{n: len(d), walsh: Walsh(d), below: below}
}

// Center returns the median of the Walsh averages; NaN of no differences.
func (e Estimate) Center() float64 {
	m := len(e.walsh)
	if m == 0 {
		return math.NaN()
	}
	return (e.walsh[(m-1)/2] + e.walsh[m/2]) / 2
}

// Lower returns the bound that the centre lies below with probability at most alpha; −Inf where so few differences
// allow none. Ties make it err on the safe side.
func (e Estimate) Lower(alpha float64) float64 {
	k := e.depth(alpha)
	if k == 0 {
		return math.Inf(-1)
	}
	return e.walsh[k-1]
}

// Upper returns the bound that the centre lies above with probability at most alpha; +Inf where so few differences
// allow none.
func (e Estimate) Upper(alpha float64) float64 {
	k := e.depth(alpha)
	if k == 0 {
		return math.Inf(1)
	}
	return e.walsh[len(e.walsh)-k]
}

// Interval returns the two-sided interval that holds the centre with at least the given confidence.
func (e Estimate) Interval(confidence float64) (lo, hi float64) {
	tail := (1 - confidence) / 2
	return e.Lower(tail), e.Upper(tail)
}

// Attained returns the confidence that Interval really has when asked for confidence: signed ranks are discrete.
func (e Estimate) Attained(confidence float64) float64 {
	k := e.depth((1 - confidence) / 2)
	if k == 0 {
		return 1
	}
	return 1 - 2*e.below[k-1]
}

// depth returns how many Walsh averages from the end the bound for alpha lies, 0 where alpha is out of reach.
func (e Estimate) depth(alpha float64) int {
	if e.n == 0 {
		return 0
	}
	k := 0
	for k < len(e.below) && e.below[k] <= alpha {
		k++
	}
	return min(k, len(e.walsh))
}
