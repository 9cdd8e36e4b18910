package main

import "testing"

func TestAResponseIsCompleteAtItsLastByte(t *testing.T) {
	reader := responseReader{bodyBytes: 2}
	for round := 0; round < 2; round++ {
		for index := range response {
			isComplete, err := reader.read([]byte{response[index]})
			if err != nil || isComplete != (index == len(response)-1) {
				t.Fatalf("byte %d: %v, %v", index, isComplete, err)
			}
		}
	}
}

func TestOtherResponsesAreErrors(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok.",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok.",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
	} {
		reader := responseReader{bodyBytes: 2}
		if _, err := reader.read([]byte(text)); err == nil {
			t.Errorf("accepted %q", text)
		}
	}
}
