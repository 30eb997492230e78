// Checks an exported ledger with the Go module golang.org/x/mod/sumdb alone (Debian: golang-golang-x-mod-dev).
//
//	check_export DIR VKEY [PROOF...] [CONSISTENCY...]
//
// Every tile and every entry of DIR against the signed root; each further file is a .tlog-proof, or a consistency proof
// in the form of a witness request.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err, path)
	return data
}

func hashOf(line string) tlog.Hash {
	hash, err := tlog.ParseHash(line)
	must(err, "hash")
	return hash
}

// A C2SP checkpoint: origin, size, root.
func open(msg []byte, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err, "vkey")
	opened, err := note.Open(msg, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		must(fmt.Errorf("not three lines of this log"), "checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "checkpoint size")
	return tlog.Tree{N: size, Hash: hashOf(lines[2])}
}

type folder string

func (folder) Height() int                             { return 8 }
func (folder) SaveTiles(tiles []tlog.Tile, d [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func entriesPath(n int64, width int64) string {
	path := tlog.Tile{H: 8, L: 0, N: n, W: int(width)}.Path()
	return strings.Replace(path, "tile/8/0/", "tile/entries/", 1)
}

func checkEntries(dir string, tree tlog.Tree, hashes tlog.HashReader) {
	for n := int64(0); n*256 < tree.N; n++ {
		width := tree.N - n*256
		if width > 256 {
			width = 256
		}
		data := read(filepath.Join(dir, entriesPath(n, width)))
		for i := n * 256; i < n*256+width; i++ {
			size := int(binary.BigEndian.Uint16(data))
			leaf := data[2 : 2+size]
			data = data[2+size:]
			if want := fmt.Sprintf("ledger-entry/v1\n%d\n", i); !strings.HasPrefix(string(leaf), want) {
				must(fmt.Errorf("does not say its index"), fmt.Sprint("entry ", i))
			}
			stored, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
			must(err, "tile")
			if stored[0] != tlog.RecordHash(leaf) {
				must(fmt.Errorf("is not in the tree"), fmt.Sprint("entry ", i))
			}
			if i%97 == 0 || i+1 == tree.N {
				proof, err := tlog.ProveRecord(tree.N, i, hashes)
				must(err, "proof")
				must(tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(leaf)), "CheckRecord")
			}
		}
		if len(data) != 0 {
			must(fmt.Errorf("%d bytes too many", len(data)), "entries")
		}
	}
}

func leafAt(dir string, size int64, index int64) []byte {
	width := size - index/256*256
	if width > 256 {
		width = 256
	}
	data := read(filepath.Join(dir, entriesPath(index/256, width)))
	for i := index % 256; i > 0; i-- {
		data = data[2+int(binary.BigEndian.Uint16(data)):]
	}
	return data[2 : 2+int(binary.BigEndian.Uint16(data))]
}

func checkFile(dir, path, vkey string, exported tlog.Tree, hashes tlog.HashReader) {
	head, msg, ok := strings.Cut(string(read(path)), "\n\n")
	if !ok {
		must(fmt.Errorf("no empty line"), path)
	}
	lines := strings.Split(head, "\n")
	tree := open([]byte(msg), vkey)
	if lines[0] == "c2sp.org/tlog-proof@v1" {
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
		must(err, path)
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			proof = append(proof, hashOf(line))
		}
		leaf := leafAt(dir, exported.N, index)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)), path)
		return
	}
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	must(err, path)
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		proof = append(proof, hashOf(line))
	}
	oldRoot, err := tlog.TreeHash(old, hashes)
	must(err, path)
	must(tlog.CheckTree(proof, tree.N, tree.Hash, old, oldRoot), path)
}

func main() {
	dir, vkey := os.Args[1], os.Args[2]
	tree := open(read(filepath.Join(dir, "checkpoint")), vkey)
	hashes := tlog.TileHashReader(tree, folder(dir))
	checkEntries(dir, tree, hashes)
	for old := int64(1); old < tree.N; old = old*2 + 1 {
		proof, err := tlog.ProveTree(tree.N, old, hashes)
		must(err, "ProveTree")
		root, err := tlog.TreeHash(old, hashes)
		must(err, "TreeHash")
		must(tlog.CheckTree(proof, tree.N, tree.Hash, old, root), "CheckTree")
	}
	for _, path := range os.Args[3:] {
		checkFile(dir, path, vkey, tree, hashes)
	}
	fmt.Printf("%d entries, root %s, %d files\n", tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]), len(os.Args)-3)
}
