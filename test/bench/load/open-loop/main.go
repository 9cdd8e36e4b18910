// Plays HTTP requests at a fixed rate over a bounded number of connections. Each request has a moment at which it is due, and
// its latency counts from there: when all connections are busy, it waits, and the wait counts. Prints JSON, with how late the
// program itself was; ends with 1 if a request fails.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"runtime"
	"time"
)

func main() {
	log.SetFlags(0)
	var plan schedule
	var options requestOptions
	port := flag.Int("port", 0, "of 127.0.0.1")
	connections := flag.Int("connections", 1, "most requests at a time")
	responseBytes := flag.Int("response-bytes", 0, "of the body of each response")
	flag.Float64Var(&plan.perSecond, "rate", 0, "requests a second; 0: each as soon as a connection is free")
	flag.DurationVar(&plan.length, "length", time.Second, "of the schedule")
	flag.DurationVar(&plan.leadIn, "lead-in", 0, "time at the start whose latencies do not count")
	flag.StringVar(&options.method, "method", "GET", "")
	flag.StringVar(&options.pathFile, "paths", "", "a file with a path a line")
	flag.StringVar(&options.userFile, "users", "", "a file with a value of Authorization a line")
	flag.IntVar(&options.users, "most-users", 1, "how many of those")
	flag.IntVar(&options.fields, "fields", 2, "header fields of each request")
	flag.IntVar(&options.bodyBytes, "body-bytes", 0, "of the body of each request")
	flag.Parse()

	requests, err := makeRequests(options)
	if err != nil {
		log.Fatal(err)
	}
	dialled := make([]*connection, *connections)
	for index := range dialled {
		if dialled[index], err = dial(*port, *responseBytes); err != nil {
			log.Fatal(err)
		}
	}
	runtime.LockOSThread()
	l, err := newLoop(plan, requests, dialled)
	if err != nil {
		log.Fatal(err)
	}
	// Not always the same users.
	l.next = int(time.Now().UnixNano() % int64(len(requests)))
	runtime.GC()
	if err := l.run(); err != nil {
		log.Fatalf("after %d responses: %v", l.done, err)
	}
	print(l)
}

func print(l *loop) {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests":  l.done,
		"elapsedMs": ms(l.sinceStart().Microseconds()),
		"p50Ms":     ms(l.latencies.quantile(0.5)),
		"p90Ms":     ms(l.latencies.quantile(0.9)),
		"p99Ms":     ms(l.latencies.quantile(0.99)),
		"p999Ms":    ms(l.latencies.quantile(0.999)),
		"maxMs":     ms(l.latencies.max),
		"lateMs":    ms(l.lateness.quantile(0.99)),
	})
}
