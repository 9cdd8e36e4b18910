package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// requestOptions describe the requests: by each user in turn, of each path in turn.
type requestOptions struct {
	method, pathFile, userFile string
	users, fields, bodyBytes   int
}

// makeRequests returns all requests as bytes. The first fields are those that every request has.
func makeRequests(options requestOptions) ([][]byte, error) {
	paths, err := readLines(options.pathFile)
	if err != nil {
		return nil, err
	}
	users, err := readLines(options.userFile)
	if err != nil {
		return nil, err
	}
	if len(users) < options.users {
		return nil, fmt.Errorf("%d users, not %d", len(users), options.users)
	}
	users = users[:options.users]
	rest := fieldsAndBody(options)
	requests := make([][]byte, max(len(users), len(paths)))
	for index := range requests {
		path, user := paths[index%len(paths)], users[index%len(users)]
		head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n", options.method, path, user)
		requests[index] = append([]byte(head), rest...)
	}
	return requests, nil
}

// fieldsAndBody returns what follows Host and Authorization, so that there are as many fields as asked for.
func fieldsAndBody(options requestOptions) []byte {
	var text bytes.Buffer
	count := 2
	if options.bodyBytes > 0 {
		fmt.Fprintf(&text, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", options.bodyBytes)
		count += 2
	}
	for ; count < options.fields; count++ {
		fmt.Fprintf(&text, "X-Field-%d: the value of a field\r\n", count)
	}
	text.WriteString("\r\n")
	text.WriteString(strings.Repeat("u", options.bodyBytes))
	return text.Bytes()
}

func readLines(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	return strings.Split(strings.TrimSpace(string(text)), "\n"), err
}
