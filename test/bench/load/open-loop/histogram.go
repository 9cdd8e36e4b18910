package main

import "math/bits"

// subBuckets is the number of buckets for each power of two: the error is at most 1/64, 1.6 percent.
const subBuckets = 64

// A histogram counts microseconds, in log-linear buckets.
type histogram struct {
	counts [subBuckets * 40]int
	count  int
	max    int64
}

func (h *histogram) record(us int64) {
	shift := 0
	if length := bits.Len64(uint64(us)); length > 7 {
		shift = length - 7
	}
	h.counts[shift*subBuckets+int(us>>shift)]++
	h.count++
	if us > h.max {
		h.max = us
	}
}

// quantile returns the upper end of the bucket that holds this share of the values, in microseconds.
func (h *histogram) quantile(share float64) int64 {
	left := int(share * float64(h.count))
	for index, count := range h.counts {
		if left -= count; left >= 0 {
			continue
		}
		shift := index/subBuckets - 1
		if shift < 0 {
			shift = 0
		}
		upper := int64(index-shift*subBuckets+1)<<shift - 1
		if upper > h.max {
			return h.max
		}
		return upper
	}
	return h.max
}
