package regress

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"debug/macho"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"
)

// identity returns a digest of what a program does: its machine code and its data. Line tables, debugging data and the
// build id, which change with every comment and every path, are not part of it. It is nil where the file's format does
// not keep them apart, as in Windows programs: then nothing counts as identical and everything is measured.
func identity(program string) ([]byte, error) {
	f, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	digest := sha256.New()
	switch {
	case bytes.Equal(magic, []byte(elf.ELFMAG)):
		x, err := elf.NewFile(f)
		if err != nil {
			return nil, err
		}
		for _, name := range []string{".text", ".rodata", ".data", ".noptrdata"} {
			s := x.Section(name)
			if s == nil {
				return nil, fmt.Errorf("%s has no section %s", program, name)
			}
			if err := digestSection(digest, name, s.Size, s.Open()); err != nil {
				return nil, err
			}
		}
	case binary.LittleEndian.Uint32(magic) == macho.Magic64:
		x, err := macho.NewFile(f)
		if err != nil {
			return nil, err
		}
		for _, name := range []string{"__text", "__rodata", "__data", "__noptrdata"} {
			s := x.Section(name)
			if s == nil {
				return nil, fmt.Errorf("%s has no section %s", program, name)
			}
			if err := digestSection(digest, name, s.Size, s.Open()); err != nil {
				return nil, err
			}
		}
	default:
		return nil, nil
	}
	return digest.Sum(nil), nil
}

func digestSection(digest hash.Hash, name string, size uint64, r io.Reader) error {
	fmt.Fprintln(digest, name, size)
	_, err := io.Copy(digest, r)
	return err
}
