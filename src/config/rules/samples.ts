import type { Entry, Snapshot } from "../layers.ts";
import { formatPath } from "../path.ts";
import { reveal, Secret } from "../secret.ts";
import type { Rule } from "./rule.ts";

/** Passwords that stand in examples and manuals, or are the name of their user. `zxcvbn` finds `change-me-0815` hard to guess. */
export const samples: Rule = ({ snapshot, advises }) => {
  if (advises !== true) return [];
  return [...snapshot.entries.values()].flatMap((entry) => {
    const fault = entry.value instanceof Secret ? faultOf(entry.value.reveal().trim(), entry, snapshot) : undefined;
    if (fault === undefined) return [];
    const key = formatPath(entry.path);
    const hint = "Choose another one, at random";
    return [{ code: "VALUE_INVALID", severity: "warning", key, place: entry.origin, message: `${key} ${fault}`, hint }];
  });
};

function faultOf(text: string, entry: Entry, snapshot: Snapshot): string | undefined {
  // Separators count as one another: change-me, change_me, "change me".
  const plain = text.toLowerCase().replace(/[\s_.-]+/g, "-");
  if (defaults.has(plain)) return "is a password that everybody tries first";
  if (oneCharacter.test(text)) return "is one character again and again";
  // An address is not made at random: example.com may stand in it, and the password that may as well is not looked for.
  if (!text.includes("://") && (placeholder.test(plain) || brackets.test(text)))
    return "looks like the sample that it came with";
  return text !== "" && isNameOfUser(plain, entry, snapshot) ? "is the same as the name of its user" : undefined;
}

const defaults = new Set([
  ...["admin", "administrator", "default", "guest", "letmein", "login", "pass", "passwd", "password", "qwerty", "root"],
  ...["secret", "test", "token", "user", "welcome", "1234", "12345", "123456", "12345678", "123456789"],
  ...["admin123", "password1", "password123", "p@ssw0rd", "passw0rd", "root123", "changeit"],
]);

/** As words of their own: not in the middle of what was chosen at random, where three equal letters are nothing strange. */
const placeholder =
  /(^|[^a-z])(change-?me|change-?this|replace-?me|replace-?this|fill-?me|your-?(password|secret|token|key)|example|sample|placeholder|todo)([^a-z]|$)|(^|[^a-z0-9])xxx+([^a-z0-9]|$)/;

const oneCharacter = /^(.)\1*$/s;

/** `<password>`, `{{password}}`, `${PASSWORD}` as a whole. */
const brackets = /^(<[^<>]*>|\{\{.*\}\}|\$\{.*\})$/;

/** `user_pwd` beside `user_name`, `password` beside `login`. */
function isNameOfUser(plain: string, { path }: Entry, { entries }: Snapshot): boolean {
  return userNames.some((name) => {
    if (name === path.at(-1)) return false;
    const other = entries.get(formatPath([...path.slice(0, -1), name]));
    return (
      other !== undefined &&
      reveal(other.value)
        .trim()
        .toLowerCase()
        .replace(/[\s_.-]+/g, "-") === plain
    );
  });
}

const userNames = ["user_name", "username", "user", "login", "login_user", "account", "db_user", "admin_user"];
