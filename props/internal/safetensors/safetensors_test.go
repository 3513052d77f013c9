package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"testing"
)

func TestEncode(t *testing.T) {
	file := Encode(map[string]string{"case": "n1c1h1w2"}, Of("x", []int{1, 2}, []float32{1, -2}), Of("i", []int{1}, []int64{-1}))
	size := binary.LittleEndian.Uint64(file)
	if size%8 != 0 {
		t.Errorf("the header has %d bytes, want a multiple of 8", size)
	}
	var header map[string]struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets []int  `json:"data_offsets"`
		Case    string `json:"case"`
	}
	if err := json.Unmarshal(file[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	if header["__metadata__"].Case != "n1c1h1w2" {
		t.Errorf("metadata: %+v", header["__metadata__"])
	}
	x, i := header["x"], header["i"]
	if x.DType != "F32" || len(x.Shape) != 2 || x.Shape[1] != 2 || i.DType != "I64" {
		t.Errorf("x %+v, i %+v", x, i)
	}
	cells := file[8+size:]
	if got, want := cells[x.Offsets[0]:x.Offsets[1]], []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}; !bytes.Equal(got, want) {
		t.Errorf("x: got % x, want % x", got, want)
	}
	if got, want := cells[i.Offsets[0]:i.Offsets[1]], bytes.Repeat([]byte{0xff}, 8); !bytes.Equal(got, want) {
		t.Errorf("i: got % x, want % x", got, want)
	}
}
