// httputil.ReverseProxy with a pool of 100 idle connections for its one host; Go's default is 2.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	service, err := url.Parse(os.Getenv("SERVICE"))
	if err != nil {
		log.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(service)
	proxy.Transport = &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 100, DisableCompression: true}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), proxy))
}
