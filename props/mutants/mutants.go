// Package mutants is the museum: broken implementations of pooling, each one line away from right, and each a bug that
// a real implementation has had. Package props is tested by them: every mutant must be killed by the law it names, and
// each of the lawful variants, which are right and differ from the others in every way the contract leaves free, must
// pass them all.
//
// All are one plain implementation, cut into its steps (the output size, the taps of a window, what replaces the best,
// the divisor, an index, the order of the planes …), with one step replaced. Bugs of special cases (row kernels with a
// tail, windows of one cell, global windows, blocks of channels, goroutines) replace one step of such a special case,
// which unbroken is among the lawful variants.
package mutants

import "example.com/pool2d"

// A Mutant is a broken implementation.
type Mutant[T pool2d.Elem] struct {
	ID     string
	System string   // where it happened; "derived" if it is the twin of a bug that did, or a slip that any may make
	Thread string   // issue, pull request or commit in which it was found, or how else it is known
	Title  string   // what is wrong
	Law    string   // the law of package props that must kill it
	Museum []string // the records of the museum that have this mechanism

	// New returns the implementation, with a state of its own if the bug is in its state.
	New func() pool2d.Impl[T]
}

// A Variant is a right implementation that is not like the others.
type Variant[T pool2d.Elem] struct {
	ID    string
	Title string // what it does its own way, and why it may
	New   func() pool2d.Impl[T]
}

// Beyond is a record of the museum that has no mutant.
type Beyond struct {
	Museum string
	Reason string
}

// All returns the mutants that exist for the element type, in the order of their kinds: shapes, taps, maxima, averages,
// indices, gradients, special cases, state, the door.
func All[T pool2d.Elem]() []Mutant[T] {
	var all []Mutant[T]
	for _, kind := range [][]entry[T]{shapes[T](), taps[T](), maxima[T](), averages[T](), indices[T](), gradients[T](), special[T](), states[T](), doors[T]()} {
		for _, e := range kind {
			if e.on != nil && !e.on() {
				continue
			}
			all = append(all, Mutant[T]{
				ID: e.id, System: e.system, Thread: e.thread, Title: e.title, Law: e.law, Museum: e.museum,
				New: func() pool2d.Impl[T] {
					m := plain[T]()
					e.change(m)
					return m.impl(e.id)
				},
			})
		}
	}
	return all
}

// An entry is a mutant as the tables of this package write it.
type entry[T pool2d.Elem] struct {
	id, system, thread string
	museum             []string
	law, title         string
	on                 func() bool // the element types it exists for; nil is all
	change             func(m *pool[T])
}
