/** The fields of a spec that the HTTP reload and the HTTP probe share. */
import { z } from "zod";
import { parseBoolean } from "../config/coerce.ts";

export const url = z.string().refine((text) => URL.canParse(text) && /^(https?|http\+unix):\/\/[^/]/.test(text), {
  error: "is not a URL: write http://host:port/path, https://… or http+unix://%2Fpath%2Fto.sock/path",
});

export const headers = z.record(
  z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "is not the name of a header"),
  z.string().regex(/^[^\x00-\x08\x0a-\x1f\x7f]*$/, "holds a line break or another character that no header can hold"),
);

/** A status, as a number or as digits. */
const status = z.union([z.number(), z.string().regex(/^\d{3}$/)]).transform((value, context) => {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 100 && number <= 599) return number;
  context.addIssue({ code: "custom", message: "is not an HTTP status: a number from 100 to 599" });
  return z.NEVER;
});

/** One status or a list of them. */
export const statuses = z.union([
  status.transform((one) => [one]),
  z.array(status).min(1, "needs at least one status"),
]);

/** `true` or `false`, also as the text that a filled-in template gives. */
export const flag = z.union([z.boolean(), z.string()]).transform((value, context) => {
  const known = typeof value === "boolean" ? value : parseBoolean(value);
  if (known !== undefined) return known;
  context.addIssue({ code: "custom", message: "is neither true nor false" });
  return z.NEVER;
});
