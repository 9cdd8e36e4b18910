/** Environment variables, as in `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The variables of the process. */
export const processVariables = (): Variables => process.env;
