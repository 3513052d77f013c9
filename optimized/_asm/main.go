// Command _asm writes the assembly of package optimized. Run it in its own directory:
//
//	cd optimized/_asm && go run .
//
// It writes ../kernels_amd64.s and ../stubs_amd64.go, the same bytes every time.
//
// A kernel is written once, for a kit: an instruction set (AVX-512 or AVX2) and an operation (maximum or sum). The Go
// loop of the same name in ../kernels_generic.go is its contract.
package main

import (
	"os"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
)

// pruneSelfMoves removes what moves a vector to where it is, which avo does not know for vectors, and which takes a vector port.
func pruneSelfMoves(f *ir.Function) error {
	f.Nodes = slices.DeleteFunc(f.Nodes, func(n ir.Node) bool {
		i, ok := n.(*ir.Instruction)
		return ok && i.Opcode == "VMOVAPS" && len(i.Operands) == 2 && operand.IsRegister(i.Operands[0]) && i.Operands[0] == i.Operands[1]
	})
	return nil
}

func main() {
	os.Args = append(os.Args[:1], "-out", "../kernels_amd64.s", "-stubs", "../stubs_amd64.go", "-pkg", "optimized")
	ConstraintExpr("!purego")
	laneTables()
	for _, isa := range []isa{avx512, avx2} {
		for _, op := range []op{maxExact, sum} {
			fold(kit{isa: isa, op: op})
			pick2(kit{isa: isa, op: op})
			pickN(kit{isa: isa, op: op})
			reduce(kit{isa: isa, op: op})
			prefix(kit{isa: isa, op: op})
			cells(kit{isa: isa, op: op})
			slide(kit{isa: isa, op: op}, false)
			if isa == avx512 {
				slide(kit{isa: isa, op: op}, true)
				suffix(kit{isa: isa, op: op})
				pickCells(kit{isa: isa, op: op})
				ends(kit{isa: isa, op: op})
				combineLines(kit{isa: isa, op: op}, false)
				if op == sum {
					combineLines(kit{isa: isa, op: op}, true)
				}
			}
		}
		scale(kit{isa: isa, op: sum})
		for _, op := range []op{maxFast, maxExact, sum} {
			fused(kit{isa: isa, op: op}, 2, 2, false)
			fused(kit{isa: isa, op: op}, 3, 2, false)
			fused(kit{isa: isa, op: op}, 3, 1, false)
			globals(kit{isa: isa, op: op})
			if op == maxFast {
				slide(kit{isa: isa, op: op}, false)
			}
			if op != maxExact {
				cellsOf(2, kit{isa: isa, op: op})
				cellsOf(3, kit{isa: isa, op: op})
				cellRows(1, kit{isa: isa, op: op})
				cellRows(2, kit{isa: isa, op: op})
			}
			if isa == avx512 {
				globalLines(kit{isa: isa, op: op})
				narrow(kit{isa: isa, op: op})
				if op != maxExact {
					held(kit{isa: isa, op: op})
				}
				if op == maxFast {
					slide(kit{isa: isa, op: op}, true)
				}
				same(kit{isa: isa, op: op}, false)
				if op != maxExact { // a NaN may cost what it costs
					same(kit{isa: isa, op: op}, true)
					sameBeside(kit{isa: isa, op: op})
				}
			} else {
				if op != maxExact { // which packs what a fast kernel has packed
					pack(kit{isa: isa, op: op})
					unpack(kit{isa: isa, op: op})
				}
				ends(kit{isa: isa, op: op})
				combineLines(kit{isa: isa, op: op}, false)
			}
			if op != maxExact {
				fused(kit{isa: isa, op: op}, 2, 2, true)
				fused(kit{isa: isa, op: op}, 3, 2, true)
			}
		}
	}
	fence()
	cpuid()
	pass.Compile = pass.Concat(pass.Compile, pass.FunctionPass(pruneSelfMoves))
	Generate()
}
