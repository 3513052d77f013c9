package props

import (
	"fmt"
	"math"
	"math/big"

	"example.com/pool2d"
)

// format is what the bound of package pool2d's doc needs to know of a floating-point type.
type format struct {
	precision int  // u = 2^−precision
	eta       int  // η = 2^eta, the smallest subnormal
	limit     int  // the bound holds while Σ|x| < 2^limit
	prec      uint // bits that hold any sum of such numbers exactly
}

func formatOf[T pool2d.Elem]() format {
	if _, ok := any(T(0)).(float32); ok {
		return format{precision: 24, eta: -149, limit: 127, prec: 384}
	}
	return format{precision: 53, eta: -1074, limit: 1023, prec: 2304}
}

// verdict is what is said of one average.
type verdict struct {
	ok    bool
	want  string  // the exact value, rounded for people, or the class that was wanted
	units float64 // |got−want| over the bound, where there is a bound
	note  string  // the bound and what it is made of
}

// judgeMean judges got as the sum of terms, each over its divisor: an average has one divisor for all, a gradient of an
// average has one for each window that covers the cell. The rules are those of package pool2d's doc:
//
//   - no term: 0. A NaN, or infinities of both signs: NaN.
//   - infinities of one sign, with the finite Σ|x| below the limit: that infinity; beyond the limit the sum of the finite
//     terms may overflow to the other one, so anything goes.
//   - Σ|x| at the limit or beyond: of terms with one sign, that infinity or a value within the bound; else anything.
//   - integers whose sums stay exact, over powers of two: exactly the quotient.
//   - else |got−y| ≤ γ(m+3)·Σ|x|/D + (m+1)·η; one more in γ's index if a divisor is not exact in T.
func judgeMean[T pool2d.Elem](terms []T, divisor func(i int) int, got T) verdict {
	f := formatOf[T]()
	m := len(terms)
	if m == 0 {
		return verdict{ok: got == 0, want: "0"}
	}
	// A quick verdict first: sums in double length decide all but the closest calls.
	if quick(f, terms, divisor, got) {
		return verdict{ok: true}
	}
	var positive, negative, nan bool // infinities and NaN
	var up, down bool                // signs of finite terms
	var total float64
	for _, v := range terms {
		x := float64(v)
		switch {
		case math.IsNaN(x):
			nan = true
		case math.IsInf(x, 1):
			positive = true
		case math.IsInf(x, -1):
			negative = true
		default:
			up, down = up || x > 0, down || x < 0
			total += math.Abs(x)
		}
	}
	far := total > math.Ldexp(1, f.limit-1) // so far that the exact sum decides whether it is too far
	switch {
	case nan || positive && negative:
		return verdict{ok: isNaN(got), want: "NaN"}
	case positive && !far:
		return verdict{ok: math.IsInf(float64(got), 1), want: "+Inf"}
	case negative && !far:
		return verdict{ok: math.IsInf(float64(got), -1), want: "-Inf"}
	}

	number := func() *big.Float { return new(big.Float).SetPrec(f.prec) }
	y, size, magnitude := number(), number(), number() // Σx/D, Σ|x|/D, Σ|x|
	inexact, exact, greatestD := 0, true, 1
	for i, v := range terms {
		x := float64(v)
		if math.IsInf(x, 0) {
			continue
		}
		d := divisor(i)
		if low := d & -d; d/low >= 1<<f.precision {
			inexact = 1
		}
		exact = exact && x == math.Trunc(x) && d&(d-1) == 0
		greatestD = max(greatestD, d)
		term := number().SetFloat64(x)
		magnitude.Add(magnitude, number().Abs(term))
		term.Quo(term, number().SetInt64(int64(d)))
		y.Add(y, term)
		size.Add(size, term.Abs(term))
	}
	beyond := magnitude.Cmp(power(f.limit)) >= 0
	switch {
	case (positive || negative) && beyond:
		return verdict{ok: true}
	case positive:
		return verdict{ok: math.IsInf(float64(got), 1), want: "+Inf"}
	case negative:
		return verdict{ok: math.IsInf(float64(got), -1), want: "-Inf"}
	case beyond && up && down:
		return verdict{ok: true}
	case beyond && up && math.IsInf(float64(got), 1), beyond && down && math.IsInf(float64(got), -1):
		return verdict{ok: true}
	}
	rounded, _ := y.Float64()
	v := verdict{want: show(T(rounded))}
	if isNaN(got) || math.IsInf(float64(got), 0) {
		v.units = math.Inf(1)
		v.note = "a sum of finite cells"
		return v
	}
	diff := new(big.Float).SetPrec(f.prec).SetFloat64(float64(got))
	diff.Sub(diff, y).Abs(diff)
	bound := boundOf(f, m, inexact, size)
	units := new(big.Float).Mul(size, new(big.Float).SetInt64(int64(greatestD)))
	exact = exact && units.Cmp(power(f.precision)) <= 0
	if diff.Sign() == 0 || !exact && (bound == nil || diff.Cmp(bound) <= 0) {
		v.ok = true
		return v
	}
	off, _ := diff.Float64()
	v.note = fmt.Sprintf("off by %.3g", off)
	if bound != nil {
		ratio, _ := new(big.Float).Quo(diff, bound).Float64()
		allowed, _ := bound.Float64()
		v.units = ratio
		sum, _ := size.Float64() // its own decimals would take long, far from 1
		v.note += fmt.Sprintf(", %.3g times the bound %.3g = γ(%d)·%.4g + %d·η", ratio, allowed, m+3+inexact, sum, m+1)
	}
	if exact {
		v.note += "; and integers over a power of two are exact in any order"
	}
	return v
}

// boundOf returns γ(m+3+inexact)·size + (m+1)·η, or nil where γ says nothing.
func boundOf(f format, m, inexact int, size *big.Float) *big.Float {
	j := int64(m + 3 + inexact)
	if j >= 1<<f.precision {
		return nil
	}
	// γ(j) = j·u/(1−j·u) = j/(2^precision − j), rounded up by a hair.
	gamma := new(big.Float).SetPrec(f.prec).SetMode(big.ToPositiveInf)
	gamma.Quo(new(big.Float).SetInt64(j), new(big.Float).SetInt64(1<<f.precision-j))
	gamma.Mul(gamma, size)
	return gamma.Add(gamma, new(big.Float).SetMantExp(new(big.Float).SetInt64(int64(m+1)), f.eta))
}

func power(e int) *big.Float { return new(big.Float).SetMantExp(big.NewFloat(1), e) }

// quick reports whether got is certainly within the bound, and within exactness where that is demanded, by sums of
// double length (Knuth's TwoSum). It may say no of a value that is fine.
func quick[T pool2d.Elem](f format, terms []T, divisor func(i int) int, got T) bool {
	var sum, low, size, total float64
	integers, greatestD := true, 1
	for i, v := range terms {
		d := divisor(i)
		x := float64(v)
		integers = integers && x == math.Trunc(x) && d&(d-1) == 0
		greatestD = max(greatestD, d)
		total += math.Abs(x)
		x /= float64(d)
		size += math.Abs(x)
		s := sum + x
		b := s - sum
		low += (sum - (s - b)) + (x - b)
		sum = s
	}
	if !(total < math.Ldexp(1, min(f.limit, 1000))) {
		return false
	}
	if integers && size*float64(greatestD) <= math.Ldexp(1, f.precision) {
		return float64(got) == sum // every partial sum was exact
	}
	m := float64(len(terms))
	// Each quotient above is off by at most 2^−53 of itself, which for float64 is a fair part of the bound.
	slack := 0x1p-53 * (size + 2*math.Abs(sum))
	if divisor(0) == 1 && greatestD == 1 {
		slack = 0x1p-53 * 2 * math.Abs(sum)
	}
	return math.Abs((float64(got)-sum)-low)*(1+0x1p-40)+slack <= (m+3)*math.Ldexp(1, -f.precision)*size*(1-0x1p-40)
}

// boundMean returns an upper limit of the error of an average of terms over d, as a float64, or +Inf where nothing is
// promised: beyond the limit, or of values that are not finite.
func boundMean[T pool2d.Elem](terms []T, d int) float64 {
	if len(terms) == 0 {
		return 0
	}
	f := formatOf[T]()
	var total float64
	for _, v := range terms {
		total += math.Abs(float64(v))
	}
	m := float64(len(terms))
	if !(total < math.Ldexp(1, f.limit)*(1-0x1p-20)) || m >= math.Ldexp(1, f.precision-1) {
		return math.Inf(1)
	}
	j := (m + 4) * math.Ldexp(1, -f.precision)
	// The last factor covers the roundings of this function itself.
	return (j/(1-j)*(total/float64(d)) + (m+1)*math.Ldexp(1, f.eta)) * (1 + (m+8)*0x1p-50)
}

// judgeInteger returns the exact average of integer cells: the quotient rounded half away from zero, saturated.
func judgeInteger[T pool2d.Elem](terms []T, d int) T {
	if len(terms) == 0 {
		return 0
	}
	var sum int64
	for _, v := range terms {
		sum += int64(v)
	}
	q, r := sum/int64(d), sum%int64(d)
	if r < 0 {
		r = -r
	}
	if r >= int64(d)-r {
		q++
		if sum < 0 {
			q -= 2
		}
	}
	return T(min(max(q, int64(least[T]())), int64(greatest[T]())))
}
