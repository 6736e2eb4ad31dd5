declare module "ini" {
  const ini: {
    readonly parse: (text: string) => Record<string, unknown>;
    /** The value of one key or value as written: quotes, escapes and comments resolved. JSON in `'` becomes what it says. */
    readonly unsafe: (written: string) => unknown;
  };
  export default ini;
}
