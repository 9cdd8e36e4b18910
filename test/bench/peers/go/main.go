// httputil.ReverseProxy with a pool of 100 idle connections for each instance; Go's default is 2. SERVICE has the addresses of
// the instances, used in turn; ROUTES is how many routes there are before the proxy, none by default.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

func main() {
	proxy := &httputil.ReverseProxy{Director: roundRobin(os.Getenv("SERVICE"))}
	proxy.Transport = &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 100, DisableCompression: true}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), routed(proxy, os.Getenv("ROUTES"))))
}

func roundRobin(addresses string) func(*http.Request) {
	var instances []*url.URL
	for _, address := range strings.Split(addresses, ",") {
		instance, err := url.Parse(address)
		if err != nil {
			log.Fatal(err)
		}
		instances = append(instances, instance)
	}
	var count atomic.Uint64
	return func(request *http.Request) {
		instance := instances[count.Add(1)%uint64(len(instances))]
		request.URL.Scheme, request.URL.Host = instance.Scheme, instance.Host
		if _, given := request.Header["User-Agent"]; !given {
			// As NewSingleHostReverseProxy does, or Go would send its own.
			request.Header.Set("User-Agent", "")
		}
	}
}

func routed(proxy http.Handler, routes string) http.Handler {
	if routes == "" {
		return proxy
	}
	count, err := strconv.Atoi(routes)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	for index := 0; index < count; index++ {
		mux.Handle(fmt.Sprintf("GET /v1/resource-%d/{id}", index), proxy)
	}
	return mux
}
