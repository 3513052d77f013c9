package props

import (
	"fmt"
	"io"
	"math"
	"strings"

	"example.com/pool2d"
)

// A NamedCase is a case on which frameworks are known to disagree.
type NamedCase struct {
	Name  string
	Title string // what the contract says
	Case  Case[float32]

	// Contract is the contract's answer: the extent of a plane of the result, the cells, and where they are asked for, the
	// indices; or "error".
	Contract string
	Answers  []SystemAnswer
	Source   string // how the answers are known: measured, or the threads that tell of them
}

// A SystemAnswer is what some systems answer.
type SystemAnswer struct{ Systems, Answer string }

// Refused reports whether the contract refuses the case. Such cases are no food for Replay; the laws rejects_nonsense and
// keeps_limits make their kind.
func (c NamedCase) Refused() bool { return c.Contract == "error" }

// Cases returns the named cases. "Measured" are answers of PyTorch 1.13.1 (also through oneDNN 2.6.3), ONNX Runtime 1.30.0
// and the ONNX reference evaluator (f7546912), each given the case with its own options; an index that these give through
// the whole tensor is shown so.
func Cases() []NamedCase {
	var all []NamedCase
	for _, row := range namedCases {
		d, err := pool2d.ParseDescriptor(row.name)
		if err != nil {
			panic("props: " + err.Error())
		}
		all = append(all, NamedCase{
			Name: row.id, Title: row.title, Contract: row.contract, Answers: row.answers, Source: row.source,
			Case: Case[float32]{Src: pool2d.Tensor[float32]{Shape: d.Shape, Data: row.data}, Params: d.Params},
		})
	}
	return all
}

// Replayable returns the named cases that the contract accepts, for Replay.
//
//	props.Replay(t, impl, props.Replayable()...)
func Replayable() []Case[float32] {
	var all []Case[float32]
	for _, c := range Cases() {
		if !c.Refused() {
			all = append(all, c.Case)
		}
	}
	return all
}

// WriteCases writes the named cases as text.
func WriteCases(w io.Writer) error {
	var b strings.Builder
	for i, c := range Cases() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s: %s\n", c.Name, c.Title)
		fmt.Fprintf(&b, "  case      %v\n", c.Case)
		if len(c.Case.Src.Data) <= 36 {
			fmt.Fprintf(&b, "  cells     %v\n", c.Case.Src.Data)
		}
		fmt.Fprintf(&b, "  contract  %s\n", c.Contract)
		for _, a := range c.Answers {
			fmt.Fprintf(&b, "  answers   %s: %s\n", a.Systems, a.Answer)
		}
		fmt.Fprintf(&b, "  source    %s\n", c.Source)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cells converts the cells of a table.
func cells(values ...float64) []float32 {
	data := make([]float32, len(values))
	for i, v := range values {
		data[i] = float32(v)
	}
	return data
}

// arange returns the cells 0, 1, 2, …
func arange(n int) []float32 {
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i)
	}
	return data
}

var (
	caseNaN  = math.NaN()
	caseInf  = math.Inf(1)
	caseZero = math.Copysign(0, -1) // −0
)

// namedCases is the table that Cases reads.
var namedCases = []struct {
	id, title, name string
	data            []float32
	contract        string
	answers         []SystemAnswer
	source          string
}{
	{"ceil-window-behind-plane", "in ceil mode, a last window that starts behind the plane is dropped", "n1c1h2w2_max_k1x1_s2x2_ceil",
		cells(1, 2, 3, 4), "1x1 [1] index [0]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "1x1 [1] index [0]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [1]"},
			{"WebNN, tfjs, ONNX Runtime before 1.30, Caffe, PyTorch before 1.8", "2x2 [1 -Inf -Inf -Inf] index [0 -1 -1 -1]"},
		}, "measured; pytorch/pytorch#45357, BVLC/caffe#6942"},
	{"ceil-window-in-trailing-pad", "in ceil mode, a last window that starts in the trailing pad is dropped", "n1c1h2w2_max_k3x3_s3x3_p1,1,1,1_ceil",
		cells(1, 2, 3, 4), "1x1 [4] index [3]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator, Caffe, PyTorch before 1.8", "1x1 [4] index [3]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [4]"},
			{"WebNN, tfjs, ONNX Runtime before 1.30", "2x2 [4 -Inf -Inf -Inf] index [3 -1 -1 -1]"},
		}, "measured; microsoft/onnxruntime#15446"},
	{"ceil-overhang-in-divisor", "in ceil mode, what hangs over does not count in the divisor", "n1c1h3w3_avg_k2x2_s2x2_ceil_countpad",
		arange(9), "2x2 [2 3.5 6.5 8]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime, ONNX reference evaluator", "2x2 [2 3.5 6.5 8]"},
			{"PyTorch through oneDNN", "2x2 [2 1.75 3.25 2]"},
		}, "measured; microsoft/onnxruntime#16203, sonos/tract#2851"},
	{"ceil-overhang-beside-padding", "padding counts in the divisor, what hangs over it does not", "n1c1h4w4_avg_k3x3_s2x2_p1,1,1,1_ceil_countpad",
		cells(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), "3x3 [1.5555556 3.3333333 2 6.3333335 11 6 4.5 7.5 4]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime, ONNX reference evaluator", "3x3 [1.5555556 3.3333333 2 6.3333335 11 6 4.5 7.5 4]"},
			{"PyTorch through oneDNN", "3x3 [1.5555556 3.3333333 1.3333334 6.3333335 11 4 3 5 1.7777778]"},
		}, "measured; apple/coremltools#2772"},
	{"ceil-window-larger-than-plane", "a window larger than the plane, in ceil mode, averages what there is", "n1c1h3w3_avg_k4x4_s2x2_ceil_countpad",
		arange(9), "1x1 [4]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime, ONNX reference evaluator", "1x1 [4]"},
			{"PyTorch through oneDNN", "1x1 [2.25]"},
		}, "measured"},
	{"ceil-window-shifted", "the partial last window of ceil mode stays where its stride puts it", "n1c1h5w5_avg_k4x4_s4x4_ceil_countpad",
		arange(25), "2x2 [9 11.5 21.5 24]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime", "2x2 [9 11.5 21.5 24]"},
			{"PyTorch through oneDNN", "2x2 [9 2.875 5.375 1.5]"},
			{"ONNX reference evaluator", "2x2 [3.375 6 12 18]"},
		}, "measured; onnx/onnx#4958"},
	{"window-larger-than-plane", "a window larger than the padded plane is an error", "n1c1h3w3_max_k4x4_s1x1",
		arange(9), "error",
		[]SystemAnswer{
			{"PyTorch, ONNX reference evaluator", "error"},
			{"PyTorch through oneDNN, ONNX Runtime", "0x0 []"},
			{"ONNX Runtime with indices", "0x0 [] index []"},
		}, "measured; microsoft/onnxruntime#1224"},
	{"window-larger-by-less-than-stride", "a window larger than the padded plane is an error, whatever the stride", "n1c1h3w3_max_k4x4_s2x2",
		arange(9), "error",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN", "error"},
			{"ONNX Runtime", "1x1 [8]"},
			{"ONNX Runtime with indices", "1x1 [8] index [8]"},
			{"ONNX reference evaluator", "0x0 [] index []"},
		}, "measured; pytorch/pytorch#22337"},
	{"window-is-plane", "a window as large as the plane", "n1c1h3w4_max_k3x4_s1x1",
		arange(12), "1x1 [11] index [11]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices", "1x1 [11] index [11]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [11]"},
			{"ONNX reference evaluator", "1x1 [11] index [44]"},
		}, "measured"},
	{"pad-above-half", "a pad above half of the span is refused", "n1c1h3w3_max_k3x3_s1x1_p2,2,2,2",
		arange(9), "error",
		[]SystemAnswer{
			{"PyTorch", "error"},
			{"PyTorch through oneDNN, ONNX Runtime", "5x5 [0 1 2 2 2 3 4 5 5 5 6 7 8 8 8 6 7 8 8 8 6 7 8 8 8]"},
			{"ONNX Runtime with indices", "5x5 [0 1 2 2 2 3 4 5 5 5 6 7 8 8 8 6 7 8 8 8 6 7 8 8 8] index [0 1 2 2 2 3 4 5 5 5 6 7 8 8 8 6 7 8 8 8 6 7 8 8 8]"},
			{"ONNX reference evaluator", "5x5 [0 1 2 2 2 3 4 5 5 5 6 7 8 8 8 6 7 8 8 8 6 7 8 8 8] index [-8 -1 0 0 -4 1 2 3 3 3 4 5 6 6 6 4 5 6 8 8 4 7 8 8 8]"},
		}, "measured; microsoft/onnxruntime#801"},
	{"pad-of-whole-kernel", "a pad as large as the window is refused", "n1c1h3w3_max_k3x3_s1x1_p3,3,3,3",
		arange(9), "error",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime, ONNX reference evaluator", "error"},
			{"PyTorch through oneDNN", "7x7 [-MaxFloat32 -MaxFloat32 -MaxFloat32 -MaxFloat32 …]"},
		}, "measured"},
	{"pad-half-of-dilated-span", "the limit of a pad is half of the span, not of the kernel", "n1c1h5w5_max_k3x3_s1x1_p2,2,2,2_d2x2",
		arange(25), "5x5 [12 13 14 13 14 17 18 19 18 19 22 23 24 23 24 17 18 19 18 19 22 23 24 23 24]",
		[]SystemAnswer{
			{"PyTorch", "error"},
			{"PyTorch through oneDNN", "refuses: no dilation"},
			{"ONNX Runtime, ONNX reference evaluator", "5x5 [12 13 14 13 14 17 18 19 18 19 22 23 24 23 24 17 18 19 18 19 22 23 24 23 24]"},
		}, "measured; pytorch/pytorch#118897"},
	{"pads-differ-by-side", "pads differ from side to side", "n1c1h3w3_max_k2x2_s1x1_p0,0,1,1",
		arange(9), "3x3 [4 5 5 7 8 8 7 8 8] index [4 5 5 7 8 8 7 8 8]",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN", "refuses: one pad for both sides"},
			{"ONNX Runtime", "3x3 [4 5 5 7 8 8 7 8 8]"},
			{"ONNX Runtime with indices", "3x3 [4 5 5 7 8 8 7 8 8] index [4 5 5 7 8 8 7 8 8]"},
			{"ONNX reference evaluator", "2x4 [3 4 5 5 6 7 8 8] index [3 4 5 5 6 7 8 8]"},
		}, "measured; pytorch/pytorch#71362"},
	{"pads-differ-by-axis", "pads differ from axis to axis", "n1c1h2w3_max_k2x2_s1x1_p0,1,0,1",
		arange(6), "1x4 [3 4 5 5] index [3 4 5 5]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices", "1x4 [3 4 5 5] index [3 4 5 5]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x4 [3 4 5 5]"},
			{"ONNX reference evaluator", "2x3 [4 5 5 4 5 5] index [2 3 3 3 4 4]"},
		}, "measured; onnx/onnx#5158"},
	{"negative-stride", "a negative stride is an error", "n1c1h3w3_max_k2x2_s-1x1",
		arange(9), "error",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime", "error"},
			{"ONNX reference evaluator", "0x2 [] index []"},
		}, "measured; ml-explore/mlx#4101"},
	{"no-channels", "a tensor without channels is an error", "n1c0h3w3_max_k2x2_s1x1",
		cells(), "error",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime", "error"},
			{"ONNX reference evaluator", "2x2 [] index []"},
		}, "measured"},
	{"negative-divisor", "a negative divisor is refused", "n1c1h2w2_avg_k2x2_s2x2_countpad_div-1",
		cells(1, 2, 3, 4), "error",
		[]SystemAnswer{
			{"PyTorch", "1x1 [-10]"},
			{"PyTorch through oneDNN", "error"},
		}, "measured"},
	{"dilated-average", "an average may be dilated, and counts its taps, not its span", "n1c1h3w3_avg_k2x2_s1x1_p1,1,1,1_d2x2_countpad",
		arange(9), "3x3 [1 2 1 2 4 2 1 2 1]",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN", "refuses: no dilation"},
			{"ONNX Runtime, ONNX reference evaluator", "3x3 [1 2 1 2 4 2 1 2 1]"},
		}, "measured; pytorch/pytorch#14907"},
	{"nan-first", "NaN wins where it is the first tap", "n1c1h2w2_max_k2x2_s2x2",
		cells(caseNaN, 2, 3, 4), "1x1 [NaN] index [0]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "1x1 [NaN] index [0]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [4]"},
		}, "measured; pytorch/pytorch#7645"},
	{"nan-second", "NaN wins where it is the second tap", "n1c1h2w2_max_k2x2_s2x2",
		cells(1, caseNaN, 3, 4), "1x1 [NaN] index [1]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [NaN] index [1]"},
			{"PyTorch through oneDNN", "1x1 [4]"},
			{"ONNX Runtime", "1x1 [NaN]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "1x1 [4] index [3]"},
		}, "measured; tensorflow/tensorflow#2501"},
	{"nan-third", "NaN wins where it is the third tap", "n1c1h2w2_max_k2x2_s2x2",
		cells(1, 2, caseNaN, 4), "1x1 [NaN] index [2]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [NaN] index [2]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [4]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "1x1 [4] index [3]"},
		}, "measured"},
	{"nan-last", "NaN wins where it is the last tap", "n1c1h2w2_max_k2x2_s2x2",
		cells(1, 2, 3, caseNaN), "1x1 [NaN] index [3]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [NaN] index [3]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [3]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "1x1 [3] index [2]"},
		}, "measured; tracel-ai/burn#5662"},
	{"nan-twice", "of two NaNs the last has the index", "n1c1h2w2_max_k2x2_s2x2",
		cells(1, caseNaN, caseNaN, 4), "1x1 [NaN] index [2]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [NaN] index [2]"},
			{"PyTorch through oneDNN", "1x1 [4]"},
			{"ONNX Runtime", "1x1 [NaN]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "1x1 [4] index [3]"},
		}, "measured"},
	{"nan-beside-infinity", "NaN wins against +Inf", "n1c1h2w2_max_k2x2_s2x2",
		cells(caseNaN, caseInf, 3, 4), "1x1 [NaN] index [0]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "1x1 [NaN] index [0]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [+Inf]"},
		}, "measured"},
	{"nan-everywhere", "a window of NaN is NaN", "n1c1h2w2_max_k2x2_s2x2",
		cells(caseNaN, caseNaN, caseNaN, caseNaN), "1x1 [NaN] index [3]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [NaN] index [3]"},
			{"PyTorch through oneDNN", "1x1 [-MaxFloat32]"},
			{"ONNX Runtime", "1x1 [NaN]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "1x1 [NaN] index [0]"},
		}, "measured; openvinotoolkit/openvino#35935"},
	{"nan-in-overlap", "NaN reaches every window that holds it", "n1c1h3w3_max_k2x2_s1x1",
		cells(0, 1, 2, 3, caseNaN, 5, 6, 7, 8), "2x2 [NaN NaN NaN NaN] index [4 4 4 4]",
		[]SystemAnswer{
			{"PyTorch", "2x2 [NaN NaN NaN NaN] index [4 4 4 4]"},
			{"PyTorch through oneDNN", "2x2 [3 5 7 8]"},
			{"ONNX Runtime", "2x2 [3 5 NaN 8]"},
			{"ONNX Runtime with indices", "2x2 [3 5 7 NaN] index [3 5 7 4]"},
			{"ONNX reference evaluator", "2x2 [3 5 7 8] index [3 5 7 8]"},
		}, "measured"},
	{"nan-in-corner", "NaN reaches no window that does not hold it", "n1c1h3w3_max_k2x2_s1x1",
		cells(0, 1, 2, 3, 4, 5, 6, 7, caseNaN), "2x2 [4 5 7 NaN] index [4 5 7 8]",
		[]SystemAnswer{
			{"PyTorch", "2x2 [4 5 7 NaN] index [4 5 7 8]"},
			{"PyTorch through oneDNN, ONNX Runtime", "2x2 [4 5 7 7]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "2x2 [4 5 7 7] index [4 5 7 7]"},
		}, "measured"},
	{"nan-in-average", "a NaN tap makes the average NaN", "n1c1h2w2_avg_k2x2_s2x2",
		cells(caseNaN, 1, 2, 3), "1x1 [NaN]",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN, ONNX Runtime", "1x1 [NaN]"},
			{"ONNX reference evaluator", "1x1 [2]"},
		}, "measured"},
	{"minus-infinity-everywhere", "a window of -Inf is -Inf, with the first index", "n1c1h2w2_max_k2x2_s2x2",
		cells(-caseInf, -caseInf, -caseInf, -caseInf), "1x1 [-Inf] index [0]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "1x1 [-Inf] index [0]"},
			{"PyTorch through oneDNN", "1x1 [-MaxFloat32]"},
			{"ONNX Runtime", "1x1 [-Inf]"},
		}, "measured; pytorch/pytorch#1465"},
	{"minus-infinity-and-padding", "padding does not win against -Inf", "n1c1h2w2_max_k2x2_s2x2_p1,1,1,1",
		cells(-caseInf, -caseInf, -caseInf, -caseInf), "2x2 [-Inf -Inf -Inf -Inf] index [0 1 2 3]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "2x2 [-Inf -Inf -Inf -Inf] index [0 1 2 3]"},
			{"PyTorch through oneDNN, ONNX Runtime", "2x2 [-MaxFloat32 -MaxFloat32 -MaxFloat32 -MaxFloat32]"},
		}, "measured"},
	{"infinity-copied", "a window of one cell copies infinities and zeros", "n1c1h2w3_max_k1x1_s1x1",
		cells(3, caseZero, -caseInf, caseInf, 1e-45, -7), "2x3 [3 -0 -Inf +Inf 1e-45 -7] index [0 1 2 3 4 5]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "2x3 [3 -0 -Inf +Inf 1e-45 -7] index [0 1 2 3 4 5]"},
			{"PyTorch through oneDNN", "2x3 [3 -0 -MaxFloat32 +Inf 1e-45 -7]"},
			{"ONNX Runtime", "2x3 [3 -0 -Inf +Inf 1e-45 -7]"},
		}, "measured"},
	{"zeros-positive-first", "the sign of a maximum of zeros is free; the first has the index", "n1c1h2w2_max_k2x2_s2x2",
		cells(0, caseZero, 0, caseZero), "1x1 [0] index [0]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "1x1 [0] index [0]"},
			{"PyTorch through oneDNN", "1x1 [0]"},
			{"ONNX Runtime", "1x1 [-0]"},
		}, "measured; tile-ai/TileOPs#2082"},
	{"zeros-negative-first", "the sign of a maximum of zeros is free; the first has the index", "n1c1h2w2_max_k2x2_s2x2",
		cells(caseZero, 0, 0, caseZero), "1x1 [-0] index [0]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices, ONNX reference evaluator", "1x1 [-0] index [0]"},
			{"PyTorch through oneDNN", "1x1 [-0]"},
			{"ONNX Runtime", "1x1 [0]"},
		}, "measured"},
	{"no-real-tap", "a window without a real tap is -Inf with index -1", "n1c1h1w1_max_k1x2_s1x1_p0,1,0,1_d1x2",
		cells(5), "1x1 [-Inf] index [-1]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [-Inf] index [1]"},
			{"PyTorch through oneDNN", "refuses: no dilation"},
			{"ONNX Runtime", "1x1 [-MaxFloat32]"},
			{"ONNX Runtime with indices", "1x1 [-MaxFloat32] index [-2]"},
			{"ONNX reference evaluator", "1x1 [0] index [-1]"},
		}, "measured"},
	{"no-real-tap-in-row", "a plane of one row, stepped over by the dilation", "n1c1h1w8_max_k3x3_s6x6_p1,1,1,1_d2x2_ceil",
		cells(3, 1, 4, 1, 5, 9, 2, 6), "1x2 [-Inf -Inf] index [-1 -1]",
		[]SystemAnswer{
			{"PyTorch", "1x2 [-Inf -Inf] index [9 13]"},
			{"PyTorch through oneDNN", "refuses: no dilation"},
			{"ONNX Runtime", "1x2 [-MaxFloat32 -MaxFloat32]"},
			{"ONNX Runtime with indices", "1x2 [-MaxFloat32 -MaxFloat32] index [-9 -9]"},
			{"ONNX reference evaluator", "1x2 [0 0] index [-1 -1]"},
		}, "measured; pytorch/pytorch#114216"},
	{"sum-overflows", "a sum past the largest number may give infinity or the average, which is the reference's answer", "n1c1h2w2_avg_k2x2_s2x2_countpad",
		cells(3e+38, 3e+38, 1, 2), "1x1 [1.5e+38]",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN, ONNX Runtime, ONNX reference evaluator", "1x1 [+Inf]"},
			{"tfjs", "1x1 [1.5e+38]"},
		}, "measured"},
	{"sum-overflows-and-returns", "a sum that overflows and comes back is free; this is the reference's", "n1c1h2w2_avg_k2x2_s2x2_countpad",
		cells(3e+38, 3e+38, -3e+38, -3e+38), "1x1 [0]",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN, ONNX Runtime, ONNX reference evaluator", "1x1 [+Inf]"},
			{"ONNX Runtime, opset 11", "1x1 [0]"},
		}, "measured"},
	{"average-of-negative-zeros", "the sign of an average of zeros is free", "n1c1h2w2_avg_k2x2_s2x2_countpad",
		cells(caseZero, caseZero, caseZero, caseZero), "1x1 [0]",
		[]SystemAnswer{
			{"PyTorch, PyTorch through oneDNN, ONNX Runtime, ONNX reference evaluator", "1x1 [0]"},
			{"ONNX Runtime, opset 11", "1x1 [-0]"},
		}, "measured"},
	{"index-of-second-plane", "an index counts in its own plane", "n2c2h2w2_max_k2x2_s2x2",
		arange(16), "1x1 [3 7 11 15] index [3 3 3 3]",
		[]SystemAnswer{
			{"PyTorch", "1x1 [3 7 11 15] index [3 3 3 3]"},
			{"PyTorch through oneDNN, ONNX Runtime", "1x1 [3 7 11 15]"},
			{"ONNX Runtime with indices, ONNX reference evaluator", "1x1 [3 7 11 15] index [3 7 11 15]"},
		}, "measured; pytorch/pytorch#16455"},
	{"index-beside-padding", "an index counts in the unpadded plane", "n1c1h3w3_max_k2x2_s1x1_p1,1,1,1",
		cells(8, 7, 6, 5, 4, 3, 2, 1, 0), "4x4 [8 8 7 6 8 8 7 6 5 5 4 3 2 2 1 0] index [0 0 1 2 0 0 1 2 3 3 4 5 6 6 7 8]",
		[]SystemAnswer{
			{"PyTorch, ONNX Runtime with indices", "4x4 [8 8 7 6 8 8 7 6 5 5 4 3 2 2 1 0] index [0 0 1 2 0 0 1 2 3 3 4 5 6 6 7 8]"},
			{"PyTorch through oneDNN, ONNX Runtime", "4x4 [8 8 7 6 8 8 7 6 5 5 4 3 2 2 1 0]"},
			{"ONNX reference evaluator", "4x4 [8 8 7 6 8 8 7 6 5 5 4 3 2 2 1 0] index [-4 -1 0 -1 0 0 1 2 3 3 4 5 5 6 7 8]"},
		}, "measured; tensorflow/tensorflow#10216"},
	{"padding-in-divisor", "without CountPad, padding does not count", "n1c1h2w2_avg_k2x2_s2x2_p1,1,1,1",
		cells(4, 8, 12, 16), "2x2 [4 8 12 16]",
		[]SystemAnswer{
			{"ONNX, TensorFlow, Keras by default", "2x2 [4 8 12 16]"},
			{"PyTorch, Caffe, Flax, MXNet by default", "2x2 [1 2 3 4]"},
		}, "their documents; Tencent/ncnn#924, google/flax#2401"},
	{"stride-by-default", "without a stride, windows do not overlap", "n1c1h4w4_max_k3x3_s3x3",
		arange(16), "1x1 [10] index [10]",
		[]SystemAnswer{
			{"PyTorch, Keras, NNlib without a stride", "1x1 [10] index [10]"},
			{"ONNX, WebNN, Flax, Caffe without a stride", "2x2 [10 11 14 15]"},
		}, "their documents"},
	{"ties-and-gradients", "of equal maxima the first has the index, and the gradient", "n1c1h2w2_max_k2x2_s2x2",
		cells(7, 7, 7, 7), "1x1 [7] index [0]",
		[]SystemAnswer{
			{"PyTorch, cuDNN", "the gradient goes to the first"},
			{"Theano", "the gradient goes to all"},
			{"TensorFlow's reduce_max", "the gradient is split"},
		}, "Theano/Theano#5248, tensorflow/tensorflow#4886"},
}
