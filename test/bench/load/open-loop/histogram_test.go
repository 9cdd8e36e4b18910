package main

import "testing"

func TestQuantilesAreWithinOneBucket(t *testing.T) {
	var h histogram
	for us := int64(1); us <= 1_000_000; us++ {
		h.record(us)
	}
	for _, share := range []float64{0.00005, 0.5, 0.9, 0.99, 0.999} {
		exact := share*1_000_000 + 1
		if got := float64(h.quantile(share)); got < exact || got > exact*(1+1.0/subBuckets)+1 {
			t.Errorf("quantile %v is %v, not %v", share, got, exact)
		}
	}
	if h.quantile(1) != 1_000_000 {
		t.Errorf("the last is %v", h.quantile(1))
	}
}

func TestOneLongLatencyAmongAThousandIsTheMaximumAlone(t *testing.T) {
	var h histogram
	for count := 0; count < 999; count++ {
		h.record(100)
	}
	h.record(3_600_000_000)
	if h.quantile(0.99) != 100 || h.quantile(0.999) != 3_600_000_000 || h.max != 3_600_000_000 {
		t.Errorf("%v, %v and %v", h.quantile(0.99), h.quantile(0.999), h.max)
	}
}

func TestAnEmptyHistogramHasZeros(t *testing.T) {
	var h histogram
	if h.quantile(0.99) != 0 || h.max != 0 {
		t.Error("it has values")
	}
}
