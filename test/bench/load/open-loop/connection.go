package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

// A connection carries one request at a time.
type connection struct {
	descriptor int
	response   responseReader
	// unsent is what the kernel has not taken yet of the request.
	unsent []byte
	isBusy bool
	// due is the moment of the request, freeSince that of the response before, since the start.
	due, freeSince time.Duration
}

// dial connects, so that all that follows does not block.
func dial(port int, bodyBytes int) (*connection, error) {
	descriptor, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	address := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(descriptor, address); err != nil {
		return nil, err
	}
	if err := syscall.SetsockoptInt(descriptor, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	c := &connection{descriptor: descriptor, response: responseReader{bodyBytes: bodyBytes}}
	return c, syscall.SetNonblock(descriptor, true)
}

// send begins a request.
func (c *connection) send(request []byte, due time.Duration) error {
	c.isBusy, c.unsent, c.due = true, request, due
	return c.sendRest()
}

func (c *connection) sendRest() error {
	for len(c.unsent) > 0 {
		count, err := syscall.Write(c.descriptor, c.unsent)
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		c.unsent = c.unsent[count:]
	}
	return nil
}

// receive reads all that there is, and returns whether the response is complete.
func (c *connection) receive(buffer []byte) (bool, error) {
	for {
		count, err := syscall.Read(c.descriptor, buffer)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("read: %w", err)
		case count == 0:
			return false, io.ErrUnexpectedEOF
		case !c.isBusy || len(c.unsent) > 0:
			return false, errors.New("a response before its request was sent")
		}
		isComplete, err := c.response.read(buffer[:count])
		if err != nil {
			return false, err
		}
		c.isBusy = !isComplete
		// What comes later is an event of its own.
		if isComplete || count < len(buffer) {
			return isComplete, nil
		}
	}
}
