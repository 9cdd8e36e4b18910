/** `${NAME}`, `$NAME` and `${NAME:-default}`, as Dockerfiles and `.env` files have them; empty where nobody gives one. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:\{(\w+)(?:(:?)-([^}]*))?\}|(\w+))/g,
    (_, braced?: string, countsEmpty?: string, fallback?: string, bare?: string) => {
      const value = values.get(braced ?? bare!);
      return (countsEmpty && value === '' ? undefined : value) ?? fallback ?? '';
    },
  );
}
