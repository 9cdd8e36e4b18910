package main

import (
	"errors"
	"syscall"
	"time"
	"unsafe"
)

const (
	bufferBytes = 256 << 10
	mostEvents  = 256
	// responseTimeout is for the responses that are due at the end.
	responseTimeout = 10 * time.Second
	timerIndex      = -1
	// edgeTriggered is EPOLLET, which package syscall has as a negative number.
	edgeTriggered = 1 << 31
)

// A schedule has request n due at n/perSecond; with perSecond 0, as soon as a connection is free.
type schedule struct {
	perSecond float64
	length    time.Duration
	// leadIn is the time at the start whose latencies do not count.
	leadIn time.Duration
}

// A loop runs on one thread, so that the kernel alone decides when it sends.
type loop struct {
	schedule
	requests    [][]byte
	next        int
	connections []*connection
	// free has the connections without a request, the longest unused first.
	free         []*connection
	epoll, timer int
	start        time.Time
	buffer       []byte
	events       []syscall.EpollEvent
	latencies    histogram
	// lateness is how long requests were due, with a connection free for them, before they were sent.
	lateness   histogram
	sent, done int
}

func newLoop(plan schedule, requests [][]byte, connections []*connection) (*loop, error) {
	l := &loop{schedule: plan, requests: requests, connections: connections}
	l.buffer = make([]byte, bufferBytes)
	l.events = make([]syscall.EpollEvent, mostEvents)
	l.free = append(l.free, connections...)
	var err error
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	const clockMonotonic = 1
	timer, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, errno
	}
	l.timer = int(timer)
	if err := l.watch(l.timer, timerIndex, syscall.EPOLLIN); err != nil {
		return nil, err
	}
	for index, c := range connections {
		if err := l.watch(c.descriptor, index, syscall.EPOLLIN|syscall.EPOLLOUT|edgeTriggered); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// watch adds a descriptor to those that receive waits for.
func (l *loop) watch(descriptor, index int, events uint32) error {
	event := syscall.EpollEvent{Events: events, Fd: int32(index)}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, descriptor, &event)
}

func (l *loop) sinceStart() time.Duration { return time.Since(l.start) }

// dueAt returns when the next request is due, and false if none follows.
func (l *loop) dueAt() (time.Duration, bool) {
	if l.perSecond == 0 {
		now := l.sinceStart()
		return now, now < l.length
	}
	due := time.Duration(float64(l.sent) / l.perSecond * float64(time.Second))
	return due, due < l.length
}

// run plays the schedule, and returns once every request that was due has its response.
func (l *loop) run() error {
	l.start = time.Now()
	for {
		wait, err := l.sendDue()
		if err != nil {
			return err
		}
		if wait == 0 && l.done == l.sent {
			return nil
		}
		if l.sinceStart() > l.length+responseTimeout {
			return errors.New("responses that were due at the end did not come")
		}
		if err := l.receive(wait); err != nil {
			return err
		}
	}
}

// sendDue sends all that is due and finds a connection. It returns how long until the next one is due, if a connection is
// free for it; 0 if only responses can bring work.
func (l *loop) sendDue() (time.Duration, error) {
	for len(l.free) > 0 {
		due, follows := l.dueAt()
		if !follows {
			return 0, nil
		}
		if wait := due - l.sinceStart(); wait > 0 {
			return wait, nil
		}
		c := l.free[0]
		l.free = l.free[1:]
		if due >= l.leadIn {
			l.lateness.record(lateness(due, c.freeSince, l.sinceStart()).Microseconds())
		}
		if err := c.send(l.requests[l.next], due); err != nil {
			return 0, err
		}
		l.next = (l.next + 1) % len(l.requests)
		l.sent++
	}
	return 0, nil
}

// lateness returns what this program alone adds to the latency of a request: not the wait for a connection.
func lateness(due, freeSince, now time.Duration) time.Duration {
	return now - max(due, freeSince)
}

// receive waits for responses, or until the time has passed, and takes what there is.
func (l *loop) receive(wait time.Duration) error {
	if wait > 0 {
		var value [2]syscall.Timespec
		value[1] = syscall.NsecToTimespec(wait.Nanoseconds())
		_, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(l.timer), 0, uintptr(unsafe.Pointer(&value)), 0, 0, 0)
		if errno != 0 {
			return errno
		}
	}
	count, err := syscall.EpollWait(l.epoll, l.events, int(responseTimeout.Milliseconds()))
	if err != nil && !errors.Is(err, syscall.EINTR) {
		return err
	}
	for index := 0; index < count; index++ {
		if err := l.handle(l.events[index]); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) handle(event syscall.EpollEvent) error {
	if event.Fd == timerIndex {
		// Until the timer is read, it wakes the loop again.
		_, err := syscall.Read(l.timer, l.buffer[:8])
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		return err
	}
	c := l.connections[event.Fd]
	if err := c.sendRest(); err != nil {
		return err
	}
	if event.Events&^syscall.EPOLLOUT == 0 {
		return nil
	}
	isComplete, err := c.receive(l.buffer)
	if err != nil || !isComplete {
		return err
	}
	c.freeSince = l.sinceStart()
	if c.due >= l.leadIn {
		l.latencies.record((c.freeSince - c.due).Microseconds())
	}
	l.done++
	l.free = append(l.free, c)
	return nil
}
