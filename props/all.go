package props

import "example.com/pool2d"

// All returns the laws in the order in which Run checks them: first whether an implementation answers at all, then what
// it answers, then how. Names and sentences are API: reports, mutants and known differences call laws by name.
//
// Many laws have no oracle: they hold one answer of the implementation against another. They overlap with
// equals_reference on purpose, since they judge the reference and the suite's own derivations too.
func All[T pool2d.Elem]() []Law[T] {
	const (
		maxOp = pool2d.MaxOp
		avgOp = pool2d.AvgOp
	)
	// An integer average rounds a feature away: there, only a maximum detects.
	var detectionOf opSet
	var detectionNeeds pool2d.Feature
	if !isFloat[T]() {
		detectionOf, detectionNeeds = maxOnly, maxOp
	}
	return []Law[T]{
		{Name: "answers", Law: "every valid call has a result, in bounded time",
			ask: ask{empty: true, large: 6}, check: answers[T]},
		{Name: "shape_formula", Law: "a result has the shape that the formula says, and that counting windows says",
			ask: ask{empty: true}, check: shapeFormula[T]},
		{Name: "rejects_nonsense", Law: "a call that cannot mean anything is an error, and writes nothing",
			once: true, ask: ask{small: true}, takes: hasCells[T], check: rejectsNonsense[T]},
		{Name: "keeps_limits", Law: "a call beyond the limits of the contract is an error, and writes nothing", Needs: pool2d.Strictness,
			once: true, ask: ask{small: true}, takes: hasCells[T], check: keepsLimits[T]},

		{Name: "equals_reference", Law: "every cell equals the reference's, an average's within the bound",
			ask: ask{empty: true, large: 12}, check: equalsReference[T]},
		{Name: "named_windows", Law: "the windows that networks have are pooled like any other, at every width",
			once: true, ask: ask{cells: tameCells}, takes: hasCells[T], check: namedWindows[T]},
		{Name: "membership", Law: "a maximum is a cell of its window: padding never wins", Needs: maxOp,
			ask: ask{op: maxOnly, large: 1}, takes: isMax[T], check: membership[T]},
		{Name: "nan_wins", Law: "a window with a NaN has the maximum NaN, wherever the NaN stands, and no other window has", Needs: maxOp | pool2d.NonFinite, kind: ofFloats,
			ask: ask{op: maxOnly, cells: nanCells}, takes: isMax[T], check: nanWins[T]},
		{Name: "impulse_response", Law: "one hot cell shows in the windows that have it, and in no other",
			ask: ask{small: true}, takes: hasCells[T], check: impulseResponse[T]},
		{Name: "locality", Law: "cells outside a window do not change its result",
			ask: ask{}, takes: hasCells[T], check: locality[T]},

		{Name: "channel_preservation", Law: "channels are pooled each by itself: as many, in any order, alone as among others",
			ask: ask{cells: tameCells, multi: true}, takes: tame[T], check: channelPreservation[T]},
		{Name: "batch_preservation", Law: "batch items are pooled each by itself: as many, in any order, alone as among others",
			ask: ask{cells: tameCells, multi: true}, takes: tame[T], check: batchPreservation[T]},
		{Name: "shift_tolerance", Law: "a plane moved by whole strides has its results moved by as many cells",
			ask: ask{cells: tameCells, many: true}, takes: tame[T], check: shiftTolerance[T]},
		{Name: "detection", Law: "a feature that moves by at most kernel minus stride stays detected where it was", Needs: detectionNeeds,
			ask:   ask{op: detectionOf, dense: true, meet: true, many: true, cells: exactCells},
			takes: detects[T], check: detection[T]},
		{Name: "flip", Law: "a mirrored plane with swapped pads has mirrored results",
			ask: ask{cells: tameCells, fit: true}, takes: tame[T], check: flip[T]},
		{Name: "transpose", Law: "a transposed plane with transposed parameters has transposed results",
			ask: ask{cells: tameCells}, takes: tame[T], check: transpose[T]},
		{Name: "monotone_map", Law: "a map that never decreases commutes with the maximum", Needs: maxOp,
			ask: ask{op: maxOnly}, takes: isMax[T], check: monotoneMap[T]},
		{Name: "composition", Law: "a maximum over k1 and then over k2 is one over k1+k2-1, at stride 1", Needs: maxOp,
			ask: ask{op: maxOnly, dense: true, floor: true, unit: true}, takes: composes[T], check: composition[T]},
		{Name: "linearity", Law: "the average of a sum is the sum of the averages", Needs: avgOp, kind: ofFloats,
			ask: ask{op: avgOnly, cells: exactCells}, takes: exact[T], check: linearity[T]},
		{Name: "scaling", Law: "an average of cells times a power of two is the average times it, bit for bit", Needs: avgOp, kind: ofFloats,
			ask: ask{op: avgOnly, cells: scaleCells}, takes: scales[T], check: scaling[T]},

		{Name: "indices_in_window", Law: "an index names a cell of its window, and the maximum stands there", Needs: maxOp, kind: ofIndices,
			ask: ask{op: maxOnly, large: 2}, takes: isMax[T], check: indicesInWindow[T]},
		{Name: "indices_order", Law: "of equal maxima the first has the index, of NaNs the last", Needs: maxOp, kind: ofIndices,
			ask: ask{op: maxOnly, large: 2}, takes: isMax[T], check: indicesOrder[T]},
		{Name: "indices_values", Law: "maxima are the same with indices as without", Needs: maxOp, kind: ofIndices,
			ask: ask{op: maxOnly, large: 2}, takes: isMax[T], check: indicesValues[T]},

		{Name: "gradient_of_max", Law: "each gradient lands on the cell that its index names, and adds up there", Needs: maxOp, kind: ofGrad,
			ask: ask{op: maxOnly, empty: true, large: 2}, takes: isMax[T], check: gradientOfMax[T]},
		{Name: "gradient_sum", Law: "a maximum's gradient sums up to the gradients of its outputs", Needs: maxOp, kind: ofGrad,
			ask: ask{op: maxOnly}, takes: isMax[T], check: gradientSum[T]},
		{Name: "gradient_of_avg", Law: "each cell gets the gradient of its windows over their divisors", Needs: avgOp, kind: ofGrad,
			ask: ask{op: avgOnly, cells: exactCells, empty: true, large: 2}, takes: isAvg[T], check: gradientOfAvg[T]},
		{Name: "gradient_adjoint", Law: "the gradient of an average is its adjoint: ⟨avg(x), g⟩ = ⟨x, grad(g)⟩", Needs: avgOp, kind: ofGrad,
			ask: ask{op: avgOnly, cells: scaleCells}, takes: scales[T], check: gradientAdjoint[T]},
		{Name: "gradient_fresh", Law: "a gradient starts from zero, whatever was asked before", kind: ofGrad,
			ask: ask{cells: exactCells}, check: gradientFresh[T]},

		{Name: "source_untouched", Law: "no call writes to its source, or hands out its memory",
			ask: ask{large: 1}, check: sourceUntouched[T]},
		{Name: "stays_inside", Law: "no call writes beside its buffers",
			ask: ask{large: 2}, check: staysInside[T]},
		{Name: "every_cell_written", Law: "every cell of a result is written",
			ask: ask{cells: positiveCells, large: 10}, check: everyCellWritten[T]},
		{Name: "repeatable", Law: "a call has the same result again, and a result stays what it is",
			ask: ask{large: 2}, check: repeatable[T]},
		{Name: "sequences", Law: "a result does not depend on the calls before",
			ask: ask{small: true}, takes: hasCells[T], check: sequences[T]},
		{Name: "same_bits_any_procs", Law: "results have the same bits whatever GOMAXPROCS is",
			once: true, ask: ask{large: 20}, check: sameBitsAnyProcs[T]},
		{Name: "concurrent_calls", Law: "calls at the same time have the results of calls one after the other", Needs: pool2d.Concurrency,
			once: true, ask: ask{large: 2}, takes: hasCells[T], check: concurrentCalls[T]},
	}
}

func isMax[T pool2d.Elem](c Case[T]) bool { return c.Params.Op == pool2d.Max }

func isAvg[T pool2d.Elem](c Case[T]) bool { return c.Params.Op == pool2d.Avg }

func hasCells[T pool2d.Elem](c Case[T]) bool { return len(c.Src.Data) > 0 }
