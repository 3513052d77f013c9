// Package safetensors writes files of the safetensors format: 8 bytes that say how long the header is, little endian; a
// JSON header that names each tensor with its type, shape and place; the raw cells, little endian, one after the other.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
)

// Tensor is one tensor of a file.
type Tensor struct {
	name  string
	dtype string
	shape []int
	data  any // a slice of fixed-size numbers
}

// Of returns a tensor of a file; its cells are in row-major order of shape.
func Of[T float32 | float64 | int8 | uint8 | int32 | int64](name string, shape []int, data []T) Tensor {
	var dtype string
	switch any(T(0)).(type) {
	case float32:
		dtype = "F32"
	case float64:
		dtype = "F64"
	case int8:
		dtype = "I8"
	case uint8:
		dtype = "U8"
	case int32:
		dtype = "I32"
	case int64:
		dtype = "I64"
	}
	return Tensor{name, dtype, shape, data}
}

// Encode returns a file of the tensors, with metadata of any strings.
func Encode(metadata map[string]string, tensors ...Tensor) []byte {
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]any{}
	if len(metadata) > 0 {
		header["__metadata__"] = metadata
	}
	var cells bytes.Buffer
	for _, t := range tensors {
		begin := cells.Len()
		if err := binary.Write(&cells, binary.LittleEndian, t.data); err != nil {
			panic(err) // a slice of numbers into memory
		}
		header[t.name] = entry{t.dtype, t.shape, [2]int{begin, cells.Len()}}
	}
	text, err := json.Marshal(header) // in the order of names
	if err != nil {
		panic(err) // strings and numbers
	}
	for len(text)%8 != 0 { // so that cells are aligned; the format allows spaces at the end
		text = append(text, ' ')
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	file = append(file, text...)
	return append(file, cells.Bytes()...)
}
