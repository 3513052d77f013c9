// Package pool2d is the vocabulary of 2-D pooling.
package pool2d
