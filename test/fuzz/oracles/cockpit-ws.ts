import { writeFile } from "node:fs/promises";
import { startCockpit } from "../../support/cockpit.ts";
import { keyOf, type Values } from "../reading.ts";

/** The real cockpit-ws: what it read of its cockpit.conf shows in its login page. A start takes some 40 ms. */
export interface CockpitService {
  /** The keys of `shownKeys` that it has; none where it discarded the file. */
  readonly read: (text: string) => Promise<Values>;
  readonly stop: () => Promise<void>;
}

/** The keys whose values the login page holds as they are. */
export const shownKeys = [
  ["WebService", "LoginTitle"],
  ["OAuth", "URL"],
  ["OAuth", "ErrorParam"],
  ["OAuth", "TokenParam"],
] as const;

interface Environment {
  readonly page: { readonly title?: string };
  readonly OAuth?: Readonly<Record<string, string | null>>;
}

export async function startCockpitService(): Promise<CockpitService> {
  const server = await startCockpit();
  return {
    read: async (text) => {
      await writeFile(server.file, text);
      await server.restart();
      const page = await (await fetch(`${server.url}/`)).text();
      return valuesOf(environmentOf(page));
    },
    stop: server.stop,
  };
}

/** The object behind `environment = `, up to the first brace with which it is one. cockpit-ws escapes no control characters. */
function environmentOf(html: string): Environment {
  const page = html.replace(
    /[\x00-\x1f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  const from = page.indexOf("environment = {") + "environment = ".length;
  for (let end = page.indexOf("}", from); end >= 0; end = page.indexOf("}", end + 1)) {
    try {
      return JSON.parse(page.slice(from, end + 1)) as Environment;
    } catch {
      // A brace inside.
    }
  }
  throw new Error("the login page of cockpit-ws holds no environment");
}

/** Without a URL there is no OAuth, whatever else its section says. */
function valuesOf({ page, OAuth = {} }: Environment): Values {
  const found = shownKeys.flatMap(([section, key]) => {
    const value = section === "OAuth" ? OAuth[key] : page.title;
    return typeof value === "string" ? [[keyOf([section, key]), value] as const] : [];
  });
  return new Map(found);
}
