/** A mistake in a test, or an event that the test waits for and that did not come. The message says which. */
export class TestGatewayError extends Error {
  override readonly name = 'TestGatewayError';
}
