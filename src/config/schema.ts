/** Pieces that the schemas of the settings, manifests, reloads and probes share. */
import { z } from "zod";
import { parseDuration } from "./coerce.ts";

/** `10s`, `200ms`: milliseconds. */
export const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: "custom", message: "is not a duration: write a number with ms, s, m or h, such as 10s" });
  return z.NEVER;
});

/** A TCP port, as a number or as digits (what a filled-in template gives). */
export const port = z.union([z.number(), z.string().regex(/^\d{1,5}$/)]).transform((value, context) => {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= 65_535) return number;
  context.addIssue({ code: "custom", message: "is not a port: a whole number from 1 to 65535" });
  return z.NEVER;
});

/** `"0640"`: a file mode in octal, quoted, because YAML reads a bare 0640 as six hundred and forty. */
export const fileMode = z
  .string()
  .regex(/^0?[0-7]{3}$/, 'is not a file mode: three octal digits in quotes, such as "0640"')
  .transform((text) => Number.parseInt(text, 8));

/** The name of a service: of its folder under `templates`, and in messages. */
export const serviceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "is not a service name: lower-case letters, digits and dashes, at most 63");

/** A program and its arguments. Never a shell line. */
export const argv = z.array(z.string()).min(1, "needs at least the program");
