package main

import (
	"bufio"
	"net"
	"net/http"
	"testing"
	"time"
)

const response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// serve responds to each request on one connection, the first time after a pause. It returns its port.
func serve(t *testing.T, pause time.Duration) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		reader := bufio.NewReader(connection)
		for first := true; ; first = false {
			if _, err := http.ReadRequest(reader); err != nil {
				return
			}
			if first {
				time.Sleep(pause)
			}
			connection.Write([]byte(response))
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func play(t *testing.T, plan schedule, pause time.Duration) *loop {
	c, err := dial(serve(t, pause), 2)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoop(plan, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, []*connection{c})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.run(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAsManyRequestsAreSentAsAreDue(t *testing.T) {
	l := play(t, schedule{perSecond: 200, length: 500 * time.Millisecond}, 0)
	if l.sent != 100 || l.done != 100 || l.latencies.count != 100 {
		t.Errorf("%d sent, %d responses, %d latencies", l.sent, l.done, l.latencies.count)
	}
	if end := l.sinceStart(); end < 495*time.Millisecond {
		t.Errorf("the last was due after 495 ms, and sent after less than %v", end)
	}
}

func TestRequestsThatWaitForAConnectionCountFromWhenTheyWereDue(t *testing.T) {
	l := play(t, schedule{perSecond: 1000, length: 200 * time.Millisecond}, 200*time.Millisecond)
	// All of them are due while the first has no response: the last waits 1 ms, the one in the middle 100.
	if p50 := l.latencies.quantile(0.5); l.done != 200 || p50 < 99_000 {
		t.Errorf("%d responses, and half of them within %d us", l.done, p50)
	}
}

func TestTheLeadInDoesNotCount(t *testing.T) {
	l := play(t, schedule{perSecond: 1000, length: 100 * time.Millisecond, leadIn: 60 * time.Millisecond}, 0)
	if l.done != 100 || l.latencies.count != 40 || l.lateness.count != 40 {
		t.Errorf("%d responses, %d latencies, %d times late", l.done, l.latencies.count, l.lateness.count)
	}
}

func TestOnlyTheWaitForTheProgramIsLateness(t *testing.T) {
	for _, moment := range []struct{ due, freeSince, now, want time.Duration }{
		{due: 10, freeSince: 4, now: 13, want: 3},
		{due: 10, freeSince: 12, now: 13, want: 1},
		{due: 10, freeSince: 0, now: 10, want: 0},
	} {
		if got := lateness(moment.due, moment.freeSince, moment.now); got != moment.want {
			t.Errorf("%+v: %d", moment, got)
		}
	}
}
