/** The key of all access tokens in tests. */
export const JWT_SECRET = 'a secret of the tests, long enough to be one';
