/** Fills in `$NAME`, `${NAME}` and `${NAME:-default}` as Docker does in Dockerfiles and `.env` files. Default: empty. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:\{(\w+)(?:(:?)-([^}]*))?\}|(\w+))/g,
    (_, ...groups: (string | undefined)[]) => {
      const [braced, colon, fallback, bare] = groups;
      const value = values.get(braced ?? bare!);
      // With the colon, an empty value counts as not set.
      return (colon && value === '' ? undefined : value) ?? fallback ?? '';
    },
  );
}
