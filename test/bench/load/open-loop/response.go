package main

import (
	"bytes"
	"fmt"
	"strconv"
)

const mostHeadBytes = 16 << 10

// A response reader accepts one kind of response: 200, kept alive, with a body of exactly so many bytes.
type responseReader struct {
	bodyBytes int
	head      []byte
	left      int
	inBody    bool
}

// read takes the next bytes of the connection, and returns whether they complete the response.
func (r *responseReader) read(chunk []byte) (bool, error) {
	if !r.inBody {
		if len(r.head) > 0 {
			r.head = append(r.head, chunk...)
			chunk = r.head
		}
		end := bytes.Index(chunk, []byte("\r\n\r\n"))
		if end < 0 {
			if len(r.head) == 0 {
				r.head = append(r.head, chunk...)
			}
			if len(r.head) > mostHeadBytes {
				return false, fmt.Errorf("a head of more than %d bytes", mostHeadBytes)
			}
			return false, nil
		}
		if err := checkHead(chunk[:end], r.bodyBytes); err != nil {
			return false, err
		}
		r.head = r.head[:0]
		r.inBody = true
		r.left = r.bodyBytes
		chunk = chunk[end+4:]
	}
	if len(chunk) > r.left {
		return false, fmt.Errorf("%d bytes too many", len(chunk)-r.left)
	}
	r.left -= len(chunk)
	r.inBody = r.left > 0
	return !r.inBody, nil
}

func checkHead(head []byte, bodyBytes int) error {
	status, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("%q", status)
	}
	lengths := 0
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, isField := bytes.Cut(line, []byte(":"))
		value = bytes.Trim(value, " \t")
		switch {
		case !isField:
			return fmt.Errorf("a header %q", line)
		case bytes.EqualFold(name, []byte("Content-Length")):
			lengths++
			if length, err := strconv.ParseUint(string(value), 10, 63); err != nil || int(length) != bodyBytes {
				return fmt.Errorf("a body of %q bytes, not %d", value, bodyBytes)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return fmt.Errorf("%q", line)
		case bytes.EqualFold(name, []byte("Connection")) && !bytes.EqualFold(value, []byte("keep-alive")):
			return fmt.Errorf("%q", line)
		}
	}
	if lengths != 1 {
		return fmt.Errorf("%d fields Content-Length", lengths)
	}
	return nil
}
