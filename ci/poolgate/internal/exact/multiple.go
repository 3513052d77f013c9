package exact

import (
	"cmp"
	"math"
	"slices"
)

// Holm returns the p-values p adjusted by Holm's procedure: whoever rejects those at most alpha rejects a true hypothesis
// with probability at most alpha, however the tests depend on each other. Of the family, already more were rejected
// before; they count as the smallest p-values. A NaN counts as 1.
func Holm(p []float64, family, already int) []float64 {
	order := make([]int, len(p))
	adjusted := make([]float64, len(p))
	for i := range order {
		order[i], adjusted[i] = i, p[i]
		if math.IsNaN(p[i]) {
			adjusted[i] = 1
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(adjusted[i], adjusted[j]) })
	least := 0.0
	for step, i := range order {
		least = max(least, min(1, adjusted[i]*float64(family-already-step)))
		adjusted[i] = least
	}
	return adjusted
}

// Spend divides alpha among looks at the data after n[0] < n[1] < … differences: Lan and DeMets' spending function of
// Pocock's kind, α·ln(1+(e−1)t) at the share t of the last n. The parts sum to alpha, so by the union bound a test at
// each look, with that look's part for its level, errs with probability at most alpha over all looks.
func Spend(alpha float64, n []int) []float64 {
	parts := make([]float64, len(n))
	spent := 0.0
	for i, m := range n {
		t := float64(m) / float64(n[len(n)-1])
		upTo := alpha * math.Log(1+(math.E-1)*t)
		parts[i] = upTo - spent
		spent = upTo
	}
	return parts
}

// ClopperPearson returns the exact interval, of the given confidence, of a rate that showed k times in n.
func ClopperPearson(k, n int, confidence float64) (lo, hi float64) {
	tail := (1 - confidence) / 2
	lo, hi = 0, 1
	if k > 0 {
		lo = bisect(func(p float64) bool { return 1-atMost(k-1, n, p) < tail })
	}
	if k < n {
		hi = bisect(func(p float64) bool { return atMost(k, n, p) > tail })
	}
	return lo, hi
}

// bisect returns where in 0…1 holds turns from true to false.
func bisect(holds func(float64) bool) float64 {
	lo, hi := 0.0, 1.0
	for range 60 {
		if mid := (lo + hi) / 2; holds(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// atMost returns the probability of at most k successes in n tries at rate p.
func atMost(k, n int, p float64) float64 {
	switch {
	case p <= 0 || k >= n:
		return 1
	case p >= 1:
		return 0
	}
	sum := 0.0
	all, _ := math.Lgamma(float64(n + 1))
	for i := 0; i <= k; i++ {
		in, _ := math.Lgamma(float64(i + 1))
		out, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - in - out + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}
