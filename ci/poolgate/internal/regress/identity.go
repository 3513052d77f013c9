package regress

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"os"
)

// identity returns a digest of what a program does: its machine code and its data. Line tables, debugging data and the
// build id, which change with every comment and every path, are not part of it. It is nil for a file that is not ELF:
// the formats of macOS and Windows mix them, so there nothing counts as identical and everything is measured.
func identity(program string) ([]byte, error) {
	f, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := f.ReadAt(magic, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	if !bytes.Equal(magic, []byte(elf.ELFMAG)) {
		return nil, nil
	}
	x, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	digest := sha256.New()
	for _, name := range []string{".text", ".rodata", ".data", ".noptrdata"} {
		s := x.Section(name)
		if s == nil {
			return nil, fmt.Errorf("%s has no section %s", program, name)
		}
		fmt.Fprintln(digest, name, s.Size)
		if _, err := io.Copy(digest, s.Open()); err != nil {
			return nil, fmt.Errorf("%s: %w", program, err)
		}
	}
	return digest.Sum(nil), nil
}
