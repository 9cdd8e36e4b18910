/** How responses of `text/event-stream` pass. */
export interface EventStreamPolicy {
  /**
   * Whether a stream whose instance breaks its connection goes on, in the same response: the gateway asks another instance,
   * or the same once it is back, with the `Last-Event-ID` of the last event that passed, for up to 30 seconds, with waits
   * that grow to 2 seconds. It is for GET, and for responses of 200 without `Content-Encoding` and `Content-Length`, whose
   * events have ids: after an event with data and without an id of its own, or one of more than 64 KiB, a broken stream
   * stays broken until the next id. So a service that pings should do so with comments.
   *
   * An event goes to the client when it is whole. If the service responds with anything but an event stream, or the time is
   * over, the response ends behind its last event, and the client comes back by itself. If the service ends its response,
   * the response ends. The first try that is sent counts as a request in the circuit breaker and the retry budget, each
   * further one as a retry. Tries whose connection cannot be opened count in neither.
   *
   * With `affinity` the same instance is asked first. Two ends are no cuts: the FIN of a response without a length and
   * chunks, which looks like its regular end, also when its process dies; and the silence of an instance that hangs, which
   * ends in the idle timeout.
   *
   * Danger: a service that ignores `Last-Event-ID` sends events twice, or leaves some out.
   * Default: false.
   */
  readonly resume?: boolean;
  /**
   * Milliseconds of silence after which the client gets a comment, `:` and an empty line, between two events, so that no
   * proxy in between cuts the stream; 0 for none. It is late by up to half a second. Streams with `Content-Encoding` or
   * `Content-Length` get none. Idle timeouts count the service's bytes alone. Set 0 for clients that read the stream
   * without a parser of event streams, and take each line for an event. Default: 15,000.
   */
  readonly heartbeatMs?: number;
}
