//go:build !amd64 || purego

package optimized

// sets is the table of kernel sets, best first.
var sets = []set{generic}
