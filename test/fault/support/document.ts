/** What stands in a file of a service of the bed: its first and its last line say the same number, and a letter fills what is between. */
export interface Document {
  readonly number: number;
  readonly filler: string;
}

/** The template of it, for a service whose values are in the section `name`. */
export function template(name: string): string {
  return `begin {{${name}.number}}\nfiller {{${name}.filler}}\nend {{${name}.number}}\n`;
}

export function formatDocument({ number, filler }: Document): string {
  return `begin ${number}\nfiller ${filler}\nend ${number}\n`;
}

/** Newlines behind it are those of a write in place that was cut off, or is just going on. */
export function isWhole(text: string): boolean {
  return /^begin (\d+)\nfiller (\w)\2*\nend \1\n+$/.test(text);
}
