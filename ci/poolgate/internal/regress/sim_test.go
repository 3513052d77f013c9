package regress

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"example.com/pool2d/ci/poolgate/internal/exact"
)

var simSessions = flag.Int("sessions", 24, "simulated `sessions` of each regime")

// A regime is a kind of machine to measure on. Standard deviations are of the logarithm of a time; ranges are
// log-uniform over benchmarks.
type regime struct {
	name      string
	own       [2]float64 // of one benchmark from sample to sample
	outlier   [2]float64 // mean size of an outlier, which one sample in 50 has
	speed     float64    // of the machine's speed, which comes back to its mean in 25 s
	walk      float64    // of a drift that does not come back, in a minute
	neighbour float64    // slowdown while a neighbour is busy: 20 s of each minute
	burst     float64    // slowdown for half a second, twice a minute
	carry     float64    // what the second sample of a pair pays
	cv        [3]float64 // coefficient of variation over ten minutes: 10th, 50th, 90th percentile of benchmarks
}

// bimodal is the share of benchmarks that have two modes, three standard deviations apart, one drawn by each process.
const bimodal = .1

// regimes are those of the study that chose the design; hosted and shared are what continuous integration runs on.
var regimes = []regime{
	{"quiet", [2]float64{.001, .006}, [2]float64{.005, .09}, .002, .0005, .003, .01, .0005, [3]float64{.003, .006, .015}},
	{"hosted", [2]float64{.004, .02}, [2]float64{.01, .35}, .007, .001, .012, .05, .003, [3]float64{.009, .021, .063}},
	{"shared", [2]float64{.008, .035}, [2]float64{.03, .7}, .03, .005, .08, .2, .003, [3]float64{.032, .069, .139}},
	{"hostile", [2]float64{.015, .075}, [2]float64{.1, 1.6}, .08, .015, .2, .5, .003, [3]float64{.12, .22, .36}},
}

// A simulation takes the place of the machine: time passes with each sample, and every sample has its share of each
// kind of noise. Layouts shift a benchmark by N(0, 0.5 %), and one in 25 by 2 to 6 % more.
type simulation struct {
	regime
	rng        *rand.Rand
	layoutBias bool
	now        float64
	speedNow   float64
	drift      float64
	busyUntil  float64
	freeUntil  float64
	burstUntil float64
	nextBurst  float64
	bench      map[*series]*simBenchmark
}

type simBenchmark struct {
	own         float64
	outlier     float64
	sensitivity float64
	modes       float64
	effect      float64
	layouts     map[variant]float64
}

const (
	simBenchmarks = 40
	sampleTime    = .24 // seconds, the process included
)

func newSimulation(r regime, seed uint64, layoutBias bool, effects ...float64) (*simulation, []*series) {
	m := &simulation{regime: r, rng: rand.New(rand.NewPCG(seed, 7)), layoutBias: layoutBias, bench: map[*series]*simBenchmark{}}
	m.nextBurst = m.rng.ExpFloat64() * 30
	var all []*series
	for i := range simBenchmarks {
		b := &simBenchmark{layouts: map[variant]float64{}, sensitivity: .5 + m.rng.Float64()}
		b.own = math.Exp(math.Log(r.own[0]) + m.rng.Float64()*math.Log(r.own[1]/r.own[0]))
		b.outlier = math.Exp(math.Log(r.outlier[0]) + m.rng.Float64()*math.Log(r.outlier[1]/r.outlier[0]))
		if m.rng.Float64() < bimodal {
			b.modes = 3 * b.own
		}
		if i < len(effects) {
			b.effect = math.Log1p(effects[i])
		}
		s := &series{name: fmt.Sprint("sim", i)}
		m.bench[s] = b
		all = append(all, s)
	}
	return m, all
}

// pass lets dt seconds go by.
func (m *simulation) pass(dt float64) {
	m.now += dt
	keep := math.Exp(-dt / 25)
	m.speedNow = keep*m.speedNow + m.speed*math.Sqrt(1-keep*keep)*m.rng.NormFloat64()
	m.drift += m.walk * math.Sqrt(dt/60) * m.rng.NormFloat64()
	if m.now > m.freeUntil {
		m.busyUntil = m.now + 20*m.rng.ExpFloat64()
		m.freeUntil = m.busyUntil + 40*m.rng.ExpFloat64()
	}
	if m.now > m.nextBurst {
		m.burstUntil = m.now + .5
		m.nextBurst = m.now + 30*m.rng.ExpFloat64()
	}
}

// sample returns the logarithm of a time.
func (m *simulation) sample(b *simBenchmark, v variant) float64 {
	m.pass(sampleTime)
	common := m.speedNow + m.drift
	if m.now < m.busyUntil {
		common += m.neighbour
	}
	if m.now < m.burstUntil {
		common += m.burst
	}
	x := b.sensitivity*common + b.own*m.rng.NormFloat64()
	if m.rng.Float64() < .02 {
		x += b.outlier * m.rng.ExpFloat64()
	}
	if b.modes > 0 && m.rng.IntN(2) == 0 {
		x += b.modes
	}
	if m.layoutBias {
		shift, known := b.layouts[v]
		if !known {
			shift = .005 * m.rng.NormFloat64()
			if m.rng.Float64() < .04 {
				shift += .02 + .04*m.rng.Float64()
			}
			b.layouts[v] = shift
		}
		x += shift
	}
	return x
}

// measure takes the place of session.round.
func (m *simulation) measure(_ context.Context, at stage, who []*series) error {
	session := &session{config: config{layouts: 8}}
	number := len(who[0].pairs[at])
	order := slices.Clone(who)
	m.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, s := range order {
		b := m.bench[s]
		p := pair{headFirst: m.rng.IntN(2) == 1}
		for turn := range 2 {
			who := side(turn)
			if p.headFirst {
				who = side(1 - turn)
			}
			x := m.sample(b, session.variantOf(who, at, number)) + float64(turn)*m.carry
			if who == head {
				x += b.effect
			}
			p.secs[who] = math.Exp(x)
		}
		s.pairs[at] = append(s.pairs[at], p)
	}
	return nil
}

// below reports whether the data allow a true rate of at most limit; atLeast whether they allow one of at least limit.
// Each errs once in a thousand: that is the Monte-Carlo error of a fixed number of sessions.
func (r rate) below(limit float64) bool {
	lo, _ := exact.ClopperPearson(r.k, r.n, .998)
	return lo <= limit
}

func (r rate) atLeast(limit float64) bool {
	_, hi := exact.ClopperPearson(r.k, r.n, .998)
	return hi >= limit
}

// TestRates holds what the gate promises, by regime: false alarms of a suite of 40 without a change, with layouts that
// differ and without, and the power to find slowdowns of 3, 5 and 10 %.
func TestRates(t *testing.T) {
	for i, want := range []struct {
		falseAlarms float64    // at most, of a suite
		power       [3]float64 // at least
		wrongOK     float64    // at most, of a slowdown of 5 %
		minutes     float64    // at most, in the mean
	}{
		{.01, [3]float64{.97, .999, .999}, .01, 4.5},
		{.01, [3]float64{.90, .99, .999}, .01, 6},
		{.01, [3]float64{.85, .99, .999}, .01, 8},
		{.02, [3]float64{.50, .85, .98}, .01, 12},
	} {
		for _, layouts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/layouts=%t", regimes[i].name, layouts), func(t *testing.T) {
				t.Parallel()
				var alarms, covered, wrongOK, unsure rate
				var power [3]rate
				effects := []float64{.03, .05, .10}
				minutes := 0.0
				for session := range *simSessions {
					seed := uint64(1000*i + session)
					m, all := newSimulation(regimes[i], seed, layouts)
					js, err := defaultRules().decide(t.Context(), all, m.measure)
					if err != nil {
						t.Fatal(err)
					}
					alarms.add(slices.ContainsFunc(js, func(j judgement) bool { return j.verdict == regressed }))
					minutes += m.now / 60
					for k, s := range all {
						_, lo, hi := interval(logRatios(s.pairs[screen][:defaultRules().looks[screen][0]]))
						covered.add(lo <= 0 && 0 <= hi)
						unsure.add(js[k].verdict == inconclusive)
					}

					m, all = newSimulation(regimes[i], seed+1e6, layouts, effects...)
					js, err = defaultRules().decide(t.Context(), all, m.measure)
					if err != nil {
						t.Fatal(err)
					}
					for e := range effects {
						power[e].add(js[e].verdict == regressed)
					}
					wrongOK.add(js[1].verdict == ok)
				}
				minutes /= float64(*simSessions)
				t.Logf("false alarms %s; power 3 %%: %s, 5 %%: %s, 10 %%: %s; ok at 5 %%: %s; inconclusive %s; coverage of 95 %%: %s; %.1f min",
					alarms, power[0], power[1], power[2], wrongOK, unsure, covered, minutes)
				if !alarms.below(want.falseAlarms) {
					t.Errorf("false alarms: %s, want at most %v", alarms, want.falseAlarms)
				}
				for e := range effects {
					if !power[e].atLeast(want.power[e]) {
						t.Errorf("power at %v: %s, want at least %v", effects[e], power[e], want.power[e])
					}
				}
				if !wrongOK.below(want.wrongOK) {
					t.Errorf("ok at a slowdown of 5 %%: %s, want at most %v", wrongOK, want.wrongOK)
				}
				if minutes > want.minutes {
					t.Errorf("measuring takes %.1f minutes, want at most %v", minutes, want.minutes)
				}
				if !layouts && (!covered.below(.96) || !covered.atLeast(.94)) {
					t.Errorf("intervals cover %s, want 94 to 96 %%", covered)
				}
			})
		}
	}
}

// TestRegimes holds the simulated noise to the strength it claims.
func TestRegimes(t *testing.T) {
	for _, r := range regimes {
		var cvs []float64
		for seed := range uint64(4) {
			m, all := newSimulation(r, seed, false)
			times := map[*series][]float64{}
			for m.now < 600 {
				for _, s := range all {
					times[s] = append(times[s], math.Exp(m.sample(m.bench[s], variant{})))
				}
			}
			for _, x := range times {
				cvs = append(cvs, variation(x))
			}
		}
		slices.Sort(cvs)
		for i, q := range []float64{.1, .5, .9} {
			got, want := cvs[int(q*float64(len(cvs)))], r.cv[i]
			if got < want/1.35 || got > want*1.35 {
				t.Errorf("%s: percentile %v of the coefficients of variation is %.4f, want about %.4f", r.name, 100*q, got, want)
			}
		}
	}
}

// variation is the coefficient of variation of x.
func variation(x []float64) float64 {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return math.Sqrt(square) / mean
}
