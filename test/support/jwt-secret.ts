/** The key of all access tokens of the tests. */
export const JWT_SECRET = 'a secret of the tests, long enough to be one';
